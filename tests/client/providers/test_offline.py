"""The offline judges: what they choose, and that any template's rule reads them."""

import pytest
from making import item, template

from judgebench.client.providers.offline import answer
from judgebench.errors import ConfigError
from judgebench.items import Verdict
from judgebench.templates.hints import hint_for
from judgebench.templates.template import load_template
from judgebench.verdicts.reading import read
from judgebench.verdicts.reply import Reply

MESSAGES = [{"role": "user", "content": "question"}]
JUDGES = ["longest", "shortest", "first", "random"]
BODY = "{% block user %}{{ prompt }}{% endblock %}"
OF = item(answers=("short", "much longer", "mid one", "x"))


def own(mode, verdict):
    return template(BODY, f"---\nname: own\nmode: {mode}\nverdict: {verdict}\n---\n")


def said(judge, by, order=(0, 1), of=OF, messages=MESSAGES):
    """What the template's rule reads in the judge's answer."""
    result = read(Reply(text=answer(judge, messages, hint_for(by, of, order))), by.rule, len(order))
    assert isinstance(result, Verdict), result
    return result.value


@pytest.mark.parametrize(
    ("judge", "order", "expected"),
    [
        ("longest", (0, 1), "B"),
        ("longest", (1, 0), "A"),
        ("shortest", (0, 1), "A"),
        ("shortest", (1, 0), "B"),
        ("first", (0, 1), "A"),
        ("first", (1, 0), "A"),
    ],
)
def test_a_judge_chooses_by_its_name(judge, order, expected):
    """By length whatever the order, or the first slot."""
    assert said(judge, load_template("pairwise"), order) == expected


@pytest.mark.parametrize(("judge", "expected"), [("longest", "B"), ("shortest", "D"), ("first", "A")])
def test_a_judge_chooses_among_four(judge, expected):
    """Best of four goes the same way."""
    assert said(judge, load_template("four-way"), (0, 1, 2, 3)) == expected


@pytest.mark.parametrize("judge", ["longest", "shortest"])
def test_equal_lengths_go_to_the_first_slot(judge):
    """Between answers of one length the first shown is taken."""
    assert said(judge, load_template("pairwise"), of=item(answers=("ab", "cd"))) == "A"


def test_chance_is_the_same_for_the_same_question():
    """The random judge is drawn from what it is asked, so a second run says the same."""
    assert len({said("random", load_template("four-way"), (0, 1, 2, 3)) for _ in range(5)}) == 1


def test_chance_reaches_every_slot():
    """Over 200 questions each slot is chosen at least 25 times."""
    by = load_template("four-way")
    chosen = [said("random", by, (0, 1, 2, 3), messages=[{"role": "user", "content": str(n)}]) for n in range(200)]

    assert all(chosen.count(label) >= 25 for label in "ABCD")


def test_a_lone_surrogate_is_no_error():
    """The question may hold anything."""
    assert said("random", load_template("pairwise"), messages=[{"role": "user", "content": "\ud800"}]) in {"A", "B"}


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(
    "verdict",
    [
        "{pattern: '\\[\\[([AB])\\]\\]', example: 'Not [[A]] but [[B]].', match: last}",
        "{pattern: '\\[\\[([AB])\\]\\]', example: '[[A]] and not [[B]].', match: first}",
        "{pattern: '\\[\\[([AB])\\]\\]', example: '[[A]], so [[A]].', match: only}",
        "{pattern: 'is (first|second)', values: {first: A, second: B}, example: 'It is second'}",
        '{json: verdict, example: \'{"reasoning": "r", "verdict": "A"}\'}',
        "{json: verdict, pattern: '\\[\\[([AB])\\]\\]', example: 'no object [[A]]'}",
        "{json: verdict, pattern: '([AB])', example: '\"A\"'}",
    ],
)
def test_the_answer_is_read_by_any_rule(judge, verdict):
    """The example's wording with the judge's verdict in it reads as that verdict."""
    expected = said(judge, load_template("pairwise"))

    assert said(judge, own("pairwise", verdict)) == expected


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("scale", ["[1, 10]", "[0, 1]", "[-2, 2]", "[0.1, 0.9]", "[1.5, 3.5]"])
@pytest.mark.parametrize(
    "verdict",
    ["{pattern: 'say (\\S+)', example: 'I say %s', scale: %s}", "{json: r, example: '{\"r\": %s}', scale: %s}"],
)
def test_a_rating_is_on_the_scale(judge, scale, verdict):
    """Whatever the scale, the rating is read, so it lies on it."""
    low, high = (float(end) for end in scale.strip("[]").split(","))
    by = own("rating", verdict % (scale.strip("[]").split(",")[0], scale))

    assert low <= said(judge, by, (1,)) <= high


@pytest.mark.parametrize(
    ("judge", "length", "expected"),
    [("longest", 0, 1), ("longest", 5000, 10), ("longest", 10**6, 10), ("shortest", 0, 10), ("shortest", 5000, 1)],
)
def test_ratings_follow_the_length(judge, length, expected):
    """No text gets one end of the scale, 5,000 characters and more the other."""
    assert said(judge, load_template("rating-10"), (0,), item(answers=("x" * length, "y"))) == expected


def test_a_template_without_an_example_is_refused():
    """An offline judge has no words of its own."""
    with pytest.raises(ConfigError, match=r"own\.jinja: offline judges need verdict\.example"):
        hint_for(own("pairwise", "{pattern: '([AB])'}"), OF, (0, 1))
