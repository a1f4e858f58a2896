"""Maximum likelihood of a conditional logit, its rows in blocks, so that memory grows by little but the regressors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from judgebench.metrics.intervals import Floats

    Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of some questions in a conditional logit: the slots of each but its first, less that one.

    Each row has the label of one group alone, so that the labels are no columns of their own.

    Attributes:
        columns: Regressors, the last the label, shape (rows, columns).
        group: Whose label it is, shape (rows,).
        chosen: The share of the choice that falls on the slot, shape (rows,).
        question: The question of each row: 0, 1, ... in order.
        item: The item of each row.
        cluster: What each row's item belongs to: 0, 1, ...
        starts: Where each question's rows begin.
    """

    columns: Floats
    group: Ints
    chosen: Floats
    question: Ints
    item: Ints
    cluster: Ints
    starts: Ints

    @classmethod
    def of(cls, slots: Block) -> Block:
        """From a row for each slot, the first of each question among them."""
        later = np.ones(len(slots.question), dtype=bool)
        later[slots.starts] = False
        differences = (slots.columns - slots.columns[slots.starts][slots.question])[later]
        group, question, item, cluster = (
            each[later].astype(np.int32) for each in (slots.group, slots.question, slots.item, slots.cluster)
        )
        return cls(differences, group, slots.chosen[later], question, item, cluster, starts_of(question))

    def utilities(self, at: Floats) -> Floats:
        """Of each row, by the coefficients of the columns and then of the labels."""
        dense = self.columns.shape[1] - 1
        labels = np.append(at[dense:], 0.0)  # of no group at all
        found: Floats = self.columns[:, :dense] @ at[:dense] + self.columns[:, dense] * labels[self.group]
        return found

    def sums(self, weights: Floats, groups: int) -> Floats:
        """The weighted sum of the rows."""
        labels = np.bincount(self.group, weights=self.columns[:, -1] * weights, minlength=groups)
        return np.concatenate([weights @ self.columns[:, :-1], labels[:groups]])

    def objective(self, at: Floats) -> tuple[float, Floats]:
        """Its part of what the coefficients minimise, and the chance of each row."""
        eta = self.utilities(at)
        logs = self._log_sums(eta)
        return float(logs.sum() - self.chosen @ eta), np.exp(eta - logs[self.question])

    def _log_sums(self, eta: Floats) -> Floats:
        """The logarithm of each question's sum of exp(utility), that of the first slot being 0."""
        top = np.maximum(np.maximum.reduceat(eta, self.starts), 0.0)
        sums: Floats = np.exp(-top) + np.add.reduceat(np.exp(eta - top[self.question]), self.starts)
        logs: Floats = np.log(sums) + top
        return logs

    def information(self, chance: Floats, groups: int) -> Floats:
        """Its part of the second derivative."""
        weighted = self.columns * chance[:, None]
        means = np.add.reduceat(weighted, self.starts, axis=0)
        crossed = _cross(self.columns, weighted, self.group, groups)
        return crossed - _cross(means, means, self.group[self.starts], groups)


@dataclass(frozen=True, slots=True)
class Design:
    """All the rows of a conditional logit.

    Attributes:
        blocks: Their parts.
        groups: How many labels there are.
    """

    blocks: tuple[Block, ...]
    groups: int

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> Design:
        """From all parts; groups in which the label nowhere differs have none."""
        parts = tuple(blocks)
        labels = np.unique(np.concatenate([np.unique(part.group[part.columns[:, -1] != 0]) for part in parts]))
        place = np.zeros(1 + max(int(part.group.max()) for part in parts), dtype=np.int32)
        place[labels] = np.arange(len(labels))
        return cls(tuple(replace(part, group=place[part.group]) for part in parts), len(labels))

    def fitted(self, ridge: float) -> tuple[Floats, Floats]:
        """Coefficients and the columns' standard errors, by Newton steps that are halved until the objective falls.

        Args:
            ridge: The penalty.

        Returns:
            The coefficients of the columns, then of the labels; the errors of the columns alone.
        """
        coefficients = np.zeros(self.blocks[0].columns.shape[1] - 1 + self.groups)
        value, chances = self._objective(coefficients, ridge)
        for _ in range(100):
            residuals = (part.sums(part.chosen - each, self.groups) for part, each in self._with(chances))
            gradient = np.sum(list(residuals), axis=0) - ridge * coefficients
            step = np.linalg.solve(self._information(chances, ridge), gradient)
            while (after := self._objective(coefficients + step, ridge))[0] > value and np.abs(step).max() > 1e-10:
                step = step / 2
            coefficients, (value, chances) = coefficients + step, after
            if np.abs(step).max() < 1e-8:
                break
        return coefficients, self._errors(chances, ridge)

    def sizes(self, column: int) -> tuple[int, int]:
        """In how many questions, and of how many items, a column differs between the slots."""
        differs = [part.columns[:, column] != 0 for part in self.blocks]
        parts = list(zip(self.blocks, differs, strict=True))
        questions = sum(len(np.unique(part.question[among])) for part, among in parts)
        return questions, len(np.unique(np.concatenate([np.unique(part.item[among]) for part, among in parts])))

    def _with(self, chances: Sequence[Floats]) -> Iterator[tuple[Block, Floats]]:
        return zip(self.blocks, chances, strict=True)

    def _objective(self, at: Floats, ridge: float) -> tuple[float, list[Floats]]:
        """What the coefficients minimise, and the chance of each row."""
        parts = [part.objective(at) for part in self.blocks]
        return sum(value for value, _ in parts) + float(ridge / 2 * (at @ at)), [chance for _, chance in parts]

    def _information(self, chances: Sequence[Floats], ridge: float) -> Floats:
        found: Floats = np.sum([part.information(each, self.groups) for part, each in self._with(chances)], axis=0)
        return found + ridge * np.eye(len(found))

    def _errors(self, chances: Sequence[Floats], ridge: float) -> Floats:
        inverse = np.linalg.inv(self._information(chances, ridge))
        count = 1 + max(int(part.cluster.max()) for part in self.blocks)
        factor = count / (count - 1) if count > 1 else 1.0
        dense = self.blocks[0].columns.shape[1] - 1
        sandwich = []
        for row in inverse[:dense]:
            score = np.zeros(count)
            for part, chance in self._with(chances):
                weights = part.utilities(row) * (part.chosen - chance)
                score += np.bincount(part.cluster, weights=weights, minlength=count)
            sandwich.append(float(score @ score) * factor)
        errors: Floats = np.sqrt(np.maximum(sandwich, np.diag(inverse)[:dense]))
        return errors


def _cross(one: Floats, other: Floats, group: Ints, count: int) -> Floats:
    """`one.T @ other` with the last column of each apart by group; without the threads of BLAS, which wait."""
    dense = one.shape[1] - 1
    product = np.zeros((dense + count, dense + count))
    product[:dense, :dense] = np.einsum("ij,ik->jk", one[:, :dense], other[:, :dense])
    labels = [np.bincount(group, weights=one[:, -1] * each, minlength=count)[:count] for each in other.T]
    product[dense:, :dense] = np.stack(labels[:-1], axis=1)
    product[:dense, dense:] = product[dense:, :dense].T
    product[dense:, dense:] = np.diag(labels[-1])
    return product


def starts_of(question: Ints) -> Ints:
    """Where each question's rows begin."""
    starts: Ints = np.flatnonzero(np.diff(question, prepend=-1)).astype(np.int32)
    return starts
