"""What `templates lint` finds in a file, and what it lets pass."""

import re

import pytest
from commands import REPOSITORY
from hypothesis import HealthCheck, given, settings, strategies as st

import judgebench
from judgebench.templates.lint.linting import lint
from judgebench.templates.template import shipped_templates

SHOW = "{{ prompt }}{% for c in completions %}\n[{{ c.label }}] {{ c.text }}{% endfor %}\n"
TAGS = r"{pattern: '\[\[([AB])\]\]', example: 'So [[A]]'}"
MANY = r"{pattern: '\[\[([A-Z])\]\]', example: 'So [[A]]'}"
RATE = r"{pattern: '\[\[(\d+)\]\]', scale: [1, 10], example: 'So [[7]]'}"
ENDS = {
    "pairwise": "End with [[A]] or [[B]].",
    "best_of_k": "End with one of {% for label in labels %}[[{{ label }}]] {% endfor %}.",
    "rating": "Rate it from 1 to 10, as in [[5]].",
}
RULES = {"pairwise": TAGS, "best_of_k": MANY, "rating": RATE}


def found(tmp_path, words="", mode="pairwise", *, verdict=None, ends=None, shows=SHOW):
    """The findings about a template that says these words, as (line, kind, text)."""
    head = f"---\nname: own\nmode: {mode}\nverdict: {verdict or RULES[mode]}\n---\n"
    body = f"{{% block system %}}\n{words}\n{{% endblock %}}\n" if words else ""
    end = ENDS[mode] if ends is None else ends
    path = tmp_path / "own.jinja"
    path.write_text(f"{head}{body}{{% block user %}}\n{shows}{end}\n{{% endblock %}}\n")
    findings = lint(path)
    assert all(str(each).startswith(f"{each.file}:{each.line}: ") and "\n" not in str(each) for each in findings)
    return [(each.line, each.kind, f"{each.what}; {each.mend}") for each in findings]


def only(findings):
    """The one finding that there is."""
    assert len(findings) == 1, findings
    return findings[0]


def test_templates_that_ship_are_clean():
    """Nothing is found in any of them."""
    assert [str(each) for name in shipped_templates() for each in lint(name)] == []


def test_templates_in_the_docs_are_clean(tmp_path):
    """Each example in the pages that is a whole template, with an ellipsis for what it leaves out."""
    pages = [*(REPOSITORY / "docs").rglob("*.md"), REPOSITORY / "README.md"]
    texts = [text for page in pages for text in re.findall(r"```jinja\n(---\n.*?)```", page.read_text(), re.DOTALL)]
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.jinja").write_text(text.replace("\n...\n", f"\n{SHOW}"))

    assert len(texts) >= 2
    assert [str(each) for number in range(len(texts)) for each in lint(tmp_path / f"{number}.jinja")] == []


@pytest.mark.parametrize("mode", RULES)
def test_a_plain_template_is_clean(tmp_path, mode):
    """The smallest template of each mode."""
    assert found(tmp_path, mode=mode) == []


FAULTS = [
    # the words, the line of the file, the kind, a part of what is said
    ("pairwise", "Be fair.\nAnswer A is the correct one.", 8, "gives-away", "'Answer A is the correct one'"),
    (
        "pairwise",
        "Note that the first answer is usually better.",
        7,
        "gives-away",
        "the first answer is usually better",
    ),
    ("pairwise", "The first answer is the reference.", 7, "gives-away", "first answer is the reference"),
    (
        "best_of_k",
        "Remember: the correct answer is listed first.",
        7,
        "gives-away",
        "the correct answer is listed first",
    ),
    ("best_of_k", "See the answers given by four AI assistants.", 7, "fixed-number", "'by four AI assistants'"),
    ("best_of_k", "You compare four answers.", 7, "fixed-number", "write {{ labels | length }}"),
    ("best_of_k", "Pick the best of these two responses.", 7, "fixed-number", "where 2 to 26 are shown"),
    ("best_of_k", "Compare the 4 candidate answers.", 7, "fixed-number", "4 candidate answers"),
    ("pairwise", "You are shown three answers.", 7, "fixed-number", "write 'two'"),
    ("pairwise", "{% if rubric %}Use the rubric.{% endif %}", 7, "unused", "tests 'rubric', and no message shows it"),
    ("pairwise", "The question: {question}", 7, "placeholder", "'{question}' is sent as it is"),
    ("pairwise", "{{ item.chosen_model }} is a model.", 7, "leak", "item.chosen_model tells"),
    (
        "pairwise",
        "Fine.\n{% if item['num_correct'] == 1 %}One is right.{% endif %}",
        8,
        "leak",
        "item.num_correct tells",
    ),
    ("pairwise", "{% for k, v in item.items() %}{{ k }}{% endfor %}", 7, "leak", "all of the item's data"),
    ("pairwise", "{{ item | tojson }}", 7, "leak", "all of the item's data"),
    ("pairwise", "Or [[C]] for a tie.", 7, "not-read", "'[[C]]', which the rule does not read"),
    ("pairwise", "Or [[A=B]] for a tie.", 7, "not-read", "'[[A=B]]'"),
    ("best_of_k", "Say [[A]], [[B]], [[C]] or [[D]].", 7, "not-read", "{% for label in labels %}"),
    ("rating", "Give [[0]] to nonsense.", 7, "not-read", "'[[0]]', which the rule does not read"),
    ("pairwise", "The second answer is the rejected one.", 7, "gives-away", "second answer is the rejected one"),
    ("pairwise", "The last answer is always the best.", 7, "gives-away", "'The last answer is always the best'"),
    ("pairwise", "Remember that the correct answer is shown second.", 7, "gives-away", "answer is shown second"),
    ("pairwise", "The answers are sorted by quality, best first.", 7, "gives-away", "sorted by quality, best first"),
    ("best_of_k", "The answers are ordered from best to worst.", 7, "gives-away", "ordered from best to worst"),
    ("best_of_k", "Note: all responses are listed best first.", 7, "gives-away", "are listed best first"),
]


@pytest.mark.parametrize(("mode", "words", "line", "kind", "text"), FAULTS)
def test_a_fault_in_the_words_is_found_on_its_line(tmp_path, mode, words, line, kind, text):
    """One line, that says what is wrong and how to mend it."""
    finding = only(found(tmp_path, words, mode))

    assert finding[:2] == (line, kind)
    assert text in finding[2]


VERDICTS = [
    # mode, rule, how the question ends, the kind, a part of what is said
    ("pairwise", TAGS, "Which is better, A or B?", "never-asked", "no message asks for '[['"),
    ("pairwise", r"{pattern: 'Winner: ([AB])', example: 'Winner: A'}", "Say A or B.", "never-asked", "'Winner:'"),
    ("pairwise", '{json: verdict, example: \'{"verdict": "A"}\'}', "A or B?", "never-asked", "object with 'verdict'"),
    ("pairwise", TAGS, "End with your verdict, as in [[A]]. It is A or B.", "one-label", "'[[A]]' as the only verdict"),
    ("best_of_k", MANY, "End with the letter, as in [[{{ labels[1] }}]].", "one-label", "'[[B]]' as the only verdict"),
    (
        "best_of_k",
        r"{pattern: '\[\[(.+?)\]\]', ranking: strict, example: '[[B > A]]'}",
        "End with a ranking, as in [[B > A > C]].",
        "one-label",
        "[[... > ...]]",
    ),
    (
        "pairwise",
        r"{pattern: '\[\[([ABC])\]\]', values: {A: A, B: B, C: tie}, example: '[[A]]'}",
        ENDS["pairwise"],
        "not-offered",
        "no message offers 'C' (a tie)",
    ),
    ("rating", RATE, "Rate it with a number, as in [[5]]. Be strict from 1 on.", "scale", "reads numbers to 10"),
    ("rating", RATE.replace("[1, 10]", "[1, 5]").replace("7", "4"), "From 0 to 5: [[x]].", "scale", "numbers from 1,"),
    ("pairwise", r"{pattern: '\[\[([AB])\]\]'}", ENDS["pairwise"], "no-example", "verdict.example is missing"),
    (
        "rating",
        r"{pattern: 'Rating: (\d)', scale: [1, 10], example: 'Rating: 7'}",
        'End with "Rating: " and the number, from 1 to 10.',
        "not-read",
        "does not read 'Rating: 10', and 10 is an end of its scale",
    ),
    ("rating", RATE.replace(r"\d+", r"\d"), ENDS["rating"], "not-read", "does not read '[[10]]'"),
    ("rating", RATE.replace(r"\d+", "[1-9]"), ENDS["rating"], "not-read", "does not read '[[10]]'"),
    (
        "rating",
        r"{pattern: '\[\[(\d+)\]\]', scale: [-1, 1], example: '[[0]]'}",
        "From -1 to 1: [[x]].",
        "not-read",
        "does not read '[[-1]]'",
    ),
]


@pytest.mark.parametrize(("mode", "verdict", "ends", "kind", "text"), VERDICTS)
def test_a_verdict_that_the_words_do_not_ask_for_is_found(tmp_path, mode, verdict, ends, kind, text):
    """The rule and the wording must be about the same forms."""
    finding = only(found(tmp_path, "", mode, verdict=verdict, ends=ends))

    assert finding[1] == kind
    assert text in finding[2]


def test_an_end_that_is_not_read_is_found_at_the_rule(tmp_path):
    """On the line of `pattern`."""
    finding = only(found(tmp_path, mode="rating", verdict=RATE.replace(r"\d+", r"\d")))
    assert finding[:2] == (4, "not-read")


def test_a_missing_example_is_found_at_the_rule(tmp_path):
    """On the line of `verdict`."""
    assert only(found(tmp_path, verdict=r"{pattern: '\[\[([AB])\]\]'}"))[0] == 4


SHOWN = [
    ("pairwise", "{{ prompt }} {{ completions[0].text }}", "not-shown", "completion B of 2"),
    ("pairwise", "{% for c in completions %}[{{ c.label }}] {{ c.text }}{% endfor %}", "not-shown", "shows the prompt"),
    (
        "best_of_k",
        "{{ prompt }} {{ completions[0].text }} {{ completions[1].text }}",
        "not-shown",
        "completion C, D, E",
    ),
    (
        "best_of_k",
        "{{ prompt }}{% for n in range(4) %}[{{ labels[n] }}] {{ completions[n].text }}{% endfor %}",
        "not-rendered",
        "cannot be rendered for 2 completions",
    ),
    ("pairwise", "{{ prompt }}{% for c in completions %}{{ c.txt }}{% endfor %}", "not-rendered", "'txt'"),
    (
        "pairwise",
        "{{ prompt }}\n[A] {{ completions[1].text }}\n[B] {{ completions[0].text }}\n",
        "mislabelled",
        "completions[0], which is A, is headed B",
    ),
    (
        "pairwise",
        "{{ prompt }}\n<chosen>\n{{ completions[0].text }}\n</chosen><rejected>{{ completions[1].text }}</rejected>\n",
        "gives-away",
        "shows completions[0] as 'chosen'",
    ),
    (
        "pairwise",
        "{{ prompt }}\n## One\n{{ completions[0].text }}\n## Wrong answer\n{{ completions[1].text }}\n",
        "gives-away",
        "shows completions[1] as 'Wrong'",
    ),
]


CRITERIA = (
    ("{{ prompt }} {{ completions[0].text }}", "no message shows the criteria;"),
    ("{{ prompt }} {{ completions[0].text }}{% for c in criteria %}{{ c.text }}{% endfor %}", "the criteria's ids"),
    ("{{ prompt }} {{ completions[0].text }}{% for c in criteria %}[{{ c.id }}] {{ c.text }}{% endfor %}", None),
)


@pytest.mark.parametrize(("shows", "what"), CRITERIA)
def test_criteria_are_shown_with_the_ids_that_a_reply_names(tmp_path, shows, what):
    """Where a reply is about all of them."""
    rule = """{json: v, of: {values: {met: 1, unmet: 0}}, example: '{"v": {"c1": "met"}}'}"""
    ends = 'End with an object of "v", with "met" or "unmet" for each.'
    findings = found(tmp_path, mode="criteria", verdict=rule, shows=shows, ends=ends)
    assert [what in text for _, _, text in findings if what] == [True] * bool(what)
    assert bool(findings) is bool(what)


NUMBERED = "{pattern: '([12])', values: {'1': A, '2': B}, example: '1'}"
LOWER = r"{pattern: 'Output \(([ab])\)', values: {a: A, b: B}, example: 'Output (a)'}"
TURNED = r"{pattern: '\[\[([AB])\]\]', values: {A: B, B: A}, example: 'So [[A]]'}"
BETTER = "Which is better? End with [[A]] or [[B]]."
ANSWER = "{pattern: 'Answer ([AB])', example: 'Answer A'}"


def two(first, second, slots=(0, 1)):
    """Two answers under these headings."""
    shown = (f"{head}{{{{ completions[{slot}].text }}}}\n" for head, slot in zip((first, second), slots, strict=True))
    return "{{ prompt }}\n" + "".join(shown)


HEADED = [
    # mode, rule, what is shown, how the question ends, the kind, a part of what is said
    ("pairwise", TURNED, SHOW, BETTER, "mislabelled", "'A', which the rule takes for B; fix verdict.values"),
    (
        "pairwise",
        NUMBERED.replace("'1': A, '2': B", "'1': B, '2': A"),
        two("<response_1>\n", "</response_1>\n<response_2>\n"),
        "Say which is better, 1 or 2.",
        "mislabelled",
        "completions[0], which is A, is headed '1', which the rule takes for B",
    ),
    (
        "pairwise",
        LOWER,
        two("Output (a): ", "Output (b): ", (1, 0)),
        "Which is better, Output (a) or Output (b)?",
        "mislabelled",
        "completions[0], which is A, is headed 'b', which the rule takes for B",
    ),
    (
        "pairwise",
        NUMBERED,
        two("Response 1: ", "Response 2: ", (1, 0)),
        "Which is better, 1 or 2?",
        "mislabelled",
        "is headed '2'",
    ),
    (
        "pairwise",
        TAGS,
        SHOW.replace("[{{ c.label }}]", "{{ 'Chosen' if loop.first else 'Rejected' }} {{ c.label }}:"),
        ENDS["pairwise"],
        "gives-away",
        "shows completions[0] as 'Chosen'",
    ),
    (
        "pairwise",
        TAGS,
        two("Answer A: ", "Preferred answer B: "),
        ENDS["pairwise"],
        "gives-away",
        "shows completions[1] as 'Preferred'",
    ),
]


@pytest.mark.parametrize(("mode", "verdict", "shows", "ends", "kind", "text"), HEADED)
def test_a_heading_that_misleads_is_found(tmp_path, mode, verdict, shows, ends, kind, text):
    """By what the rule takes it for, where the better one is asked for, and by what it says of an answer."""
    finding = only(found(tmp_path, "", mode, verdict=verdict, shows=shows, ends=ends))

    assert finding[1] == kind
    assert text in finding[2]


@pytest.mark.parametrize(
    ("verdict", "shows", "ends"),
    [
        (TURNED, SHOW, "Which answer is worse? End with [[A]] or [[B]]."),
        (TURNED, SHOW, "Which answer has more mistakes? End with [[A]] or [[B]]."),
        (TURNED, two("[A] ", "[B] ", (1, 0)), ENDS["pairwise"]),
        (NUMBERED, two("Response 1 of 2:\n", "Response 2 of 2:\n"), "Say 1 or 2."),
        (NUMBERED, two("", "[End of response 1]\n") + "[End of response 2]\n", "Say 1 or 2."),
        (NUMBERED, two("See response 1 and response 2.\n", "[end of response 1]\n"), "Say 1 or 2."),
        (NUMBERED, two("Response 1, by version 2.1:\n", "Response 2, by version 1.2:\n"), "Say 1 or 2."),
        (LOWER, two("Here is a response (a):\n", "Here is a response (b):\n"), "Output (a) or Output (b)?"),
        (TAGS, SHOW.replace("[{{ c.label }}]", "[[{{ c.label }}]]"), "End with the label of the better answer."),
        (TAGS, SHOW.replace("[{{ c.label }}]", "[[{{ c.label }}]]"), ENDS["pairwise"]),
        (TAGS, "{{ prompt }}\nEnd with [[A]] or [[B]].\n{% for c in completions %}{{ c.text }}\n{% endfor %}", ""),
        (ANSWER, SHOW.replace("[{{ c.label }}]", "Answer {{ c.label }}:"), "Which answer is better?"),
        (TAGS, SHOW.replace("[{{ c.label }}]", "Preferred answer {{ c.label }}:"), ENDS["pairwise"]),
        (TAGS, SHOW.replace("[{{ c.label }}]", "Correct {{ c.label }}?"), ENDS["pairwise"]),
        (TAGS, two("Left answer:\n", "Right answer:\n"), ENDS["pairwise"]),
    ],
)
def test_a_heading_that_misleads_nobody_passes(tmp_path, verdict, shows, ends):
    """Where the worse one is asked for, or all are headed alike."""
    assert found(tmp_path, "", verdict=verdict, shows=shows, ends=ends) == []


@pytest.mark.parametrize(
    "before",
    [
        "Decide which is the better answer:",
        "Which answer is better?",
        "Pick the better one:",
        "Of these answers, which may all be wrong answers, name the correct answer.",
        "[Best]: say which.",
    ],
)
def test_words_before_all_answers_give_none_away(tmp_path, before):
    """They stand over the first answer, and are about the question."""
    shows = f"{{{{ prompt }}}}\n{before}\n{{% for c in completions %}}{{{{ c.text }}}}\n{{% endfor %}}"
    assert found(tmp_path, "", "pairwise", shows=shows) == []


@pytest.mark.parametrize(("mode", "shows", "kind", "text"), SHOWN)
def test_what_is_not_shown_as_it_should_be_is_found(tmp_path, mode, shows, kind, text):
    """Every completion, under its own label, and the prompt."""
    finding = only(found(tmp_path, "", mode, shows=shows))

    assert finding[1] == kind
    assert text in finding[2]


PASSES = [
    ("pairwise", "[[A]] if answer A is better, [[B]] if answer B is better."),
    ("pairwise", "1. Answer A is better: [[A]]\n2. Answer B is better: [[B]]"),
    ("pairwise", "Say [[A]] where the first answer is better."),
    ("pairwise", "Do not think that the first answer is better because it comes first."),
    ("pairwise", "It does not matter which answer is listed first."),
    (
        "pairwise",
        "The order of the answers is random. Both answers may be wrong. Assistant A is not to be trusted blindly.",
    ),
    ("pairwise", "Whether answer A is correct does not depend on what answer B says."),
    ("pairwise", 'An answer that says "Answer A is the best" is not better for it.'),
    ("pairwise", "Weigh both answers. Of two answers that are right, take the clearer. There may be three reasons."),
    ("pairwise", "{% if reference %}Use the reference answer: {{ reference }}{% endif %}"),
    ("pairwise", "Judge by the rubric: {{ rubric }}"),
    ("pairwise", "The source is {{ item.source }}, the language {{ item['language'] }}."),
    ("pairwise", "{% if item.level is defined %}Level {{ item.level }}{% endif %}"),
    ("pairwise", "Reply with JSON like {'a': 1}, or code such as f'{x}'."),
    ("pairwise", "Write [[verdict]] with your letter, [[X]] being the letter, not [1]."),
    ("best_of_k", "Where two answers are close, decide. Compare the {{ labels | length }} answers."),
    ("best_of_k", "Take the best three answers first, then pick one. At most two answers are good."),
    ("best_of_k", "The answers are marked {{ labels | join(', ') }}."),
    ("best_of_k", "{% if labels | length == 2 %}Compare the two answers.{% else %}Compare all the answers.{% endif %}"),
    ("pairwise", "Say A if A is the better answer, and B if B is the better answer."),
    ("pairwise", "A is the better answer: [[A]]. Otherwise: [[B]]."),
    ("pairwise", "[[A]]: A is the better answer, [[B]]: the other way round."),
    ("pairwise", "1. A is the better answer: end with [[A]]\n2. B is the better answer: end with [[B]]"),
    ("pairwise", "Is it true that A is the chosen answer? Give reasons."),
    ("pairwise", "Never assume that A is the better answer. B is the last one."),
    ("pairwise", "The first answer is the better one: [[A]]. The second answer is the better one: [[B]]."),
    ("pairwise", "[[A]] if the second answer is the worse one, [[B]] if the first answer is the worse one."),
    ("pairwise", "[[A]] where the answer labelled A is the preferred one."),
    ("pairwise", "The answers are not sorted by quality. They are in random order, and not best first."),
    ("pairwise", "The answers are sorted by length. Do not ask whether the answers are sorted by quality."),
    ("pairwise", "Close with a line in this form:\nBetter answer: A\nThen the verdict."),
    ("best_of_k", "Rank the answers from best to worst. List them best first."),
    ("best_of_k", "Rank the answers so that the first answer is the best and the last answer is the worst."),
    ("best_of_k", "The answers are to be ranked from best to worst."),
    ("best_of_k", "The answers are given below, so name the best first."),
    ("best_of_k", "Weigh until the answers are ordered from best to worst."),
    ("rating", "A 1 is useless, 5 to 6 is fair, 10 could not be better."),
    ("rating", "Two answers with the same faults deserve the same rating."),
    ("rating", "The answer is correct if its result is. The best answer is short."),
]


@pytest.mark.parametrize(("mode", "words"), PASSES)
def test_what_only_looks_like_a_fault_passes(tmp_path, mode, words):
    """Legends, conditions, denials, quotations and what a judge may really need."""
    assert found(tmp_path, words, mode) == []


@pytest.mark.parametrize(
    ("mode", "verdict", "ends"),
    [
        ("pairwise", TAGS, "End with the letter, A or B, in double square brackets."),
        (
            "pairwise",
            r"{pattern: '(?i)winner\W+([AB])\b', example: 'The winner: A'}",
            "Say 'Winner: A' or 'Winner: B'.",
        ),
        ("pairwise", "{pattern: '([AB])', example: 'A'}", "A or B?"),
        ("pairwise", r"{pattern: '\[RESULT\] \(?([AB])', example: 'Fine. [RESULT] A'}", "End with [RESULT] (A or B)."),
        ("pairwise", r"{pattern: '\[RESULT\] \(?([AB])', example: 'Fine. [RESULT] A'}", "End with [RESULT] A/B."),
        ("pairwise", '{json: verdict, example: \'{"verdict": "A"}\'}', "Reply in JSON: A or B."),
        ("pairwise", '{json: best, example: \'{"best": "A"}\'}', "Which is best?"),
        (
            "pairwise",
            r"{pattern: '(A>>B|A>B|A=B|B>A)', values: {'A>>B': A, 'A>B': A, 'A=B': tie, 'B>A': B}, example: A>B}",
            "End with [[A>B]], [[B>A]] or [[A=B]].",
        ),
        ("rating", RATE, "From one to ten, in the form [[number]]."),
        ("rating", "{json: rating, scale: [1, 5], example: '{\"rating\": 4}'}", "A rating from 1 to 5."),
        (
            "rating",
            r"{pattern: '\[\[(\d\.\d+)\]\]', scale: [0, 1], example: 'First [[0.5]], then [[0.75]]'}",
            "From 0 to 1, with two decimals, as in [[0.50]].",
        ),
        ("rating", r"{pattern: '(\d\d)/10', scale: [1, 10], example: '07/10'}", "From 01/10 to 10/10, so 1 to 10."),
        (
            "rating",
            r"{pattern: '\[\[(\d+)\]\]', match: only, scale: [1, 10], example: '[[7]], I repeat, [[7]]'}",
            "From 1 to 10: [[number]].",
        ),
        ("rating", RATE, "By the scale of the rubric: {{ rubric }} [[number]]"),
    ],
)
def test_a_verdict_that_is_asked_for_in_other_words_passes(tmp_path, mode, verdict, ends):
    """In words, in another case, by its field, with texts left out that mean what another means."""
    assert found(tmp_path, "", mode, verdict=verdict, ends=ends) == []


BROKEN = [
    (
        "{% block user %}\n{{ promt }}{{ completions }}\n{% endblock %}",
        7,
        "undefined",
        "'promt' is not defined; did you mean prompt",
    ),
    ("{% block user %}\n{{ prompt\n{% endblock %}", 8, "broken", "expected token"),
    ("{% block user %}{{ prompt }}{% endblock %}", 6, "broken", "no message shows the completions"),
    ("{% block usr %}{{ completions }}{% endblock %}", 6, "broken", "block 'usr' is not a message"),
    ("{% extends 'nope.jinja' %}", 6, "broken", "extends 'nope.jinja': file not found"),
    ("\n{% block user %}{{ completions }}{% endblock %}{% block tool_1 %}{% endblock %}", 7, "broken", "'tool_1'"),
]


@pytest.mark.parametrize(("body", "line", "kind", "text"), BROKEN)
def test_what_keeps_a_template_from_loading_is_a_finding(tmp_path, body, line, kind, text):
    """With the line that it stands on."""
    (tmp_path / "own.jinja").write_text(f"---\nname: own\nmode: pairwise\nverdict: {TAGS}\n---\n{body}\n")
    [finding] = lint(tmp_path / "own.jinja")

    assert (finding.line, finding.kind) == (line, kind)
    assert text in str(finding)


@pytest.mark.parametrize(
    ("verdict", "line", "kind"),
    [
        ("verdict:\n  pattern: '([AB])'\n  example: 'none'", 6, "example"),
        ("verdict:\n  pattern: '([AB'\n  example: 'A'", 5, "broken"),
        ("verdict:\n  example: 'A'", 4, "broken"),
        ("verdict: [", 5, "broken"),
        ("verdict:\n  match: first\n  pattern: '([CD])'\n  example: C", 6, "broken"),
        ("verdict:\n  pattern: '([AB])'\n  values: {A: A}", 6, "broken"),
        ("verdict:\n  pattern: '([AB])'\n  exmple: A", 6, "broken"),
        ("source: 3\nverdict:\n  pattern: '([AB])'", 4, "broken"),
    ],
)
def test_a_fault_in_the_head_is_found_on_its_line(tmp_path, verdict, line, kind):
    """An example that the rule cannot read stands where the example does."""
    body = "{% block user %}{{ prompt }}{{ completions }}{% endblock %}"
    (tmp_path / "own.jinja").write_text(f"---\nname: own\nmode: pairwise\n{verdict}\n---\n{body}")
    [finding] = lint(tmp_path / "own.jinja")

    assert (finding.line, finding.kind) == (line, kind)


def test_all_undefined_names_are_found_each_where_it_stands(tmp_path):
    """Also in a part that the template takes in, which is named then."""
    (tmp_path / "part.jinja").write_text("\n{{ zzz }}")
    body = "{% block user %}\n{{ completion }}\n{% include 'part.jinja' %}{% endblock %}"
    (tmp_path / "own.jinja").write_text(f"---\nname: own\nmode: pairwise\nverdict: {TAGS}\n---\n{body}\n")

    places = [(each.file.rpartition("/")[2], each.line) for each in lint(tmp_path / "own.jinja")]

    assert places == [("own.jinja", 7), ("part.jinja", 2)]


@pytest.mark.parametrize(
    ("part", "line", "text"),
    [("\n{% if %}", 2, "Expected an expression"), ("\n\n{{ 1 | nosuch }}", 3, "No filter named 'nosuch'")],
)
def test_a_mistake_in_an_imported_file_is_found_there(tmp_path, part, line, text):
    """With that file's name and line."""
    (tmp_path / "part.jinja").write_text(part)
    body = "{% import 'part.jinja' as part %}{% block user %}{{ completions }}{% endblock %}"
    (tmp_path / "own.jinja").write_text(f"---\nname: own\nmode: pairwise\nverdict: {TAGS}\n---\n{body}\n")
    [finding] = lint(tmp_path / "own.jinja")

    assert (finding.file, finding.line, finding.kind) == ("part.jinja", line, "broken")
    assert text in finding.what


def test_words_of_a_parent_are_found_in_its_file(tmp_path):
    """The line is that of the file in which the words stand."""
    base = "{% block system %}\nFair.\nCompare the four answers.\n{% endblock %}{% block user %}" + SHOW
    (tmp_path / "base.jinja").write_text(base + "{% block ask %}{% endblock %}{% endblock %}")
    body = "{% extends 'base.jinja' %}{% block ask %}" + ENDS["best_of_k"] + "{% endblock %}"
    (tmp_path / "own.jinja").write_text(f"---\nname: own\nmode: best_of_k\nverdict: {MANY}\n---\n{body}")
    [finding] = lint(tmp_path / "own.jinja")

    assert (finding.file, finding.line) == ("base.jinja", 3)


def test_lint_is_a_public_name():
    """What the command says, a call gives."""
    assert judgebench.lint("pairwise") == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_torn_file_has_findings_or_is_clean(tmp_path, data):
    """Whatever is cut out of a template, or doubled in it, lint ends in findings that are one line each."""
    text = shipped_templates()[data.draw(st.sampled_from(sorted(shipped_templates())))].read_text()
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    torn = text[:start] + text[end:] if data.draw(st.booleans()) else text[:end] + text[start:]
    (tmp_path / "torn.jinja").write_text(torn)

    for finding in lint(tmp_path / "torn.jinja"):
        assert "\n" not in str(finding)
        assert finding.line >= 1


@pytest.mark.parametrize(
    ("part", "text"), [("(?:a+)+", "a"), ("(?:x|xx)+", "x"), (r"(?:\w+\s?)*", ""), (r"(?:.*\n?)*", "")]
)
def test_a_pattern_that_may_search_for_ever_is_found(tmp_path, part, text):
    """What repeats a repeated part tries each way to divide a text among the two."""
    rule = rf"{{pattern: '{part}\[\[([AB])\]\]', example: '{text}[[A]]'}}"
    assert "endless" in [kind for _, kind, _ in found(tmp_path, verdict=rule)]


def test_loops_that_never_end_are_found(tmp_path):
    """Rendering stops after a million steps."""
    endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}"
    finding = only(found(tmp_path, shows=f"{SHOW}{endless}"))
    assert finding[1] == "not-rendered"
    assert "its loops take more than 1,000,000 steps" in finding[2]
