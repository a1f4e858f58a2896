"""Names and numbers as people read them; text from outside made harmless: it moves no cursor and hides no words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judgebench.items import Measure

    Unit = Measure | Literal["log-odds", "difference"]

# Control characters but for the line's end and the tab, what orders text from right to left, and lone surrogates.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def encodable(value: Any) -> Any:
    r"""A value whose texts UTF-8 can hold: halves of surrogate pairs are written out, as in `\ud800`.

    Example:
        >>> encodable({"texts": ["half " + chr(0xD800), 1]})
        {'texts': ['half \\ud800', 1]}
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {encodable(name): encodable(each) for name, each in value.items()}
    return [*map(encodable, value)] if isinstance(value, list | tuple) else value


def visible(text: str) -> str:
    r"""The text with each character that could control a terminal written out, as in `\x1b` or `\u202e`."""
    return _UNSAFE.sub(_written_out, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same, with runs of white space as one blank."""
    return visible(" ".join(text.split()))


def _written_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def percent(share: float) -> str:
    """A share as people read it: 76.1%."""
    return f"{100 * share:.1f}%"


_SYMBOLS: dict[str | None, str] = {"pearson": "r", "spearman": "rho", "kappa": "kappa"}
_HEADS: dict[str | None, str] = {"pearson": "Pearson r", "spearman": "Spearman rho", "kappa": "Cohen's kappa"}
"""How scores are called that are coefficients."""


def score_text(score: float, measure: Unit | None) -> str:
    """A score as people read it: 76.1%, or r 0.512 where it is a correlation."""
    return f"{_SYMBOLS[measure]} {decimals(score)}" if measure in _SYMBOLS else percent(score)


def score_range(low: float, high: float, measure: Unit | None) -> str:
    """The interval of a score: 72.0% to 79.9%, or 0.404 to 0.612."""
    said = decimals if measure in _SYMBOLS else percent
    return f"{said(low)} to {said(high)}"


def score_head(measures: Iterable[Unit | None]) -> str:
    """The head of a column of scores, which says what they are where all are correlations."""
    known = {*measures} - {None}
    return _HEADS.get(next(iter(known)), "score") if len(known) == 1 else "score"


def decimals(number: float) -> str:
    """Three decimals, without a sign for zero."""
    return f"{round(number, 3) + 0:.3f}"


def dollars(amount: float | None) -> str:
    """An amount of US dollars; small ones keep two digits that say something."""
    if amount is None:
        return "cost unknown"
    if 0 < amount < 0.01:
        places = 1 - math.floor(math.log10(amount))
        return "$" + f"{amount:.{places}f}".rstrip("0")
    return f"${amount:.2f}" if round(amount, 3) >= 1 or amount == 0 else f"${amount:.3f}"


def usd(amount: float) -> str:
    """An amount of US dollars as it was given, never in powers of ten: `$0.5`, `$0.00001`, `$2000000`.

    Example:
        >>> usd(1e-05)
        '$0.00001'
    """
    return f"${Decimal(repr(float(amount))):f}".removesuffix(".0")


def thousands(count: int) -> str:
    """A count as people read it: 21,682."""
    return f"{count:,}"


def duration(seconds: float) -> str:
    """A time as people say it: 45 s, 2 min 5 s, 1 h 12 min, 3 days 4 h."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(minutes / 60)
    return f"{hours // 24} days {hours % 24} h"


def difference_text(difference: float, measure: Unit | None) -> str:
    """A difference of scores: in percentage points, +3.1; of correlations, +0.031."""
    return f"{difference:+z.3f}" if measure in _SYMBOLS else f"{100 * difference:+z.1f}"


def difference_head(measure: Unit | None) -> str:
    """The head of a column of differences."""
    return f"diff ({_SYMBOLS[measure]})" if measure in _SYMBOLS else "diff (pp)"


def effect_text(effect: float, unit: Unit | None) -> str:
    """How large a bias is: a share, 61.2%; a difference of shares, +3.1%; log-odds, +0.42."""
    if unit == "log-odds":
        return f"{effect:+.2f}"
    return percent(effect) if unit == "share" else f"{100 * effect:+.1f}%"


def coefficient(value: float) -> str:
    """A coefficient of agreement as people read it; `none` where it has no value."""
    return "none" if math.isnan(value) else f"{round(value, 2) + 0:.2f}"


def p_text(p: float) -> str:
    """A p as people read it."""
    return "<0.001" if p < 0.001 else f"{min(p, 1.0):.3f}"
