"""Verdicts on an item's own criteria: one of each from a single reply, or the only one of a reply about one. Pure."""

from __future__ import annotations

import difflib
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from judgebench.items import Failure, Verdict, as_rating, weighted_score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from judgebench.verdicts.rule import VerdictRule

_LINE = re.compile(r"(?m)^[^\w\n]*(?P<name>[^:=\n]{1,200}?)[\"'*_`\s]*[:=](?P<value>[^\n]+)$")
_NAMES = ("id", "criterion", "criterion_id", "name")
"""Fields that name the criterion of an entry in a list."""
_SHOWN = 3


def read_checklist(
    value: Any, rule: VerdictRule, says: Callable[[Any, VerdictRule], Verdict | Failure]
) -> Verdict | Failure:
    """The verdicts on all criteria that a question is about, and the score that they make.

    A reply has to have a verdict on each: where one is missing, or is none of the values, there is none at all. Names
    of no criterion are left aside where nothing is missing.

    Args:
        value: An object with the criteria's ids, a list of objects that name them, or text with a line for each.
        rule: Whose `asked` says which criteria these are; None for whatever the value names.
        says: Reads one verdict by a rule.
    """
    assert rule.of is not None
    names = None if rule.asked is None else [each.id for each in rule.asked]
    said = _entries(value, names, tuple(rule.of.values))
    if names == []:
        return Failure("unreadable", "the item has no criteria")
    if names is not None and (missing := [name for name in names if name not in said]):
        return Failure("unreadable", _missing(missing, names, said))
    if not said:
        return Failure("unreadable", "no criterion has a verdict")
    met: dict[str, float] = {}
    for name in said if names is None else names:
        share = _share(said[name], rule, says)
        if isinstance(share, Failure):
            return Failure(share.kind, f"'{name}': {share.detail}")
        met[name] = share
    return Verdict(score_of(met, rule), parts=tuple(met.items()))


def of_one(label: str, rule: VerdictRule) -> Verdict:
    """The verdict on the only criterion that a question is about: the share of its weight that a class earns."""
    assert rule.of is not None
    classes = rule.of.classes
    share = classes.shares[classes.names.index(label)]
    return Verdict(share, parts=tuple((each.id, share) for each in rule.asked or ()))


def score_of(met: Mapping[str, float], rule: VerdictRule) -> float:
    """What the item scores; where its weights make none, the mean share."""
    score = weighted_score(met, rule.asked or ())
    return as_rating(sum(met.values()) / len(met)) if score is None else score


def _share(value: Any, rule: VerdictRule, says: Callable[[Any, VerdictRule], Verdict | Failure]) -> float | Failure:
    """What one verdict earns; of an object, the only one of its fields that is a verdict."""
    assert rule.of is not None
    classes = rule.of.classes
    if isinstance(value, dict):
        found = {each.value for part in value.values() if isinstance(each := says(part, rule.of.reader), Verdict)}
        if len(found) > 1:
            return Failure("ambiguous", f"says {' and '.join(sorted(map(str, found)))}")
        if not found:
            return Failure("unreadable", f"none of {', '.join(rule.of.values)}")
        return classes.shares[classes.names.index(str(found.pop()))]
    if isinstance(value, bool | int | float):
        share = float(value)
        shown = str(value).lower() if isinstance(value, bool) else f"{value:g}"
        return (
            share
            if share in classes.shares
            else Failure("unreadable", f"{shown} is none of {', '.join(classes.names)}")
        )
    verdict = says(value, rule.of.reader)
    return verdict if isinstance(verdict, Failure) else classes.shares[classes.names.index(str(verdict.value))]


def _entries(value: Any, names: list[str] | None, texts: tuple[str, ...]) -> dict[str, Any]:
    """What stands for each criterion, under its id as the item has it."""
    if isinstance(value, list):
        value = {
            str(each[name]): {key: part for key, part in each.items() if key not in _NAMES}
            for each in value
            if isinstance(each, dict) and (name := next((n for n in _NAMES if n in each), None)) is not None
        }
    if isinstance(value, dict):
        return _under(value, names)
    text = str(value)
    if names is None:
        return {match["name"].strip(): match["value"].strip() for match in _LINE.finditer(text)}
    found: dict[str, Any] = {}
    for name in names:
        said = {match[1] for match in verdict_of(name, texts).finditer(text)}
        if said:
            found[name] = said.pop() if len(said) == 1 else dict(enumerate(sorted(said)))
    return found


def _under(value: Mapping[str, Any], names: Iterable[str] | None) -> dict[str, Any]:
    """An object's fields under the ids that they are, which may be written in another case."""
    own = {} if names is None else {name.strip().casefold(): name for name in names}
    found: dict[str, Any] = {}
    for name, part in value.items():
        found[name if name in own.values() else own.get(str(name).strip().casefold(), str(name))] = part
    return found


@lru_cache(maxsize=4096)
def verdict_of(name: str, texts: tuple[str, ...]) -> re.Pattern[str]:
    """A criterion's id and, as the group, its verdict: `**c1**: met`, `"c1": "unmet"`.

    Args:
        name: The id.
        texts: Those of all verdicts.
    """
    words = r"\s+".join(map(re.escape, name.split()))
    values = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<![\w.-]){words}[\"'*_`\s]{{0,20}}[:=][\"'*_`\s\[(]{{0,20}}({values})(?!\w)", re.IGNORECASE)


def _missing(missing: list[str], names: list[str], said: Mapping[str, Any]) -> str:
    """That criteria have no verdict, and which unknown name may stand for the first."""
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    text = f"no verdict on {', '.join(missing[:_SHOWN])}{more} ({len(missing)} of {len(names)} criteria)"
    others = [name for name in said if name not in names]
    if not others:
        return text
    near = difflib.get_close_matches(others[0], missing, n=1)
    return f"{text}; names {others[0]}, which is no criterion" + (f": did it mean {near[0]}?" if near else "")


def checklist_like(rule: VerdictRule, said: Mapping[str, str]) -> str:
    """The verdicts on some criteria as a reply has them: an object where the rule has a field, else a line for each.

    Args:
        rule: The template's.
        said: The text of each criterion's verdict, by id.
    """
    if rule.json_field is not None:
        return json.dumps(said, ensure_ascii=False)
    return "\n".join(f"{name}: {text}" for name, text in said.items())
