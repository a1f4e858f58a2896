"""The templates that ship: they load, render, and ask for exactly what their rule reads."""

import hashlib
import re
from dataclasses import replace

import pytest
from commands import REPOSITORY, judgebench, write_jsonl
from making import item
from shippedtemplates import NAMES, loaded

from judgebench._util.resources import shipped
from judgebench.api import render
from judgebench.benchmarks import get_benchmark
from judgebench.benchmarks.dataset import load_dataset
from judgebench.client.providers.offline import answer
from judgebench.items import LABELS, TIE, Completion, Criterion, Turn, Verdict
from judgebench.protocols.orders import Protocol, calls_needed
from judgebench.templates.followup import wanted
from judgebench.templates.hints import hint_for
from judgebench.verdicts import KINDS
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
    if loaded(name).rule.steps:
        of = replace(of, steps=tuple(each.text for each in of.completions))
    of = replace(of, checklist=(Criterion("c1", "Names the city."),)) if loaded(name).rule.of else of
    return loaded(name).render(of, tuple(range(k)))


def tagged(name):
    """Whether the verdict is a choice between double square brackets."""
    template = loaded(name)
    form = (template.rule.pattern or "").startswith(r"\[\[") and not template.rule.has_parts
    return form and template.kind.ordered


def test_the_first_templates_keep_their_wording():
    """Not a byte below their heads changes, since replies are cached by what was asked."""
    wordings = {
        name: shipped("prompt_templates", f"{name}.jinja").read_bytes().split(b"\n---\n", 1)[1] for name in FIRST
    }
    assert {name: hashlib.sha256(wording).hexdigest()[:16] for name, wording in wordings.items()} == FIRST


def test_each_shipped_template_names_the_source_of_its_method():
    """A paper by its arXiv id, a repository, or that it is our own."""
    form = re.compile(r"arXiv \d{4}\.\d{5}|huggingface\.co/\w+/\w+|\bown\b")
    assert {name: loaded(name).front.source for name in NAMES if not form.search(loaded(name).front.source)} == {}


@pytest.mark.parametrize("mode", ["pairwise", "best_of_k", "rating"])
def test_each_mode_has_templates_in_several_forms(mode):
    """Tags, structured output or parts of a verdict: what a grid can compare."""
    rules = [loaded(name).rule for name in NAMES if loaded(name).mode == mode]

    assert len({(rule.json_field is None, rule.has_parts) for rule in rules}) > 1


def test_the_contracts_templates_ship():
    """The five that ship from the first are there."""
    assert {"pairwise", "pairwise-ties", "four-way", "rating-10", "rating-ties"} <= {*NAMES}


def test_each_shipped_template_bears_its_files_name():
    """The name in the front matter is the one it is found by."""
    assert [loaded(name).name for name in NAMES] == NAMES


def test_each_shipped_template_says_what_it_is_for():
    """Each has a description of one line."""
    assert [name for name in NAMES if len(loaded(name).front.description.strip().splitlines()) != 1] == []


def test_each_shipped_example_is_read():
    """The example gives a verdict by the rule."""
    read_as = {name: said(name, shown(name)) for name in NAMES}

    assert {name: found for name, found in read_as.items() if not isinstance(found, Verdict)} == {}


@pytest.mark.parametrize("more", [{}, {"reference": "the reference"}, {"rubric": "the rubric"}])
def test_each_shipped_template_shows_prompt_and_answers_in_order(more):
    """The prompt stands before the answers, and these in the order of their labels, whatever else the item has."""
    wrong = {}
    for name in NAMES:
        answers = tuple(f"text of {label}" for label in LABELS[: shown(name)])
        text = rendered(name, item(answers=answers, metadata={}, **more))[-1]["content"]
        places = [text.find(part) for part in ("Why is the sky blue?", *answers)]
        if places != sorted(places) or -1 in places:
            wrong[name] = places

    assert wrong == {}


def test_each_shipped_template_puts_each_answer_under_its_label():
    """The answer in slot A is marked A, whichever completion it is."""
    wrong, some = [], [name for name in NAMES if "<answer_A>" in rendered(name)[-1]["content"]]
    for name in some:
        k = shown(name)
        of = item(answers=tuple(f"text {n}" for n in range(k)))
        text = loaded(name).render(of, tuple(reversed(range(k))))[-1]["content"]
        for slot, label in enumerate(LABELS[:k]):
            if not re.search(rf"<answer_{label}>\s*text {k - 1 - slot}\s*</answer_{label}>", text):
                wrong.append((name, label))

    assert (wrong, len(some) > 10) == ([], True)


def test_each_shipped_template_shows_a_whole_conversation():
    """All turns are shown in order, each under its role."""
    form = r"<user>\s*First question\?\s*</user>\s*<assistant>\s*First reply\.\s*</assistant>\s*<user>\s*Second"
    texts = {
        name: rendered(name, item(answers=("a", "b", "c", "d")[: shown(name)], conversation=MULTI_TURN))[-1]["content"]
        for name in NAMES
    }

    assert {name: text for name, text in texts.items() if not re.search(form, text)} == {}


def test_each_shipped_template_asks_for_exactly_the_tags_it_reads():
    """Every tag in the last sentence is read as a verdict, and together they are all verdicts there are."""
    verdicts, expected = {}, {}
    for name in filter(tagged, NAMES):
        rule, k = loaded(name).rule, shown(name)
        last = rendered(name)[-1]["content"].rpartition("\n")[2]
        verdicts[name] = {read(Reply(text=tag), rule, k) for tag in re.findall(r"\[\[.*?\]\]", last)}
        ties = {TIE} if TIE in (rule.values or {}).values() else set()
        expected[name] = {Verdict(value) for value in {*LABELS[:k]} | ties}

    assert verdicts == expected != {}


def test_each_shipped_rating_names_the_bounds_it_reads():
    """The wording gives the scale's two ends, and each of them is read, in the place of the example's."""
    ends, named, read_as = {}, {}, {}
    for name in NAMES:
        template = loaded(name)
        if template.rule.scale is None:
            continue
        low, high = ends[name] = tuple(template.rule.scale)
        system = rendered(name)[0]["content"].replace(" (wrong)", "")
        named[name] = [bool(re.search(form, system)) for form in (rf"from {low:g}\b", rf"to {high:g}\b")]
        hints = [hint_for(template, item(answers=("x" * length,)), (0,)) for length in (0, 5_000)]
        texts = [answer("longest", [], hint) for hint in hints]
        read_as[name] = tuple(read(Reply(text=text), template.rule, 1).value for text in texts)

    assert named == {name: [True, True] for name in ends} != {}
    assert read_as == ends


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
def test_a_reference_or_rubric_is_shown_or_not_spoken_of(given):
    """Where the item has one and the template asks for it, it stands in the question; else its words are the same."""
    shows, differs = [], []
    for name in NAMES:
        with_one = rendered(name, item(answers=tuple("wxyz"[: shown(name)]), **{given: "GIVEN"}))
        shows += [name] if "GIVEN" in with_one[-1]["content"] else []
        differs += [name] if with_one != rendered(name, item(answers=tuple("wxyz"[: shown(name)]))) else []

    assert shows == differs != []


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


def test_each_shipped_template_can_be_shown_without_data():
    """`templates render` has an item for every kind of verdict."""
    first = {loaded(name).mode: name for name in reversed(NAMES)}
    assert set(first) == set(KINDS)
    for mode, name in first.items():
        shown_as = render(name)
        assert (shown_as.template, bool(shown_as.messages)) == (name, True), mode


def test_a_public_judges_usual_reply_is_read():
    """In the form that the method's own judges were tuned to, or are asked for."""
    found = []
    for name, reply, _ in REPLIES:
        template = loaded(name)
        result = read(Reply(text=reply), template.rule, 4 if template.mode == "best_of_k" else shown(name))
        found.append((name, reply, result.value if isinstance(result, Verdict) else result.kind))

    assert found == REPLIES


def test_a_judge_with_a_schema_is_not_asked_for_the_object_in_words():
    """Where the schema goes out, the wording names its fields; where not, it asks for the object and nothing else."""
    found = {}
    for name in NAMES:
        template, k = loaded(name), shown(name)
        if template.rule.json_field is None:
            continue
        of = item(answers=("one", "two")[:k], checklist=(Criterion("c1", "Names the city."),))
        schema, words = (
            "\n".join(each["content"] for each in template.render(of, tuple(range(k)), structured=structured))
            for structured in (True, False)
        )
        found[name] = (
            [part in schema for part in (f'"{template.rule.json_field}"', '"reasoning"', "JSON object")],
            [part in words for part in ("JSON object", "nothing around it")],
        )

    assert found == {name: ([True, True, False], [True, True]) for name in found} != {}


def test_each_shipped_template_judges_from_end_to_end(tmp_path):
    """Every reply of an offline judge, which is worded like the example, is read."""
    found = {}
    row = {"prompt": "p", "response": "a long answer", "reference": "r", "rubric": "Is it long?"}
    row["criteria"] = [{"id": "c1", "text": "Is it long?"}, {"id": "c2", "text": "Is it short?"}]
    rows = write_jsonl(tmp_path / "rows.jsonl", [row | {"id": str(at)} for at in range(6)])
    steps = {"prompt": "p", "steps": ["one", "two"]}
    in_steps = write_jsonl(tmp_path / "steps.jsonl", [steps | {"id": str(at)} for at in range(6)])
    for benchmark, modes, data in (
        ("rewardbench", {"pairwise", "rating"}, "sample"),
        ("rewardbench-2", {"best_of_k"}, "sample"),
        ("custom", {"label", "criteria"}, rows),
        ("custom", {"steps"}, in_steps),
    ):
        named = [word for name in NAMES if loaded(name).mode in modes for word in ("-t", name)]
        ended = judgebench("run", benchmark, "-j", "offline/longest", *named, "--data", data, "--limit", "6", "--json")
        assert ended.status == 0, ended.err
        found |= {each["template"]: (each["coverage"], each["failures"]) for each in ended.metrics}

    assert found == dict.fromkeys(NAMES, (1, {}))


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


def test_the_docs_table_has_every_template():
    """With its mode, the form of its verdict and the source of its method, as the file has them."""
    lines = (REPOSITORY / "docs" / "templates.md").read_text(encoding="utf-8").splitlines()
    rows = {}
    for name in NAMES:
        template = loaded(name)
        slots = min(template.kind.slots, 3)
        form = " ".join(wanted(template.rule, slots).split())
        row = f"| `{name}` | `{template.mode}` | `{form}` | {template.front.source}"
        rows[row] = len([line for line in lines if line.startswith(row) and line.endswith(" |")])

    assert rows == dict.fromkeys(rows, 1)
