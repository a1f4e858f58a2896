"""Which sequences go through a model together: sorted by length, as many as a number of tokens allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of sequences that go together, the longest first: padded to one length they have at most so many tokens.

    A sequence that is longer by itself has a batch of its own.

    Example:
        >>> list(batches([3, 9, 4, 1], 8))
        [[1], [2, 0], [3]]
    """
    order = sorted(range(len(lengths)), key=lambda at: -lengths[at])
    start = 0
    while start < len(order):
        longest = max(lengths[order[start]], 1)
        end = start + max(1, most // longest)
        yield order[start:end]
        start = end


_LOGITS = {"cpu": 1 << 27, "other": 1 << 28}
"""So many logits a batch has at most, of 4 bytes each: of large vocabularies they take more room than anything else."""


def most_tokens(batch_tokens: int, vocabulary: int, device: str) -> int:
    """How many tokens a batch has at most where a model gives a number for each token of its vocabulary.

    Example:
        >>> most_tokens(4096, 150_000, "cpu")
        894
    """
    return max(1, min(batch_tokens, _LOGITS["cpu" if device == "cpu" else "other"] // vocabulary))


def padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[list[list[int]], list[list[int]]]:
    """The rows on the right filled up to one length, and the mask that says what is theirs.

    Example:
        >>> padded([[5, 6], [7]], 0)
        ([[5, 6], [7, 0]], [[1, 1], [1, 0]])
    """
    width = max(map(len, rows), default=0)
    return (
        [[*row, *[pad] * (width - len(row))] for row in rows],
        [[1] * len(row) + [0] * (width - len(row)) for row in rows],
    )


def unused_token(rows: Sequence[Sequence[int]], wanted: int | None, end: int | Sequence[int] | None, size: int) -> int:
    """A token to fill up with that is the last of no row: models that look for the last other token then find it.

    Args:
        rows: The sequences of a batch.
        wanted: The tokenizer's padding token.
        end: Its token, or tokens, for the end.
        size: Of the vocabulary.

    Example:
        >>> unused_token([[5, 2], [6, 0]], 2, 2, 10)
        1
    """
    last = {row[-1] for row in rows if row}
    ends = set(end) if isinstance(end, list | tuple) else {end}
    if wanted is not None and wanted not in ends and wanted not in last:
        return wanted
    return next(token for token in range(size) if token not in last and token not in ends)
