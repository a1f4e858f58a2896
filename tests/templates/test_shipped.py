"""The templates that ship: they load, render, and ask for exactly what their rule reads."""

import hashlib
import re

import pytest
from commands import REPOSITORY, judgebench, write_jsonl
from making import item
from shippedtemplates import NAMES, loaded

from judgebench._util.resources import shipped
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import load_dataset
from judgebench.client.providers.offline import answer
from judgebench.items import LABELS, TIE, Completion, Turn, Verdict
from judgebench.protocols.orders import Protocol, calls_needed
from judgebench.templates.followup import wanted
from judgebench.templates.hints import hint_for
from judgebench.verdicts.reading import read
from judgebench.verdicts.reply import Reply

MULTI_TURN = (Turn("user", "First question?"), Turn("assistant", "First reply."), Turn("user", "Second question?"))


FIRST = {
    "direct-assessment": "c5b0121db4b4e477",
    "five-point": "78228b7159c98e32",
    "four-way": "966ad795308c6558",
    "pairwise": "eb7d786c8c617a2b",
    "pairwise-ties": "c9bb29d41c1d8c80",
    "rating-10": "c09798186415622e",
    "rating-ties": "0bb2b2a891d13fb8",
}
"""The start of the SHA-256 of what stands below the head of each that shipped from the first."""


def shown(name):
    """How many completions a call of the template shows here; of a ranking, as many as its example has."""
    template = loaded(name)
    if template.rule.has_parts and template.mode == "best_of_k":
        return next(k for k in range(2, 27) if isinstance(said(name, k), Verdict))
    return min(template.kind.slots, 4)


def said(name, k):
    """What the template's example says of k slots."""
    rule = loaded(name).rule
    return read(Reply(text=rule.example), rule, k)


def rendered(name, of=None):
    k = shown(name)
    of = of or item(answers=tuple(f"text of {label}" for label in LABELS[:k]), metadata={})
    return loaded(name).render(of, tuple(range(k)))


def tagged(name):
    """Whether the verdict is a choice between double square brackets."""
    template = loaded(name)
    form = (template.rule.pattern or "").startswith(r"\[\[") and not template.rule.has_parts
    return form and template.kind.ordered


@pytest.mark.parametrize("name", FIRST)
def test_the_first_templates_keep_their_wording(name):
    """Not a byte below their heads changes, since replies are cached by what was asked."""
    wording = shipped("prompt_templates", f"{name}.jinja").read_bytes().split(b"\n---\n", 1)[1]
    assert hashlib.sha256(wording).hexdigest()[:16] == FIRST[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_template_names_the_source_of_its_method(name):
    """A paper by its arXiv id, a repository, or that it is our own."""
    assert re.search(r"arXiv \d{4}\.\d{5}|huggingface\.co/\w+/\w+|\bown\b", loaded(name).front.source)


@pytest.mark.parametrize("mode", ["pairwise", "best_of_k", "rating"])
def test_each_mode_has_templates_in_several_forms(mode):
    """Tags, structured output or parts of a verdict: what a grid can compare."""
    rules = [loaded(name).rule for name in NAMES if loaded(name).mode == mode]

    assert len({(rule.json_field is None, rule.has_parts) for rule in rules}) > 1


@pytest.mark.parametrize("name", ["pairwise", "pairwise-ties", "four-way", "rating-10", "rating-ties"])
def test_the_contracts_templates_ship(name):
    """The five that ship from the first are there."""
    assert name in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_template_bears_its_files_name(name):
    """The name in the front matter is the one it is found by."""
    assert loaded(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_template_says_what_it_is_for(name):
    """Each has a description of one line."""
    assert loaded(name).front.description.strip().count("\n") == 0 < len(loaded(name).front.description)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_example_is_read(name):
    """The example gives a verdict by the rule."""
    template = loaded(name)

    assert isinstance(read(Reply(text=template.rule.example), template.rule, shown(name)), Verdict)


@pytest.mark.parametrize("more", [{}, {"reference": "the reference"}, {"rubric": "the rubric"}])
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_template_shows_prompt_and_answers_in_order(name, more):
    """The prompt stands before the answers, and these in the order of their labels, whatever else the item has."""
    of = item(answers=tuple(f"text of {label}" for label in LABELS[: shown(name)]), metadata={}, **more)
    text = rendered(name, of)[-1]["content"]
    places = [text.index(part) for part in ("Why is the sky blue?", *(f"text of {x}" for x in LABELS[: shown(name)]))]

    assert places == sorted(places)


@pytest.mark.parametrize("name", [name for name in NAMES if "<answer_A>" in rendered(name)[-1]["content"]])
def test_a_shipped_template_puts_each_answer_under_its_label(name):
    """The answer in slot A is marked A, whichever completion it is."""
    k = shown(name)
    template = loaded(name)
    text = template.render(item(answers=tuple(f"text {n}" for n in range(k))), tuple(reversed(range(k))))[-1]["content"]

    for slot in range(k):
        assert re.search(rf"<answer_{LABELS[slot]}>\s*text {k - 1 - slot}\s*</answer_{LABELS[slot]}>", text)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_template_shows_a_whole_conversation(name):
    """All turns are shown in order, each under its role."""
    of = item(answers=("a", "b", "c", "d")[: shown(name)], conversation=MULTI_TURN)
    text = rendered(name, of)[-1]["content"]

    assert re.search(
        r"<user>\s*First question\?\s*</user>\s*<assistant>\s*First reply\.\s*</assistant>\s*<user>\s*Second", text
    )


@pytest.mark.parametrize("name", [name for name in NAMES if tagged(name)])
def test_a_shipped_template_asks_for_exactly_the_tags_it_reads(name):
    """Every tag in the last sentence is read as a verdict, and together they are all verdicts there are."""
    template = loaded(name)
    k = shown(name)
    last = rendered(name)[-1]["content"].rpartition("\n")[2]
    verdicts = {read(Reply(text=tag), template.rule, k) for tag in re.findall(r"\[\[.*?\]\]", last)}
    expected = set(LABELS[:k]) | ({TIE} if TIE in (template.rule.values or {}).values() else set())

    assert verdicts == {Verdict(value) for value in expected}


@pytest.mark.parametrize("name", [name for name in NAMES if loaded(name).rule.scale is not None])
def test_a_shipped_rating_names_the_bounds_it_reads(name):
    """The wording gives the scale's two ends, and each of them is read, in the place of the example's."""
    template = loaded(name)
    low, high = template.rule.scale
    system = rendered(name)[0]["content"]
    of = {end: item(answers=("x" * length,)) for end, length in ((low, 0), (high, 5_000))}
    replies = {end: answer("longest", [], hint_for(template, of[end], (0,))) for end in (low, high)}

    assert re.search(rf"from {low:g}\b", system)
    assert re.search(rf"to {high:g}\b", system.replace(" (wrong)", ""))
    assert {end: read(Reply(text=text), template.rule, 1).value for end, text in replies.items()} == {
        low: low,
        high: high,
    }


@pytest.mark.parametrize("name", ["pairwise-multi-turn"])
def test_continuations_of_several_turns_are_told_apart(name):
    """Each turn is headed its role, inside its answer."""
    turns = (Turn("assistant", "one"), Turn("user", "two"), Turn("assistant", "three"))
    of = item()
    of = type(of)("7", "s", of.conversation, (Completion(turns), Completion(turns[:1])), 1)
    text = rendered(name, of)[-1]["content"]

    assert "<answer_A>\n[assistant]\none\n[user]\ntwo\n[assistant]\nthree\n</answer_A>" in text
    assert "<answer_B>\none\n</answer_B>" in text


@pytest.mark.parametrize("given", ["reference", "rubric"])
@pytest.mark.parametrize("name", NAMES)
def test_a_reference_or_rubric_is_shown_or_not_spoken_of(name, given):
    """Where the item has one and the template asks for it, it stands in the question; else its words are the same."""
    with_one = rendered(name, item(answers=tuple("wxyz"[: shown(name)]), **{given: "GIVEN"}))
    without = rendered(name, item(answers=tuple("wxyz"[: shown(name)])))

    assert ("GIVEN" in with_one[-1]["content"]) == (with_one != without)


REPLIES = [
    ("mt-bench-pairwise", "Both err, but [[B]] goes further. Verdict: [[C]]", TIE),
    ("mt-bench-rating", "It is fine. Rating: [[8]]", 8),
    ("arena-hard", "My final verdict is tie: [[A=B]].", TIE),
    ("arena-hard", "My final verdict is that B is much better: [[B>>A]].", "B"),
    ("alpaca-eval", "m", "A"),
    ("alpaca-eval", '"M"\n', "B"),
    ("alpaca-eval", "I'm not sure which one to prefer.", "unreadable"),
    ("prometheus-pairwise", "Feedback: Response B is more precise. [RESULT] B", "B"),
    ("prometheus-pairwise", "Feedback: Both fine. [RESULT] (A)", "A"),
    ("prometheus-pairwise", "Feedback: Both fine. [RESULT] A or B", "unreadable"),
    ("prometheus-absolute", "Feedback: It lacks a source. So the overall score is 3. [RESULT] 3", 3),
    ("prometheus-absolute", "Feedback: It lacks a source. [RESULT] 6", "unreadable"),
    ("g-eval", "4", 4),
    ("g-eval", "- Quality: 4", 4),
    ("g-eval", "- Quality (1-5): 2", 2),
    ("rewardbench-pairwise", "Assistant A is right. [[A]]", "A"),
    ("rewardbench-2-best-of-4", "D alone counts right. [[D]]", "D"),
    ("rewardbench-2-rating", "Rating: [[10]]", 10),
    ("judgebench-vanilla", "Output (b)", "B"),
    ("llmbar-cot", "Output (b) is longer. Therefore, Output (a) is better.", "A"),
    ("llmbar-metrics-reference", "Output (a) is longer. Therefore, Output (b) is better.", "B"),
    ("auto-j-pairwise", "2. Conclusion: ... So, the final decision is Response 2.", "B"),
    ("auto-j-pairwise", "So, the final decision is Tie.", TIE),
    ("auto-j-rating", "Overall, it is adequate. Rating: [[5]]", 5),
    ("pandalm", "2\n\n### Reason: Response 2 is better.\n\n### Reference: 1 apple", "B"),
    ("pandalm", "Tie\n\n### Reason: They are the same.", TIE),
    ("skywork-critic", "[[B]]", "B"),
    ("self-taught-evaluator", "My final verdict is: [[A]]", "A"),
    ("judgelm", "7 9\nAssistant 2 says more in 3 lines.", "B"),
    ("judgelm", "10 10\nThe same.", TIE),
    ("selene-pairwise", "**Reasoning:** Response A ...\n\n**Result:** A", "A"),
    ("selene-rating", "**Reasoning:** Fair.\n\n**Result:** 4", 4),
    ("flow-judge", "<feedback>\nGood.\n</feedback>\n<score>\n5\n</score>", 5),
    ("deepseek-grm", "Principles: ... Scores: \\boxed{6, 8, 7, 2}", "B"),
    ("deepseek-grm", "Specific Criteria: ...\nAnalysis: ...\nScores: \\boxed{[3, 3, 9, 1]}", "C"),
    ("deepseek-grm", "Analysis: \\boxed{9, 1, 1, 1} at first. Scores: \\boxed{1, 1, 1, 11}", "unreadable"),
    ("wildbench", '{"analysis of A": "a", "reason of A>B": "c", "reason of B>A": "d", "choice": "B++"}', "B"),
    ("wildbench", '{\n "reason of A=B": "c",\n "choice": "A=B",\n}', TIE),
    ("wildbench", '{"reason of A>B": "shorter", "choice": "[A+]"}', "A"),
    ("wildbench-rating", '{"strengths": "s", "weaknesses": "w", "score": "7"}', 7),
    ("wildbench-rating", '{"strengths": "s",\n "weaknesses": "w",\n "score": [10],\n}', 10),
    ("wildbench-rating", '{"strengths": "a score of 9", "weaknesses": "", "score": "11"}', "unreadable"),
    ("auto-j-pairwise", "... so the final decision is response 1, not Response 2.", "A"),
    ("selene-pairwise", "**Reasoning:** **Result:** A would be too kind.\n\n**Result:** B", "B"),
    ("rm-r1", "<eval><quote_A>[[B]]</quote_A></eval><answer>[[A]]</answer>", "A"),
    ("pairwise-json", '{"reasoning": "He said "no".", "verdict": "B"}', "B"),
    ("pairwise-json", '{"reasoning": "It says {\\"verdict\\": \\"A\\"}.", "verdict": "tie"}', TIE),
    ("pairwise-json", '{"reasoning": "Better. \\"verdict\\": \\"A\\""}', "unreadable"),
    ("rating-json", '{"reasoning": "Two\nlines", "rating": 7.5}', 7.5),
    ("rating-json", '{"reasoning": "It says \\"rating\\": 10.", "rating": 2}', 2),
    ("rankgpt", "[B] > [D] > [A] > [C]", "B"),
    ("rm-r1", "<type>Chat</type><eval>Only A ... </eval>\n<answer>[[A]]</answer>", "A"),
]


@pytest.mark.parametrize(("name", "reply", "expected"), REPLIES)
def test_a_public_judges_usual_reply_is_read(name, reply, expected):
    """In the form that the method's own judges were tuned to, or are asked for."""
    template = loaded(name)
    result = read(Reply(text=reply), template.rule, 4 if template.mode == "best_of_k" else shown(name))

    assert (result.value if isinstance(result, Verdict) else result.kind) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if loaded(name).rule.json_field is not None])
def test_a_judge_with_a_schema_is_not_asked_for_the_object_in_words(name):
    """Where the schema goes out, the wording names its fields; where not, it asks for the object and nothing else."""
    template, of = loaded(name), item(answers=("one", "two")[: shown(name)])
    order = tuple(range(shown(name)))
    schema, words = (
        "\n".join(each["content"] for each in template.render(of, order, structured=structured))
        for structured in (True, False)
    )

    assert f'"{template.rule.json_field}"' in schema
    assert '"reasoning"' in schema
    assert ("JSON object" in schema, "JSON object" in words, "nothing around it" in words) == (False, True, True)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """The metrics of each template's run over a few rows of the sample, by the judge that prefers the longest."""
    out, found = tmp_path_factory.mktemp("runs"), {}
    row = {"prompt": "p", "response": "a long answer", "reference": "r", "rubric": "Is it long?"}
    rows = write_jsonl(out / "rows.jsonl", [row | {"id": str(at)} for at in range(6)])
    for benchmark, modes in (
        ("rewardbench", {"pairwise", "rating"}),
        ("rewardbench-2", {"best_of_k"}),
        ("custom", {"label"}),
    ):
        names = [name for name in NAMES if loaded(name).mode in modes]
        named = [word for name in names for word in ("-t", name)]
        data = (
            "--data",
            rows if benchmark == "custom" else "sample",
            "--limit",
            "6",
            "--json",
            "--out",
            out,
            "--cache-dir",
            out / "cache",
        )
        ended = judgebench("run", benchmark, "-j", "offline/longest", *named, *data)
        assert ended.status == 0, ended.err
        found |= {metrics["template"]: metrics for metrics in ended.metrics}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_template_judges_from_end_to_end(name, judged):
    """Every reply of an offline judge, which is worded like the example, is read."""
    assert (judged[name]["coverage"], judged[name]["failures"]) == (1, {})


@pytest.mark.parametrize("benchmark", ["rewardbench", "rewardbench-2"])
def test_every_row_of_the_sample_is_rendered(benchmark):
    """The default templates, and the companion of Ties, word every question about the bundled rows."""
    rules = get_benchmark(benchmark)
    names = [next(iter(rules.templates.values())), rules.ties_template]
    main, companion = (loaded(name) if name else None for name in names)
    for of in load_dataset(rules, "sample"):
        template = companion if rules.by_ties(of.key) else main
        for call in calls_needed(Protocol(), of.id, rules.questions(of.key, template.mode)):
            text = template.render(of, call.order)[-1]["content"]
            assert all(of.completions[index].text in text for index in call.order)


@pytest.mark.parametrize("name", NAMES)
def test_the_docs_table_has_every_template(name):
    """With its mode, the form of its verdict and the source of its method, as the file has them."""
    template = loaded(name)
    slots = min(template.kind.slots, 3)
    form = " ".join(wanted(template.rule, slots).split())
    row = f"| `{name}` | `{template.mode}` | `{form}` | {template.front.source}"
    lines = (REPOSITORY / "docs" / "templates.md").read_text(encoding="utf-8").splitlines()

    assert len([line for line in lines if line.startswith(row) and line.endswith(" |")]) == 1, row
