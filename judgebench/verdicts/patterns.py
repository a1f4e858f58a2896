"""The regular expressions of verdict rules: compiled, taken apart, loosened, and matched within a time. Pure."""

from __future__ import annotations

import re
import time
import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

_PIECE = re.compile(
    r"""(?P<comment>\(\?\#[^)]*\))
    | (?P<open>\((?:\?(?:P<\w+>|\(\w+\)|<?[=!]|[aiLmsux-]*:|>))?)
    | (?P<close>\))
    | (?P<edge>\\[bBAZ]|[\^$])
    | \\. | \[\^?\]?(?:\\.|[^\]\\])*\] | (?P<remark>\#[^\n]*) | .""",
    re.DOTALL | re.VERBOSE,
)
_COUNT = re.compile(r"[*+]|\{\d*,(?:\d{2,})?\}")
_SPACES = re.compile(r"(?<!\\) +(?![*+?{])")
_LONGEST = 60
"""So many characters a verdict in an unexpected form may have."""

_OPENED, _CLOSED = r"(?:\[\[|(?<![\[\w])\[(?=[^\[\]\n]*\]\]))", r"\](?:\]|(?![\](\[:\w]))"
"""Double brackets of which one may be lost: `[A]]`, `[[A]`; a link, as in `[[1](...)`, is none."""

TIMEOUT = 1.0
"""Seconds for the search of one text by a pattern that may go on for ever."""


_GLANCE = 0.01
"""Seconds of CPU that only a search takes which tries each way to divide so short a text."""


@dataclass(frozen=True)
class LatePattern:
    """A pattern of ours that is compiled when it is first searched for: the row "cached run" of benchmarks/speed.py."""

    pattern: str
    flags: int = 0

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.pattern, self.flags)


class EndlessPatternError(Exception):
    """A pattern took longer than `TIMEOUT` for one text."""


class Match(NamedTuple):
    """One match of a pattern, and of its one group; the group's start is -1 where it caught nothing."""

    text: str | None
    start: int
    end: int
    group_start: int
    group_end: int


@lru_cache(maxsize=256)
def compile_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """The compiled pattern.

    Raises:
        re.error: It is no regular expression.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # '[[' means what it says, until a Python that has nested sets
        return re.compile(pattern, flags)


def find_matches(regex: re.Pattern[str], text: str) -> list[Match]:
    """All matches, from the first to the last.

    A pattern of which a repeated part is itself repeated, or has alternatives, can take longer than anyone waits; it
    is searched for by the `regex` package, which looks at the clock.

    Raises:
        EndlessPatternError: The search took longer than `TIMEOUT`.
    """
    if not may_backtrack(regex.pattern):
        return [Match(m[1], *m.span(), *m.span(1)) for m in regex.finditer(text)]
    import regex as bounded

    try:
        flags = regex.flags & (re.IGNORECASE | re.VERBOSE | re.DOTALL | re.MULTILINE)
        found = bounded.compile(regex.pattern, int(flags)).finditer(text, timeout=TIMEOUT)
        return [Match(m[1], *m.span(), *m.span(1)) for m in found]
    except TimeoutError:
        raise EndlessPatternError from None


@lru_cache(maxsize=256)
def may_backtrack(pattern: str) -> bool:
    """Whether a repeated group of a pattern holds another repetition, or alternatives."""
    several = [False]
    at = 0
    while piece := _PIECE.match(pattern, at):
        at = piece.end()
        if piece["open"] is not None:
            several.append(False)
        elif piece["close"] and len(several) > 1:
            inner = several.pop()
            if inner and _COUNT.match(pattern, at):
                return True
            several[-1] |= inner
        elif piece.group() == "|" or (len(piece.group()) <= 1 and _COUNT.match(piece.group() + pattern[at : at + 8])):
            several[-1] = True
    return False


def runs_away(pattern: str, lead: str = "", end: str = "") -> bool:
    """Whether the search for a pattern takes long in one of some texts that repeat a letter or two at most 24 times.

    Args:
        pattern: A regular expression.
        lead: What stands before the verdict, and may have to stand there.
        end: What stands behind it.
    """
    if not may_backtrack(pattern):
        return False
    compiled = compile_pattern(pattern)
    letters = dict.fromkeys([*re.findall(r"\w", re.sub(r"\\.|\(\?\w+\)", "", pattern)), "a", "1", " ", "."])
    for start in dict.fromkeys(("", lead)):
        for unit in [*letters, "a ", "a1", "\n"]:
            for times in range(8, 25, 2):
                before = time.thread_time()
                compiled.search(f"{start}{unit * times}\0{lead}\0{end}")
                if time.thread_time() - before > _GLANCE:
                    return True
    return False


def loosened(regex: re.Pattern[str]) -> tuple[re.Pattern[str], ...]:
    """A verdict's pattern for text in another dress: in any case, with any spaces, and with any text as its group.

    Of double brackets one may be lost. Any text only where something must stand behind the group, so that it is known
    where the verdict ends.
    """
    return _loosened(regex.pattern, regex.flags)


@lru_cache(maxsize=64)
def _loosened(pattern: str, flags: int) -> tuple[re.Pattern[str], ...]:
    place = None if flags & re.VERBOSE else _group_place(pattern, flags)
    sources = [pattern if flags & re.VERBOSE else _SPACES.sub(r"\\s*", pattern)]
    if place is not None and not any(
        m.group() == "" for m in compile_pattern(pattern[place.end + 1 :]).finditer("a b")
    ):
        around = [_SPACES.sub(r"\\s*", part) for part in (pattern[: place.start], pattern[place.end :])]
        sources.append(f"{around[0]}[^\n]{{1,{_LONGEST}}}?{around[1]}")
    sources = [source.replace(r"\*\*", r"\**").replace(r"\A\s*", r"\A[\s\"'(\[]*") for source in sources]
    sources = [source.replace(r"\]\]", _CLOSED).replace(r"\[\[", _OPENED) for source in sources]
    kept = flags & (re.VERBOSE | re.DOTALL | re.MULTILINE | re.ASCII)
    found = []
    for source in sources:
        try:
            found.append(compile_pattern(source, kept | re.IGNORECASE))
        except re.error:  # what a space was a part of means something else now
            found.append(compile_pattern(pattern, kept | re.IGNORECASE))
    return tuple(dict.fromkeys(found))


class _GroupPlace(NamedTuple):
    """Where in a pattern its one group begins and ends, without its parentheses, and what is open around it."""

    start: int
    end: int
    scopes: tuple[str, ...]
    alone: bool


def group_alone(regex: re.Pattern[str]) -> re.Pattern[str] | None:
    """What the one group of a pattern matches, as a pattern; None where that depends on what is around it."""
    place = _group_place(regex.pattern, regex.flags)
    if place is None or not place.alone:
        return None
    inside = regex.pattern[place.start : place.end]
    try:
        return compile_pattern("".join(place.scopes) + inside + ")" * len(place.scopes), regex.flags)
    except re.error:
        return None


def _group_place(source: str, flags: int) -> _GroupPlace | None:
    opened: list[str] = []
    start = depth = 0
    scopes: list[str] = []
    alone = True
    position = re.match(r"(?:\(\?[aiLmsux]+\))*", source).end()  # type: ignore[union-attr]
    while position < len(source):
        piece = _PIECE.match(source, position)
        if piece is None:
            return None
        opener = piece["open"]
        position = piece.end()
        if piece["remark"] and not flags & re.VERBOSE:
            position = piece.start() + 1
        elif opener is not None:
            alone = alone and not (start and opener.strip("(?<") in {"=", "!"})
            opened.append(opener)
            if not start and (opener == "(" or opener.startswith("(?P<")):
                start, depth = piece.end(), len(opened)
                scopes = [scope for scope in opened if scope.endswith(":")]
        elif piece["close"]:
            if start and len(opened) == depth:
                return _GroupPlace(start, piece.start(), tuple(scopes), alone)
            opened.pop()
        elif start and piece["edge"]:
            alone = False
    return None
