"""The item that a row of verdicts is about, where the row is all that is known of it, and how sure the verdict is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.benchmarks.custom import SUBSET
from judgebench.items import LABELS, TIE, Completion, Item, Soft, Turn
from judgebench.runs.verdictwords import UnknownWordError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgebench.runs.verdictcells import Judged

_ROUNDING = 1e-9


def soft_of(judged: Judged, order: Sequence[int], place: Mapping[int, int]) -> Soft | None:
    """The probabilities by slot; what they leave to 1 is a tie's."""
    if judged.probabilities is None:
        return None
    of = {place[answer]: share for answer, share in enumerate(judged.probabilities)}
    by_slot = [(LABELS[slot], of[index]) for slot, index in enumerate(order)]
    rest = 1 - sum(share for _, share in by_slot)
    if rest < -_ROUNDING:
        raise UnknownWordError("probabilities are more than 1 together")
    return Soft((*by_slot, *([(TIE, rest)] if rest > _ROUNDING else [])), 1.0)


def item_of(judged: Judged) -> tuple[Item, tuple[int, ...]]:
    """The item that a judgement is about, the better answer first, and which of the row's answers each one is."""
    best = None if judged.label is None else judged.label.index
    own = tuple(range(judged.k)) if best is None else (best, *(at for at in range(judged.k) if at != best))
    texts = {at: text for at, text in enumerate(judged.answers) if text}
    models = [judged.models[at] if at < len(judged.models) else None for at in own]
    item = Item(
        id=str(judged.id),
        subset=judged.subset or SUBSET,
        conversation=() if not judged.prompt else (Turn("user", judged.prompt),),
        completions=tuple(Completion((Turn("assistant", texts[at]),) if at in texts else ()) for at in own),
        num_correct=int(best is not None),
        label=judged.gold or (TIE if judged.label is not None and best is None and judged.k == 2 else None),
        human_score=judged.grade if judged.k == 1 else None,
        group=judged.group,
        metadata={
            **({"models": models} if any(models) else {}),
            **({} if best is None else {"label": LABELS[best]}),
        },
    )
    return item, own
