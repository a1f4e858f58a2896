"""Replies into verdicts and failures."""

import json

import pytest
from hypothesis import example, given, strategies as st

from judgebench.items import FAILURE_KINDS, Failure, Verdict
from judgebench.verdicts.reading import answer_of, read
from judgebench.verdicts.reply import Reply
from judgebench.verdicts.rule import VerdictRule, structured_schema

PAIR = VerdictRule(pattern=r"\[\[([AB])\]\]")
TAGS = {match: VerdictRule(pattern=r"\[\[([A-Z])\]\]", match=match) for match in ("last", "first", "only")}
TIES = VerdictRule(
    pattern=r"\[\[(A>>?B|A=B|B>>?A)\]\]", values={"A>>B": "A", "A>B": "A", "A=B": "tie", "B>A": "B", "B>>A": "B"}
)
RATING = VerdictRule(pattern=r"\[\[(.+?)\]\]", scale=(1, 10))
JSON = VerdictRule(json="verdict")
JSON_RATING = VerdictRule(json="rating", scale=(1, 10))
BOTH = VerdictRule(json="verdict", pattern=r"\[\[([AB])\]\]")
RULES = [PAIR, *TAGS.values(), TIES, RATING, JSON, JSON_RATING, BOTH]


def said(text, rule=PAIR, k=2, **more):
    """The verdict's value, or the failure's kind."""
    result = read(Reply(text=text, **more), rule, k)
    return result.value if isinstance(result, Verdict) else result.kind


@pytest.mark.parametrize(("match", "expected"), [("last", "B"), ("first", "A"), ("only", "ambiguous")])
def test_each_match_reads_its_own_tag(match, expected):
    """Of two different tags the last, the first, or neither counts."""
    assert said("At first [[A]], but no: [[B]].", TAGS[match]) == expected


@pytest.mark.parametrize("match", ["last", "first", "only"])
def test_a_repeated_tag_is_one_verdict(match):
    """The same tag twice is no contradiction."""
    assert said("[[B]] ... so [[B]]", TAGS[match]) == "B"


@pytest.mark.parametrize(
    ("text", "expected"), [("[[A>>B]]", "A"), ("[[A>B]]", "A"), ("[[A=B]]", "tie"), ("[[B>>A]]", "B")]
)
def test_values_say_what_a_text_means(text, expected):
    """The group's text stands for a slot or a tie."""
    assert said(text, TIES) == expected


def test_only_compares_texts_not_meanings():
    """Two texts of the same meaning are still two texts, as JudgeBench's rule has it."""
    rule = TIES.model_copy(update={"match": "only"})

    assert said("[[A>B]] [[A>>B]]", rule) == "ambiguous"


def test_a_text_without_a_value_is_unreadable():
    """The pattern may catch more than the values name."""
    assert said("[[C]]", VerdictRule(pattern=r"\[\[([A-C])\]\]", values={"A": "A", "B": "B"})) == "unreadable"


@pytest.mark.parametrize(("k", "expected"), [(2, "unreadable"), (3, "C"), (4, "C")])
def test_a_slot_beyond_those_shown_is_unreadable(k, expected):
    """The third letter is a verdict only where three completions were shown."""
    assert said("[[C]]", TAGS["last"], k) == expected


def test_a_group_that_caught_nothing_is_unreadable():
    """A pattern may match without its group."""
    assert said("none", VerdictRule(pattern="([AB])?none")) == "unreadable"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1.0),
        ("10", 10.0),
        ("7.5", 7.5),
        ("0.9", "unreadable"),
        ("11", "unreadable"),
        ("-3", "unreadable"),
        ("nan", "unreadable"),
        ("inf", "unreadable"),
        ("seven", "unreadable"),
        ("7/10", 7.0),
        ("7/5", "unreadable"),
    ],
)
def test_ratings_are_numbers_on_the_scale(text, expected):
    """Both ends belong to the scale; what is beyond, or no number, is unreadable."""
    assert said(f"[[{text}]]", RATING, 1) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"reasoning": "r", "verdict": "B"}',
        ' \n{"verdict": "B"} ',
        '```json\n{"verdict": "B"}\n```',
        'So:\n```\n{"verdict": "B"}\n```\nDone.',
        '```json\n{"verdict": "A"}\n```\nNo:\n```json\n{"verdict": "B"}\n```',
        '{"verdict": "B", "extra": [1, {"a": null}]}',
    ],
)
def test_an_object_is_read_plain_or_fenced(text):
    """Structured output counts as it comes, the last fenced object first."""
    assert said(text, JSON) == "B"


@pytest.mark.parametrize(
    "text",
    [
        "B",
        '"B"',
        "[]",
        "{}",
        '{"verdict": "C"}',
        '{"verdict": null}',
        '{"verdict": ["B"]}',
        '{"verdict": "B"',
        "[" * 100_000,
        "9" * 10_000,
    ],
)
def test_an_object_of_another_shape_is_unreadable(text):
    """A missing field, a wrong type and broken JSON are failures, never errors."""
    assert said(text, JSON) == "unreadable"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7.0),
        ("7.5", 7.5),
        ("true", "unreadable"),
        ("11", "unreadable"),
        ("NaN", "unreadable"),
        ('"x"', "unreadable"),
    ],
)
def test_a_rating_in_an_object_is_a_number_on_the_scale(value, expected):
    """True is no rating, and the scale holds."""
    assert said(f'{{"rating": {value}}}', JSON_RATING, 1) == expected


@pytest.mark.parametrize("text", ["no object, but [[B]]", '{"verdict": "X"} [[B]]', '{"other": 1} then [[B]]'])
def test_the_pattern_is_read_where_there_is_no_object(text):
    """A rule with both falls back to the pattern."""
    assert said(text, BOTH) == "B"


def test_the_object_goes_before_the_pattern():
    """Where both are there, the object counts."""
    assert said('{"reasoning": "not [[A]]", "verdict": "B"}', BOTH) == "B"


@pytest.mark.parametrize("tag", ["think", "thinking", "thought", "reasoning", "THINK"])
def test_closed_thinking_is_left_out(tag):
    """What stands between thinking tags is never read."""
    assert said(f"\n<{tag}>[[A]]\n</{tag}>\nIt is [[B]]", TAGS["only"]) == "B"


@pytest.mark.parametrize(
    "text",
    [
        "<think>[[A]]</think><think>[[A]]</think>[[B]]",
        "Well.\n<think>[[A]]</think>\n[[B]]",
        "I weigh them: [[A]]\n</think>\n[[B]]",
        "<think>a <think>b</think> [[A]]</think>[[B]]",
    ],
)
def test_thinking_is_left_out_wherever_it_stands(text):
    """Several blocks, a block in the middle, and one without its opening tag are left out."""
    assert said(text, TAGS["only"]) == "B"


HARMONY = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>{}"
MARKS = [
    "[THINK]{}[/THINK]{}",
    "\u25c1think\u25b7{}\u25c1/think\u25b7{}",
    "<seed:think>{}</seed:think>{}",
    '<think budget="512">{}</think >{}',
    "<|begin_of_thought|>{}<|end_of_thought|>{}",
    "<|START_THINKING|>{}<|END_THINKING|>{}",
    HARMONY,
    f"<|start|>assistant{HARMONY}",
    HARMONY.replace("final", "final <|constrain|>json"),
    *(f"{{}}</{tag}>{{}}" for tag in ("thinking", "thought", "reasoning", "seed:think")),
    "{}[/THINK]{}",
]


@pytest.mark.parametrize("marks", MARKS)
def test_every_models_marks_of_thinking_are_known(marks):
    """What stands between them is no verdict, and what follows is the whole answer."""
    assert answer_of(marks.format("It is [[A]].", "I cannot tell.")) == "I cannot tell."


@pytest.mark.parametrize("opened", ["[THINK]", "\u25c1think\u25b7", "<seed:think>", "<|channel|>analysis<|message|>"])
def test_thinking_that_never_ends_is_no_answer_in_any_marks(opened):
    """A reply that stops in its thinking is empty."""
    assert said(f"{opened}So far [[A]]") == "empty"


@pytest.mark.parametrize("text", ["[[B]] <reasoning>a</reasoning>", "[[B]] <reasoning n='1'>[[A]]</reasoning> So."])
def test_a_block_after_the_verdict_takes_nothing_else_with_it(text):
    """A form of answer that gives its reasons last is read whole, less the reasons."""
    assert said(text) == "B"


def test_unclosed_thinking_is_no_answer():
    """A reply that never leaves its thinking has no verdict, whatever it says there."""
    assert said("<think>So far [[A]]") == "empty"


def test_reasoning_kept_apart_is_never_read():
    """The provider's own field for thinking holds no verdict."""
    assert said("None.", reasoning="[[A]]") == "unreadable"


@given(st.text(), st.sampled_from(["<think>{}</think>", "<think>{}", "{}</think>", "<reasoning>{}</reasoning>"]))
def test_verdict_tags_inside_thinking_never_count(text, form):
    """Whatever is thought, with a tag in it, is no verdict."""
    thought = text.replace("<", "").replace("[[", "")

    assert said(form.format(f"{thought}[[A]]{thought}".replace("{", "").replace("}", ""))) == "empty"


@given(st.text())
def test_an_answer_without_thinking_is_whole(text):
    """A text without tags is left as it is."""
    assert answer_of(text.replace("<", "")) == text.replace("<", "")


@pytest.mark.parametrize("more", [{"refusal": "I will not."}, {"finish_reason": "refusal"}])
@pytest.mark.parametrize("text", [None, "", "no", "[[A]]"])
def test_a_marked_refusal_is_one_whatever_it_holds(more, text):
    """The provider's own mark counts, even beside a readable verdict."""
    assert said(text, **more) == "refused"


REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I\u2019m really sorry, I cannot judge these.",
    "I can't assist with this request.",
    "I cannot compare these answers.",
    "I won't rate this.",
    "I'm unable to evaluate this content.",
    "I am not able to do this.",
    "I must decline to judge.",
    "I apologize, but this is not something I do.",
    "Sorry, I can't do that.",
    "Unfortunately, I cannot help.",
    "As an AI language model, I cannot take sides.",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_in_words_is_one(text):
    """A reply without a verdict that starts by declining is refused, not unreadable."""
    assert said(text) == "refused"


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_in_words_with_a_verdict_is_the_verdict(text):
    """A judge may decline one thing and still decide."""
    assert said(f"{text} [[B]]") == "B"


@pytest.mark.parametrize(
    "text", ["Answer A says: I'm sorry, I can't.", "Is can't a word?", "Both decline.", "I can tell that A is better."]
)
def test_talk_about_refusals_is_none(text):
    """Only the reply's own beginning counts."""
    assert said(text) == "unreadable"


@pytest.mark.parametrize(
    ("reason", "kind"), [("length", "truncated"), ("content_filter", "filtered"), ("context", "context")]
)
@pytest.mark.parametrize("text", [None, "", "So far", "[[A]] but then"])
def test_a_reply_that_was_stopped_is_a_failure_even_with_a_verdict(reason, kind, text):
    """What would have counted may be the part that is missing."""
    assert said(text, finish_reason=reason) == kind


@pytest.mark.parametrize(("match", "found"), [("first", "A"), ("last", "truncated"), ("only", "truncated")])
def test_a_cut_off_reply_counts_where_the_first_match_does(match, found):
    """What was cut off can't change it; of the other rules it can."""
    assert said("[[A]] since B is", TAGS[match], finish_reason="length") == found


@pytest.mark.parametrize("text", [None, "", " \n\t", "<think>done</think>  "])
def test_a_reply_without_an_answer_is_empty(text):
    """No text, white space and thinking alone are empty."""
    assert said(text, finish_reason="stop") == "empty"


def test_an_answer_in_the_thinking_is_said_as_such():
    """With how much was thought, and what to do about it; the thinking itself is never read."""
    result = read(Reply(text="", reasoning="So it is [[A]]."), PAIR, 2)

    assert result.kind == "empty"
    assert "thought (15 characters) and gave no answer" in result.detail
    assert "reasoning parser" in result.detail
    assert "reasoning_effort" in result.detail


@pytest.mark.parametrize(
    "text",
    [
        "[[A]]\n\nAnswer B leaks a stray </think> tag, which is untidy.",
        "I prefer [[A]]. Note: the text '</think>' closes it.",
        "[[A]], since B ends with `</think>`.",
        "Answer B shows its `</think>` mark to the reader. [[A]]",
    ],
)
def test_a_mark_of_thinking_that_is_spoken_of_takes_nothing_away(text):
    """An answer that leaked one is spoken of; the verdict before it stays."""
    assert said(text) == "A"


@pytest.mark.parametrize("text", ["I'm sorry, but A is worse.", "I cannot decide.", "I can't say which is better."])
def test_an_undecided_or_sorry_judge_has_not_refused(text):
    """Such a reply is unreadable, and may be asked for its verdict once more."""
    assert said(text) == "unreadable"


def test_a_reply_without_a_tag_is_unreadable_and_says_what_was_looked_for():
    """The detail names the pattern."""
    assert read(Reply(text="Both fine."), PAIR, 2) == Failure("unreadable", r"nothing matches \[\[([AB])\]\]")


def test_an_ambiguous_reply_says_what_it_says():
    """The detail lists each text once."""
    assert read(Reply(text="[[A]] [[B]] [[A]]"), TAGS["only"], 2) == Failure("ambiguous", "says A, B")


@given(st.text() | st.text(alphabet=st.characters(codec=None)), st.sampled_from(RULES), st.integers(1, 26))
@example("\ud800[[A]]", PAIR, 2)
@example('{"verdict": "\ud800"}', JSON, 2)
@example('{"\ud800": "A", "verdict": "A"}', JSON, 2)
def test_any_text_is_read(text, rule, k):
    """No text ends in an error: there is a verdict or a failure of a known kind."""
    result = read(Reply(text=text), rule, k)

    assert isinstance(result, Verdict) or result.kind in FAILURE_KINDS


LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=5)


@given(st.recursive(LEAVES, lambda x: st.lists(x) | st.dictionaries(st.text(max_size=5), x), max_leaves=5))
def test_any_object_is_read(value):
    """No JSON ends in an error, whatever stands in the verdict's place."""
    for rule in (JSON, JSON_RATING):
        for text in (json.dumps(value), json.dumps({rule.json_field: value})):
            assert isinstance(read(Reply(text=text), rule, 2), Verdict | Failure)


def test_a_rule_by_pattern_has_no_schema():
    """Only `json` asks for structured output."""
    assert structured_schema(PAIR, "AB") is None


def test_a_schema_has_the_reasoning_first():
    """The object is closed, and the verdict comes after the reasoning."""
    assert structured_schema(JSON, "AB") == {
        "type": "object",
        "properties": {"reasoning": {"type": "string"}, "verdict": {"type": "string", "enum": ["A", "B"]}},
        "required": ["reasoning", "verdict"],
        "additionalProperties": False,
    }


def test_a_schema_of_ratings_has_the_scales_bounds():
    """The scale is the number's range."""
    verdict = structured_schema(JSON_RATING, "A")["properties"]["rating"]

    assert verdict == {"type": "number", "minimum": 1, "maximum": 10}


def test_a_schema_offers_only_the_slots_shown():
    """Values that mean a slot beyond are left out; a tie stays."""
    rule = VerdictRule(json="verdict", values={"first": "A", "second": "B", "third": "C", "none": "tie"})

    assert structured_schema(rule, "AB")["properties"]["verdict"]["enum"] == ["first", "second", "none"]


@pytest.mark.parametrize("k", [2, 3, 4])
def test_every_text_of_a_schema_is_read(k):
    """Schema and reading are of one definition."""
    rule = VerdictRule(json="verdict", values={"1": "A", "2": "B", "3": "C", "0": "tie"})
    offered = structured_schema(rule, "ABCD"[:k])["properties"]["verdict"]["enum"]

    assert all(isinstance(read(Reply(text=json.dumps({"verdict": text})), rule, k), Verdict) for text in offered)
