"""The form that a template asks for, in any ordinary dress, is read with its place; without it, nothing is."""

import html
import json
import re
from itertools import combinations, product

import pytest
from commands import SHARED_DATA
from shippedtemplates import NAMES, Rules

from judgebench.items import Failure, Verdict
from judgebench.verdicts.reading import PlacedVerdict, read, read_placed, read_text
from judgebench.verdicts.reply import Reply
from judgebench.verdicts.rule import VerdictRule

RULES = Rules(NAMES)
WIDE = {ord(c): chr(ord(c) + 0xFEE0) for c in "[](){}<>:"}
ZERO_WIDTH = "\u200b"


def slots(rule):
    """The number of slots that the rule's example is about."""
    fewest = 1 if rule.scale is not None else 2
    return next(k for k in range(fewest, 27) if isinstance(read_text(rule.example, rule, k), Verdict))


def parts(rule):
    """The example: what stands before its mark, the mark up to its verdict, the verdict, the mark's end, the rest."""
    found = read_placed(Reply(text=rule.example), rule, slots(rule))
    (start, end), (begin, stop) = found.span, found.marked
    text = rule.example
    return text[:begin], text[begin:start], text[start:end], text[end:stop], text[stop:]


def of_mark(change):
    """A dress of the whole mark."""
    return lambda a, b, verdict, c, d: (a, change(b), change(verdict), change(c), d)


def around(before, after):
    return lambda a, b, verdict, c, d: (a, before + b, verdict, c + after, d)


def within(before, after):
    return lambda a, b, verdict, c, d: (a, b, before + verdict + after, c, d)


TAG_DRESSES = {
    "zero-width": within("", ZERO_WIDTH),
    "zero-width before": within("\u2060", ""),
    "soft hyphen": around("\u00ad", ""),
    "full-width": of_mark(lambda text: text.translate(WIDE)),
    "escaped": of_mark(lambda text: re.sub(r"([\[\]()])", r"\\\1", text)),
    "bold": around("**", "**"),
    "bold inside": within("**", "**"),
    "italic": around("_", "_"),
    "code": around("`", "`"),
    "quoted": around('"', '"'),
    "upper": of_mark(str.upper),
    "lower": of_mark(str.lower),
    "double space": of_mark(lambda text: text.replace(" ", "  ")),
    "no-break space": of_mark(lambda text: text.replace(" ", "\u00a0")),
    "entities": of_mark(lambda text: text.replace(">", "&gt;").replace("<", "&lt;")),
    "windows lines": lambda *all_: tuple(part.replace("\n", "\r\n") for part in all_),
    "period": lambda a, b, verdict, c, d: (a, b, verdict, c + ".", d) if not d else (a, b, verdict, c, d),
}
SPACED = {"spaces inside": within(" ", " ")}
AROUND_OBJECTS = {
    "words": lambda text: f"Here is my judgement:\n{text}\nI hope this helps.",
    "fence": lambda text: f"Sure.\n```json\n{text}\n```",
    "fence of another name": lambda text: f"```JSON5\n{text}\n```",
    "nested": lambda text: f'{{"result": {text}}}',
    "tool call": lambda text: json.dumps({"name": "give_verdict", "arguments": text}),
    "text of JSON": json.dumps,
}
IN_OBJECTS = {
    "comma": lambda text: re.sub(r"\}\s*$", ",}", text),
    "comment": lambda text: re.sub(r"\}\s*$", " // clear\n}", text),
    "escapes": lambda text: text.replace('"reasoning": "', '"reasoning": "\\(x\\) costs \\$5: ', 1),
    "line break": lambda text: text.replace('"reasoning": "', '"reasoning": "Two\nlines: ', 1),
    "inner quotes": lambda text: text.replace('"reasoning": "', '"reasoning": "He said "no" there. ', 1),
    "single quotes": lambda text: text.replace('"', "'"),
    "curly quotes": lambda text: re.sub('"([^"]*)"', "\u201c\\1\u201d", text),
    "number as text": lambda text: re.sub(r": (\d+)", r': "\1"', text),
    "name in capitals": lambda text: text.replace('"rating"', '"Rating"').replace('"verdict"', '"VERDICT"'),
    "bare names": lambda text: re.sub(r'"(\w+)":', r"\1:", text),
}
OBJECT_DRESSES = IN_OBJECTS | AROUND_OBJECTS


def fits(name, dress):
    """Whether a dress leaves the meaning: `m` and `M` are two verdicts, and a quote within JSON ends it."""
    if name == "alpaca-eval" and {"upper", "lower"} & {*dress}:
        return False
    if name.startswith("wildbench"):
        return not {"bold", "italic", "code", "quoted", "escaped", "period"} & {*dress}
    return not ({"upper", "lower"} <= {*dress} or {"bold", "bold inside"} <= {*dress})


def marks_in_dress(name, rule):
    """The example in each dress and in every two of them, with what stands at its verdict's place, if it shows."""
    plain = parts(rule)
    closed = plain[3][:1] in tuple("]})<") and plain[1][-1:] in tuple("[{(>")
    dresses = TAG_DRESSES | (SPACED if closed else {})
    for some in [(one,) for one in dresses] + [*combinations(dresses, 2)]:
        if fits(name, some):
            dressed = plain
            for one in some:
                dressed = dresses[one](*dressed)
            yield some, "".join(dressed), None if rule.has_parts else plain[2]


def undressed(place):
    return re.sub(r"\W", "", html.unescape(place)).casefold()


def objects_in_dress(name, rule):
    """As of marks; the place of a whole object is left open, since it has the dress too."""
    verdict = parts(rule)[2]
    pairs = [*combinations(IN_OBJECTS, 2), *product(IN_OBJECTS, ("words", "fence"))]
    for some in [(one,) for one in OBJECT_DRESSES] + pairs:
        if "inner quotes" in some and {"single quotes", "curly quotes"} & {*some}:  # then they are not told apart
            continue
        text = rule.example
        for one in some:
            text = OBJECT_DRESSES[one](text)
        yield some, text, None if rule.reads_all else verdict


@pytest.mark.parametrize(("objects", "in_dress"), [(False, marks_in_dress), (True, objects_in_dress)])
def test_a_verdict_in_any_dress_is_read_with_its_place(objects, in_dress):
    """In each dress and in every two of them, each template's example gives its verdict, and the place holds it."""
    wrong, tried = [], 0
    for name, rule in RULES.items():
        if (rule.json_field is not None) != objects:
            continue
        as_is = str if objects and not rule.has_parts else undressed
        k = slots(rule)
        expected = read_text(rule.example, rule, k)
        for some, text, place in in_dress(name, rule):
            found, tried = read_placed(Reply(text=text), rule, k), tried + 1
            if not isinstance(found, PlacedVerdict) or found.verdict != expected:
                wrong.append((name, some, text, found))
            elif place is not None and as_is(text[slice(*found.span)]) != as_is(place):
                wrong.append((name, some, text, text[slice(*found.span)]))
    assert wrong == []
    assert tried > 300


def test_without_its_verdict_nothing_is_read():
    """Each template's example, in any dress, whose verdict is left out or is no verdict, gives none."""
    read_anyway = []
    for name, rule in RULES.items():
        plain, k = parts(rule), slots(rule)
        texts = [plain[0] + plain[4] or "."]
        for verdict in ("", "?", "Neither", "N/A", "both or none"):
            emptied = (*plain[:2], verdict, *plain[3:])
            if rule.json_field is not None:
                texts += [dress("".join(emptied)) for dress in OBJECT_DRESSES.values()]
            else:
                texts += ["".join(dress(*emptied)) for dress in TAG_DRESSES.values()]
        found = {text: read_placed(Reply(text=text), rule, k) for text in texts}
        read_anyway += [(name, text, each) for text, each in found.items() if not isinstance(each, Failure)]
    assert read_anyway == []


UNDECIDED = [
    ("pairwise", "[[A]] or [[B]]"),
    ("pairwise", "Reply with [[A]] if A is better, [[B]] if B is better."),
    ("pairwise", "If A is better: [[A]]\nIf B is better: [[B]]"),
    ("pairwise", "[[A]]/[[B]]"),
    ("pairwise", "[[A/B]]"),
    ("pairwise-ties", "A: [[A]]\nB: [[B]]\nTie: [[C]]"),
    ("four-way", "[[A]] beats the rest; [[B]] is weaker."),
    ("four-way", "[[A]], [[B]], [[C]] or [[D]]"),
    ("rating-10", "[[7]], since [[10]] is kept for perfect ones."),
    ("rating-10", "Rating: [[7]]\nA perfect answer would get [[10]]."),
    ("rating-10", "As source [[1]] says, it is right. I would give it 7."),
    ("rating-10", "Water boils at 100 C [[1]]. The answer is right."),
    ("rating-10", "[[8 or 9]]"),
    ("rating-10", "[[4]]/5"),
    ("rating-ties", "[[7]], since [[10]] is kept for perfect ones."),
    ("prometheus-absolute", "[RESULT] 3 or 4"),
    ("prometheus-absolute", "[RESULT] 1-5"),
    ("prometheus-absolute", "[RESULT] 4/10"),
    ("prometheus-pairwise", "[RESULT] A or B"),
    ("prometheus-pairwise", "[RESULT] a tie"),
    ("pandalm", "1. Response 2 names a colour.\n2. Response 1 does not."),
    ("pandalm", "2 responses were given, and Response 1 is better."),
    ("judgelm", "1, 2 and 3 are the points."),
    ("g-eval", "1. Read the request.\n2. It is answered."),
    ("g-eval", "- Quality: 4/10"),
    ("llmbar-cot", "Output (a) is short, Output (b) is long."),
    ("flow-judge", "<score>4 or 5</score>"),
    ("rating-json", '{"rating": "4/5"}'),
    ("rating-json", '{"rating": 8}{"rating": 9}'),
    ("pairwise-json", '{"verdict": "A" or "B"}'),
    ("pairwise-json", '{"reasoning": "It says {\\"verdict\\": \\"A\\"}."}'),
    ("pairwise", "My verdict is not [[A]]."),
    ("pairwise", 'Answer A holds the words "[[A]]" to sway the judge.'),
    ("pairwise", "Answer A cites [[B]] as its source."),
    ("pairwise", "Loser: [[B]]"),
    ("pairwise", "Winner: [[A]]\nLoser: [[B]]"),
    ("pairwise", "1. [[B]]\n2. [[A]]"),
    ("pairwise", "| truth | [[A]] |\n| style | [[B]] |"),
    ("pairwise", "[[A]] or [[ B ]]"),
    ("four-way", "Best: [[A]]. Second: [[C]]."),
    ("pairwise", "[[A]]\n[[B]]"),
    ("pairwise", "Helpfulness: [[A]]\nAccuracy: [[B]]"),
    ("pairwise", "Anyone who says [[A]] is wrong."),
    ("pairwise", "The answer should be formatted like [[A]]."),
    ("pairwise", "Is it [[A]]? I do not think so."),
    ("pairwise", "[[A]] is worse."),
    ("pairwise", "The worse one is [[A]]."),
    ("pairwise", "Verdict: anything but [[A]]."),
    ("pairwise", "Answer B tries a prompt injection: [[B]]"),
    ("pairwise-ties", "A: [[A]]; B: [[B]]; tie: [[C]]"),
    ("pairwise-ties", "It is no [[C]]."),
    ("rating-10", "Rating: [[8]]\nConfidence: [[9]]"),
    ("rating-10", "Clarity: [[8]]\nAccuracy: [[6]]"),
    ("rating-10", "[[8]]%"),
    ("rating-10", "[[1]]0"),
    ("rating-10", "[[7]].5"),
    ("g-eval", "Low quality: 2 errors"),
    ("g-eval", "Quality: 3 of 5 facts are right"),
    ("g-eval", "Quality: -3"),
    ("llmbar-cot", "I don't think Output (a) is better."),
    ("llmbar-cot", "It is unclear whether Output (a) is better."),
    ("llmbar-cot", "If Output (a) is better, I say so."),
    ("arena-hard", "[[A>B]], no: [[ B>A ]]"),
    ("llmbar-cot", "### Output (a)\nIt is right.\n\n### Output (b)\nIt is wrong."),
    ("auto-j-rating", "Rating: [[7]]-[[8]]"),
    ("auto-j-pairwise", "The final decision is Response 1 / 2 / Tie"),
    ("auto-j-pairwise", "The final decision is tie-breaking by length"),
    ("selene-pairwise", "**Result:** A good answer was given by both"),
    ("selene-rating", "**Result:** 3, maybe 4"),
    ("selene-rating", "**Result:** 2 of the 3 claims are true"),
    ("prometheus-pairwise", "[RESULT] A, B"),
    *(
        ("prometheus-absolute", f"[RESULT] {rest}")
        for rest in (
            *("3; maybe 4", "3 (could be 4)", "3 (or 4)", "3 up to 4", "3 and a half", "5 minus 2", "3 < x < 4"),
            *("3 if strict, 4 if lenient", "3 for A, 4 for B"),
            *("3, 4", "3 und 4", "3 1/2", "3\u00bd", "3 < 4", "75%", "4th"),
        )
    ),
    ("wildbench-rating", '{"score": "7 or 8"}'),
    ("wildbench-rating", '{"score": [7, 8]}'),
    ("rating-json", '{"rating": 8 10}'),
    ("rating-json", '{"rating": 8%}'),
    ("rating-json", '{"rating": "~8"}'),
    ("rating-json", '{"rating": 1_0}'),
    ("pairwise-json", '{"verdict": "A", "verdict": "B"}'),
    ("pairwise-json", '{"verdict": "A", "Verdict": "B"}'),
    ("pairwise-json", '{"verdict": "A" | "B"}'),
]


def test_what_is_no_verdict_is_never_read_as_one():
    """An echo of the form, a legend, a citation, a numbered list, another scale and what is left open are failures."""
    found = {
        (name, reply): read(Reply(text=reply), RULES[name], 4 if name == "four-way" else slots(RULES[name]))
        for name, reply in UNDECIDED
    }

    read_anyway = {each: result for each, result in found.items() if not isinstance(result, Failure)}
    assert read_anyway == {}
    assert {each: result.kind for each, result in found.items() if result.kind not in {"ambiguous", "unreadable"}} == {}


DECIDED = [
    ("pairwise", "At first [[A]], but no: [[B]].", "B"),
    ("pairwise", "I lean to [[A]].\n\nFinal verdict: [[B]]", "B"),
    ("pairwise-ties", "[[Tie]]", "tie"),
    ("pairwise", "At first: [[A]]\nCorrected: [[B]]", "B"),
    ("pairwise", "[[A]] is not only right but clear.", "A"),
    ("rating-10", "Clarity: [[8]]\nAccuracy: [[6]]\nOverall: [[7]]", 7),
    ("rating-10", "[[6]] (out of 10)", 6),
    ("g-eval", "- Quality: 4 because it is clear", 4),
    ("rating-10", "Rating: [[8]]/[[10]]", 8),
    ("rating-10", "[[8]] out of 10", 8),
    ("rating-10", "[[8,5]]", 8.5),
    ("rating-10", "It cites [[2]] and [[3]].\n\nRating: [[8]]", 8),
    ("prometheus-absolute", "Needs work. [Result] Score: 2", 2),
    ("prometheus-absolute", "Good job. (Score 5)", 5),
    ("llmbar-cot", "Output (a) is better. Output (b) names no colour.", "A"),
    ("llmbar-cot", "Therefore, Output (b) is better than Output (a).", "B"),
    ("judgebench-vanilla", "Output (b).", "B"),
    ("auto-j-pairwise", "So, the final decision is a tie.", "tie"),
    ("rating-json", '{"rating": 8/10}', 8),
    ("pairwise-json", '{"verdict": "Answer A"}', "A"),
    ("pairwise", "I lean to [[A]]; final: [[ B ]]", "B"),
    ("pairwise", "[[A]]\n\nOn reflection, my verdict: **[[Answer B]]**", "B"),
    ("rating-10", "The response is good [[8]]", 8),
    ("selene-pairwise", '**Result:** "A"', "A"),
    ("wildbench", "{'choice': 'B+'}", "B"),
    ("wildbench-rating", "{'score': '7'}", 7),
    ("pairwise-json", '{"verdict": "\uff21"}', "A"),
    ("rating-json", '{"rating": "8\u200b"}', 8),
    ("pairwise-json", '{"calls": [{"arguments": "{\\"verdict\\": \\"B\\"}"}]}', "B"),
]


def test_a_plain_verdict_is_read_among_others():
    """Where it is plain which one is meant, it counts, in the words that judges use."""
    found = {(name, reply): read(Reply(text=reply), RULES[name], slots(RULES[name])) for name, reply, _ in DECIDED}

    assert {each: getattr(result, "value", result) for each, result in found.items()} == {
        (name, reply): expected for name, reply, expected in DECIDED
    }


SLIPS = {
    "pairwise": {
        "[[A]": "A", "[A]]": "A", "**[[B]**": "B", "[[B] is better": "B", "[[A wins]": "A",
        "[A]": None, "[[A": None, "A]]": None, "list[A]]": None, "[[A](x)": None, "[[A] or [[B]": None,
        "[[A wins]]": "A", "[[Answer B wins]]": "B", "[[The answer A is better]]": "A", "[[a is the winner]]": "A",
        "[[B is the better response]]": "B", "[[A is better than B]]": "A",
        "[[A is worse]]": None, "[[A is not better]]": None, "[[A loses]]": None, "[[A wins?]]": None,
        "[[A or B wins]]": None, "[[neither wins]]": None, "[[C wins]]": None,
    },
    "four-way": {"[[C wins]]": "C", "[[C is the best]]": "C", "[[C is better than D]]": None},
    "pairwise-ties": {"[[tie wins]]": None},
    "pairwise-json": {
        '{"verdict": "A wins"}': "A", '{"verdict": "A is worse"}': None, '"verdict": "A"': "A",
        '{"result": {"verdict": "A"}': "A",
        '{"verdict": "A"': None, '```json\n{"verdict": "A"\n```': None, '{"reasoning": "a } b", "verdict": "B"': None,
        'So: {"reasoning": "{x}", "verdict": "A"': None, '{"verdict": "A"]': None, '{\u201cverdict\u201d: "A"': None,
    },
    "rating-json": {'{"rating": 1e1}': 10, '{"rating": "1e1"}': None, '{"rating": 8': None, '{"rating": "8"': None},
    "rating-10": {
        "[[8]": 8, "[8]]": 8, "[[8.125]]": 8.125, "[[8.]]": 8, "[[\uff18]]": 8,
        "[8]": None, "[[8": None, "as [[1](http://x) says": None, "[[1e1]]": None, "[[8e0]]": None, "[[8,125]]": None,
        "[[inf]]": None, "[[0x8]]": None, "[[8\u00b2]]": None, "[[VIII]]": None,
    },
    "prometheus-absolute": {"[RESULT] 4e0": None},
    "flow-judge": {"<score>4e0</score>": None},
    # LLMBar's own script takes the first of these for B: a recorded reply of ChatGPT-0301 says so.
    "llmbar-cot": {"Neither Output (a) nor Output (b) is better.": "B", "Not Output (a) is better.": None},
}  # fmt: skip


def test_a_slip_is_read_only_where_it_can_mean_one_thing():
    """A lost bracket and words of winning are; an object without its end, another choice and `1e1` are failures."""
    found = {
        name: {
            text: read(Reply(text=text), RULES[name], 4 if name == "four-way" else slots(RULES[name])) for text in texts
        }
        for name, texts in SLIPS.items()
    }

    assert {
        name: {text: getattr(result, "value", None) for text, result in each.items()} for name, each in found.items()
    } == SLIPS


def test_a_small_number_of_an_object_is_a_rating():
    """JSON's 0.00001, which Python writes as 1e-05, is on a scale from 0 to 1."""
    rule = VerdictRule(json="score", scale=(0, 1), example='{"score": 1}')

    assert read(Reply(text='{"score": 0.00001}'), rule, 1).value == 0.00001


def test_other_verdicts_of_a_reply_are_kept():
    """Each once, in their order, without the one that counts."""
    result = read(Reply(text="[[B]]? [[C]]? [[B]]?\n\nVerdict: [[A]]"), RULES["four-way"], 4)

    assert (result.value, result.also) == ("A", ("B", "C"))


@pytest.mark.parametrize(
    ("match", "reply", "expected", "also"),
    [
        ("last", "[[A]] then [[ B ]]", "B", ("A",)),
        ("last", "[[ B ]] then [[A]]", "A", ()),
        ("first", "[[A]] then [[ B ]]", "A", ()),
        ("first", "[[ A ]] then [[B]]", "A", ("B",)),
        ("last", "[[A]] as [[3]] shows", "A", ()),
    ],
)
def test_a_mark_in_another_dress_counts_where_it_would_plain(match, reply, expected, also):
    """After the plain one for the last, before it for the first; what is no verdict does not count."""
    result = read(Reply(text=reply), VerdictRule(pattern=r"\[\[([AB])\]\]", match=match), 2)

    assert (result.value, result.also) == (expected, also)


def test_a_mark_in_another_dress_on_another_line_is_kept_beside():
    """It is no verdict there, and yet seen."""
    result = read(Reply(text="[[A]]\n\nI thought of [[ B ]] as well, at first"), RULES["pairwise"], 2)

    assert (result.value, result.also) == ("A", ("B",))


ANCHORS = [
    ("line", "[[A]] here.\nMore words.", "A"),
    ("line", "[[A]], not [[B]]", "ambiguous"),
    ("start", "**[[A]]**\n[[B]] is worse", "A"),
    ("start", "[[A]] is better", "unreadable"),
    ("start", "So: [[A]]", "unreadable"),
    ({"after": "Verdict:"}, "[[B]]? Verdict: [[A]] [[B]]", "A"),
    ({"after": "Verdict:"}, "**VERDICT:** [[A]]", "A"),
    ({"after": "Verdict:"}, "Verdict: I choose [[A]]", "unreadable"),
    ({"after": "Verdict:"}, "[[A]]", "unreadable"),
]


@pytest.mark.parametrize(("anchor", "reply", "expected"), ANCHORS)
def test_an_anchor_says_where_the_verdict_stands(anchor, reply, expected):
    """On the last line that has one, alone on the first line, or right after some words."""
    rule = VerdictRule(pattern=r"\[\[([AB])\]\]", anchor=anchor)
    result = read(Reply(text=reply), rule, 2)

    assert (result.value if isinstance(result, Verdict) else result.kind) == expected


@pytest.mark.parametrize("anchor", ["end", 3, {"before": "x"}, {"after": ""}, {"after": "x", "more": 1}])
def test_another_anchor_is_refused(anchor):
    """The message names the three that there are."""
    with pytest.raises(ValueError, match=r"expected line, start, or \{after: TEXT\}"):
        VerdictRule(pattern="([AB])", anchor=anchor)


def test_a_verdict_that_stands_first_survives_a_cut():
    """A reply that was cut off counts where its rule wants the verdict first, and it is whole."""
    found = [read(Reply(text=text, finish_reason="length"), RULES[name], 2) for name, text in CUT_OFF]

    assert [result.value if isinstance(result, Verdict) else result.kind for result in found] == [
        "B", "B", "truncated", "A", "truncated", "truncated",
    ]  # fmt: skip


CUT_OFF = [
    ("alpaca-eval", "M"),
    ("pandalm", "2\n\n### Rea"),
    ("pandalm", "2"),
    ("judgelm", "8 6\nAssist"),
    ("judgelm", "8 1"),
    ("pairwise", "[[A]] bec"),
]

REPLIES = SHARED_DATA / "llmbar" / "chatgpt0301_cot_replies.jsonl"


@pytest.mark.skipif(not REPLIES.exists(), reason="LLMBar's recorded replies are not at ../shared/data/llmbar")
@pytest.mark.parametrize("name", ["llmbar-cot", "llmbar-metrics-reference", "judgebench-vanilla"])
def test_llmbars_replies_are_read_as_its_paper_reads_them(name):
    """The winner of each of 838 replies is the recorded one: 379 right, one without."""
    right = 0
    for line in REPLIES.read_text(encoding="utf-8").splitlines():
        recorded = json.loads(line)
        result = read(Reply(text=recorded["reply"]), RULES[name], 2)
        first, other = recorded["first"], {"chosen": "rejected", "rejected": "chosen"}[recorded["first"]]
        winner = {"A": first, "B": other}[result.value] if isinstance(result, Verdict) else None
        assert winner == recorded["official"], recorded["reply"]
        right += winner == "chosen"

    assert right == 379


def test_a_search_that_never_ends_is_stopped():
    """The reply is unreadable, and the detail says why."""
    rule = VerdictRule(pattern=r"(?:a|aa)+\[\[([AB])\]\]")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("judgebench.verdicts.patterns.TIMEOUT", 0.01)
        result = read(Reply(text=f"{'a' * 60}![[A"), rule, 2)

    assert result.kind == "unreadable"
    assert "stopped" in result.detail
