"""How often the answers of one model are preferred to those of another, by one run's verdicts."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from judgebench.items import LABELS, TIE, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.items import Reading


def preference(reading: Reading, index: int) -> float | None:
    """How much of a verdict is for one of two completions: its probability where that is known, a half of a tie.

    None where there is no verdict.
    """
    result = reading.result
    if not isinstance(result, Verdict) or not isinstance(result.value, str):
        return None
    if result.soft is not None:
        of = dict(result.soft.probabilities)
        return of.get(LABELS[reading.order.index(index)], 0.0) + of.get(TIE, 0.0) / 2
    return 0.5 if reading.choice is None else float(reading.choice == index)


def win_rates(
    readings: Mapping[str, Sequence[Reading]], models: Mapping[str, Sequence[str | None]]
) -> list[dict[str, Any]]:
    """The win rates of all pairs of models that met in pairs, as AlpacaEval has them, but from 0 to 1.

    An item counts once, with the mean of its verdicts; `win_rate` is the mean over items, `standard_error` that of the
    mean, and `discrete_win_rate` counts a win as 1 and a draw as a half. The baseline is the model that is the first
    one more often.

    Args:
        readings: By the item's id.
        models: Of each item whose each completion is.
    """
    found: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    first: Counter[str] = Counter()
    for item, names in models.items():
        if len(names) != 2 or names[0] is None or names[1] is None:
            continue
        shares = [share for each in readings.get(item, ()) if (share := preference(each, 1)) is not None]
        if not shares:
            continue
        one, other = str(names[0]), str(names[1])
        first[one] += 1
        if one != other and (other, one) in found:
            found[other, one].append(1 - fmean(shares))
        else:
            found[one, other].append(fmean(shares))
    made = []
    for (one, other), shares in sorted(found.items()):
        turned = first[other] > first[one]
        baseline, model = (other, one) if turned else (one, other)
        made.append({"model": model, "baseline": baseline, **_rates([1 - x for x in shares] if turned else shares)})
    return made


def _rates(shares: Sequence[float]) -> dict[str, float]:
    wins, losses = sum(share > 0.5 for share in shares), sum(share < 0.5 for share in shares)
    draws, total = len(shares) - wins - losses, len(shares)
    return {
        "win_rate": fmean(shares),
        "standard_error": stdev(shares) / math.sqrt(total) if total > 1 else 0.0,
        "n_wins": wins,
        "n_wins_base": losses,
        "n_draws": draws,
        "n_total": total,
        "discrete_win_rate": (wins + draws / 2) / total,
    }
