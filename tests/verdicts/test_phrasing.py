"""Verdicts phrased as an example phrases its own: what comes out is read as what went in."""

import pytest
from shippedtemplates import NAMES, loaded

from judgebench.items import LABELS, Verdict
from judgebench.verdicts.phrasing import (
    fill_example,
    fill_mark,
    fill_tag,
    fill_tags,
    phrase_choice,
    phrase_criteria,
    phrase_label,
    phrase_rating,
    tag_text,
)
from judgebench.verdicts.reading import read_text
from judgebench.verdicts.rule import VerdictRule

TWICE = VerdictRule(pattern=r"is (\w)", example="One is A, no, it is B!")


@pytest.mark.parametrize("fill", [fill_example, fill_mark])
def test_every_verdict_is_read_back(fill):
    """By every shipped template, of every slot, class or end of the scale, with the example's reasons and without."""
    said, read_as = {}, {}
    for name in NAMES:
        template = loaded(name)
        rule = template.rule
        for bound in rule.scale or ():
            said[name, bound] = (bound, None)
            read_as[name, bound] = result(fill(rule, phrase_rating(rule, f"{bound:g}")), rule, 1)
        for label in rule.classes.names if rule.classes is not None else ():
            share = None if rule.of is None else rule.of.values[label]
            text = phrase_criteria(rule, {"c1": label}) if rule.reads_all else phrase_label(rule, label)
            said[name, label] = (label if share is None else share, None)
            read_as[name, label] = result(fill(rule, text), rule, 1)
        k = min(template.kind.slots, 4) if template.kind.ordered else 0
        for slot in range(k):
            order = [slot, *(other for other in reversed(range(k)) if other != slot)]
            value, ranking = result(fill(rule, phrase_choice(rule, order)), rule, k)
            said[name, slot] = (LABELS[slot], None if ranking is None else ">".join(LABELS[at] for at in order))
            read_as[name, slot] = (value, ranking)

    assert read_as == said


def result(text, rule, k):
    """The verdict's value and ranking, or why there is none."""
    verdict = read_text(text, rule, k)
    return (verdict.value, verdict.ranking) if isinstance(verdict, Verdict) else (verdict.kind, text)


def test_a_whole_example_has_the_verdict_in_each_of_its_tags():
    """So it is read alike by the first and by the last; the tag alone is the one that the rule reads."""
    assert fill_tags(TWICE, "C") == "One is C, no, it is C!"
    assert fill_tag(TWICE, "C") == fill_mark(TWICE, "C") == "is C"
    assert tag_text(TWICE) == "B"
    assert tag_text(TWICE.model_copy(update={"match": "first"})) == "A"


def test_an_object_keeps_its_other_fields_and_a_rating_is_a_number():
    """Without them it is the verdict's field alone."""
    rule = VerdictRule(json="rating", scale=(1, 10), example='{"reasoning": "why", "rating": 7}')

    assert fill_example(rule, "3") == '{"reasoning": "why", "rating": 3.0}'
    assert fill_mark(rule, "3") == '{"rating": 3.0}'


def test_a_fenced_object_is_filled_by_its_field():
    """An example with words around its object is no object itself: they become the reasoning."""
    rule = VerdictRule(json="verdict", example='So:\n```json\n{"verdict": "A"}\n```')

    assert fill_mark(rule, "B") == '{"verdict": "B"}'
    assert read_text(fill_example(rule, "B"), rule, 2) == Verdict("B")


def test_parts_by_a_tag_go_into_the_field_of_an_object():
    """A rule may read both; an example that is no object gives the form all the same."""
    rule = VerdictRule(json="order", pattern=r"\[\[(.*)\]\]", ranking="strict", example="[[(B)>(A)]]")

    assert read_text(fill_example(rule, phrase_choice(rule, [0, 1])), rule, 2) == Verdict("A", "A>B")


def test_without_a_tag_the_text_stands_alone():
    """A rule without an example has no form to take."""
    rule = VerdictRule(pattern=r"\[\[([AB])\]\]")

    assert (fill_tag(rule, "A"), fill_mark(rule, "A"), fill_tags(rule, "A")) == ("A", "", "")
