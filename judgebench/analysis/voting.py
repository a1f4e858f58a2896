"""A jury's bench: its members, what their votes count, and the verdicts that come of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from judgebench.benchmarks.base import is_checklist, is_label, is_step
from judgebench.benchmarks.rules import criteria_outcome, label_outcome, step_outcome
from judgebench.errors import ConfigError
from judgebench.items import LABELS, TIE, Failure, Reading, Verdict, as_rating
from judgebench.metrics.summary import Usage
from judgebench.metrics.votes import (
    as_said,
    criteria_shares,
    has_probabilities,
    log_odds_weight,
    majority,
    mean_parts,
    mean_probabilities,
    mean_rating,
    pooled_criteria,
    pooled_shares,
)
from judgebench.protocols import Call, Protocol, calls_needed, orders_of, pairs as pairings
from judgebench.runs import (
    Judgement,
    ReplyUsage,
    add_usage,
    common_name,
    fields_of,
    protocol_of,
    read_judgements,
    titles_of,
    total_usage,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from judgebench.items import ItemKey, Outcome
    from judgebench.runs import Finished, RunTemplates

Weights = Literal["equal", "accuracy", "confidence"]
"""What a member's vote counts: the same; by its accuracy on held-out items; by how sure it is of the one item."""

FEW_HELD_OUT = 50
"""With fewer held-out items, a note says that the weights rest on little."""


class Bench:
    """The members, what their votes count, and the jury's verdicts.

    Args:
        opened: The members.
        templates: Theirs.
        weights: What a vote counts.
        held_out: The items that weights are learnt from.

    Attributes:
        kept: The items that the jury is over.
        accuracies: How often each member's votes are right on the held-out items; None where nothing tells.
        by_call: Whether there is a verdict for each order and sample, or else for each question.
        weights: The weight of each member; None where it is by confidence.
    """

    def __init__(
        self, opened: Sequence[Finished], templates: Sequence[RunTemplates], weights: Weights, held_out: Collection[str]
    ) -> None:
        self.opened, self.templates, self.kind, self.held_out = opened, templates, weights, held_out
        self.keys = opened[0].keys
        self.kept = [item for item in self.keys if item not in held_out]
        self.protocols = [protocol_of(each) for each in opened]
        asked = {(each.orders, each.samples, each.seed) for each in self.protocols}
        stopped = any(each.early_stop for each in self.protocols)  # each member at a call of its own
        self.by_call = weights != "confidence" and len(asked) == 1 and not stopped
        self.protocol = self._protocol()
        self.drawn = 0
        if weights == "confidence":
            self._check_confidence()
        self._rights = [self._learnt(at) for at in range(len(opened))]
        self.accuracies = [fmean(right) if right else None for right in self._rights]
        self.weights = self._weights()

    @property
    def rule(self) -> str:
        """How a verdict is made."""
        each = "order and sample" if self.by_call else "question"
        counts = {
            "equal": "equal weights",
            "accuracy": "weights: log-odds of the member's accuracy on held-out items",
            "confidence": "weights: the member's probabilities, else its shares of verdicts",
        }[self.kind]
        return f"majority vote (draws are ties) or mean rating per {each}; {counts}"

    def protocol_said(self, share: float, seed: int) -> dict[str, Any]:
        """The manifest's part on it; its name says what members have in common, and how votes count."""
        names = [str(each.run.manifest.protocol.name) for each in self.opened]
        parts = [common_name(names, "mixed"), "jury", self.kind]
        parts += [f"held{100 * share:g}"] if share else []
        parts += [f"seed{seed}"] if share and seed else []
        return {"name": "-".join(parts)[:120], **self.protocol.to_json()}

    def _protocol(self) -> Protocol:
        """How the jury was asked, as it were: like its members where that is alike, else once a question.

        Raises:
            ConfigError: The members found the best of more than two in different ways, or by knockouts of their own.
        """
        first = self.protocols[0]
        pairs = {each.pairs for each in self.protocols}
        if len(pairs) > 1 or "knockout" in pairs:
            raise ConfigError(
                "the runs show different pairs: a jury takes no --pairs knockout, and --pairs all for all runs or none"
            )
        if not self.by_call:
            return Protocol(seed=first.seed, pairs=first.pairs, each=first.each)
        joins = {each.join for each in self.protocols}
        join = first.join if len(joins) == 1 else "mean"
        return Protocol(first.orders, first.samples, first.seed, join=join, pairs=first.pairs, each=first.each)

    def notes(self) -> Iterator[str]:
        """What a reader of the jury's figures must know."""
        if not self.by_call and self.kind != "confidence":
            yield (
                "the members have different orders or samples: each has one vote per question, its most frequent choice"
            )
        if self.held_out:
            yield f"{len(self.held_out)} items are held out for the weights and not scored"
            if self.kind == "accuracy" and len(self.held_out) < FEW_HELD_OUT:
                yield f"the weights are based on only {len(self.held_out)} held-out items"
        if self.kind == "accuracy" and not any(self._earned):
            yield "no member is better than chance on the held-out items: equal weights used"
        elif self.kind == "accuracy" and not all(self._earned):
            none = [str(each.path) for each, w in zip(self.opened, self._earned, strict=True) if not w]
            yield f"weight 0 (not better than chance on the held-out items): {', '.join(none)}"
        if self.drawn:
            said = "verdict is a tie" if self.drawn == 1 else "verdicts are ties"
            if self.templates[0].reader.rule.classes is not None or self.templates[0].reader.rule.steps:
                said = f"{'judgement has' if self.drawn == 1 else 'judgements have'} no verdict"
            yield f"{self.drawn} {said} (even votes)"

    def _check_confidence(self) -> None:
        rule = self.templates[0].wording.rule
        if rule.scale is not None or rule.of is not None:
            what = "ratings" if rule.of is None else "verdicts on criteria"
            raise ConfigError(f"--weights confidence needs choices, and these runs have {what}: use equal or accuracy")
        several = any(each.orders != "one" or each.samples > 1 or each.soft for each in self.protocols)
        if not several and not any(
            has_probabilities(among) for each in self.opened for among in each.readings.values()
        ):
            raise ConfigError(
                "--weights confidence needs several verdicts per question, or probabilities: use runs with --orders "
                "both, --samples or --logprobs, or other weights"
            )

    def _learnt(self, at: int) -> list[float]:
        """Of each held-out item that shows it, how often a member's votes are right."""
        found = (self._right(self.keys[item], self.opened[at].readings.get(item, [])) for item in self.held_out)
        return [right for right in found if right is not None]

    def _right(self, key: ItemKey, readings: Sequence[Reading]) -> float | None:
        """The share of votes on an item that are right; of ratings, of pairs of a right and a wrong completion.

        A tie counts as a guess; a failure is no vote. None where there is no vote, or nothing to tell right from wrong.
        """
        if is_checklist(key, readings):
            voting = [reading for reading in readings if not reading.failed]
            return criteria_outcome(key, voting).credit if voting else None
        if is_step(key, readings) and any(not reading.failed for reading in readings):
            return step_outcome(key, readings).credit
        if is_label(key, readings):
            voting = [reading for reading in readings if not reading.failed]
            return label_outcome(key, voting).credit if voting else None
        rated = [reading for reading in readings if reading.rating is not None]
        if rated:
            return _concordance(key, rated)
        right: list[float] = []
        for question in self._questions(key):
            chance = _chance(key, question)
            if chance is None:
                continue
            for _, (own,) in self._votes(key.id, question, [readings]):
                if voted := [(reading.choice, 1.0) for reading in own if not reading.failed]:
                    choice = majority(voted).choice
                    right.append(chance if choice is None else float(int(choice) < key.num_correct))
        return fmean(right) if right else None

    def _weights(self) -> list[float | None]:
        if self.kind == "confidence":
            return [None] * len(self.opened)
        if self.kind == "equal":
            return [1.0] * len(self.opened)
        chances = [chance for item in self.held_out for chance in self._chances(self.keys[item])]
        if not chances:
            raise ConfigError("--weights accuracy needs held-out items with labels: use --weights equal")
        chance = fmean(chances)
        self._earned = [log_odds_weight(sum(right), len(right), chance) if right else 0.0 for right in self._rights]
        return [*self._earned] if any(self._earned) else [1.0] * len(self.opened)

    def _chances(self, key: ItemKey) -> Iterator[float]:
        """How often a guess is right, at each of an item's questions, or at its ratings."""
        classes = self.templates[0].reader.rule.classes
        if key.steps:
            yield 1 / (key.steps + 1)
            return
        if classes is not None:
            yield from (1 / len(classes.names),) if key.labelled else ()
            return
        for question in self._questions(key):
            if len(question) == 1:
                yield from () if _chance(key, range(key.k)) is None else (0.5,)
                return
            if (chance := _chance(key, question)) is not None:
                yield chance

    def outcome(self, item: str, readings: Sequence[Reading]) -> Outcome:
        """Of an item, from the jury's verdicts."""
        return pairings.outcome(self.opened[0].benchmark, self.protocol, self.keys[item], readings)

    def _questions(self, key: ItemKey) -> list[tuple[int, ...]]:
        first = self.opened[0]
        mode = self.templates[0].wording_for(key, first).mode
        return pairings.questions(first.benchmark, self.protocol, key, mode)

    def judgements(self) -> Iterator[Judgement]:
        """The jury's, in the order of the items."""
        usages = [_usages(each, whole=not self.by_call) for each in self.opened]
        for item in self.kept:
            key = self.keys[item]
            among = [each.readings.get(item, []) for each in self.opened]
            for question in self._questions(key):
                for call, votes in self._votes(item, question, among):
                    asked = (
                        (item, tuple(sorted(call.order)), 0) if not self.by_call else (item, call.order, call.sample)
                    )
                    yield self._judgement(key, call, votes, [usage.get(asked) for usage in usages])

    def _votes(
        self, item: str, question: tuple[int, ...], among: Sequence[Sequence[Reading]]
    ) -> Iterator[tuple[Call, list[list[Reading]]]]:
        """The jury's calls about a question, each with what every member said."""
        if self.by_call:
            there = [{Call(r.order, r.sample): r for r in readings} for readings in among]
            for call in calls_needed(self.protocol, item, [question]):
                yield call, [[own[call]] if call in own else [] for own in there]
        else:
            order = orders_of(self.protocol, item, question)[0]
            asked = sorted(question)
            yield Call(order, 0), [[r for r in readings if sorted(r.order) == asked] for readings in among]

    def _judgement(
        self, key: ItemKey, call: Call, votes: Sequence[Sequence[Reading]], usages: Sequence[_Taken | None]
    ) -> Judgement:
        result = self._result(votes, call.order)
        taken = [usage for usage in usages if usage is not None]
        total = total_usage([Usage(), *(each.usage for each in taken)])
        latencies = [each.latency_s for each in taken if each.latency_s is not None]
        return Judgement(
            item=key.id,
            subset=key.subset,
            order=call.order,
            sample=call.sample,
            **fields_of(result),
            reply="\n".join(self._told(votes)),
            served_model=None,
            usage=ReplyUsage(
                total.prompt_tokens, total.completion_tokens, total.reasoning_tokens, total.cached_prompt_tokens
            ),
            finish_reason=None,
            cost_usd=total.cost_usd,
            latency_s=max(latencies, default=None),
            cached=True,
            key="",
        )

    def _result(self, votes: Sequence[Sequence[Reading]], order: tuple[int, ...]) -> Verdict | Failure:
        voting = [(own, w) for own, w in zip(votes, self.weights, strict=True) if w != 0]
        said = [([reading for reading in own if not reading.failed], w) for own, w in voting]
        weighed = [(own, w) for own, w in said if own]
        if not weighed:
            return _failure([own for own, _ in voting])
        if weighed[0][0][0].rating is not None:
            means = [(fmean(r.rating for r in own if r.rating is not None), w or 1.0) for own, w in weighed]
            parts = self._criteria(weighed)
            if not parts and self.templates[0].reader.rule.of is not None:
                self.drawn += 1
                return Failure("ambiguous", "as many votes for several verdicts on every criterion")
            return Verdict(mean_rating(means), parts=parts)
        if self.kind == "confidence":
            pooled = pooled_shares([mean_probabilities(own) for own, _ in weighed])
        else:
            single = [majority([(reading.named, 1.0) for reading in own]).choice for own, _ in weighed]
            if len(order) == 1:  # a member whose samples name several classes alike has no vote
                weighed = [each for each, choice in zip(weighed, single, strict=True) if choice is not None]
                single = [choice for choice in single if choice is not None]
                if not single:
                    return Failure("ambiguous", "every member's samples say several classes alike")
            pooled = majority([(choice, w or 1.0) for choice, (_, w) in zip(single, weighed, strict=True)])
        self.drawn += pooled.drawn
        if len(order) == 1:
            alike = Failure("ambiguous", "as many votes for several classes")
            named = [reading for own, _ in weighed for reading in own]
            return alike if pooled.choice is None else Verdict(as_said(str(pooled.choice), named))
        return Verdict(TIE if pooled.choice is None else LABELS[order.index(int(pooled.choice))])

    def _criteria(self, weighed: Sequence[tuple[Sequence[Reading], float | None]]) -> tuple[tuple[str, float], ...]:
        """What most members say of each criterion; of ratings by attribute, the members' weighted mean."""
        if self.templates[0].reader.rule.of is None:
            rated = [(dict(mean_parts(own)), w or 1.0) for own, w in weighed]
            names = dict.fromkeys(name for parts, _ in rated for name in parts)
            return tuple((name, mean_rating([(p[name], w) for p, w in rated if name in p])) for name in names)
        members = [
            ({name: {share: 1.0} for name, share in own}, w or 1.0)
            for each, w in weighed
            if (own := pooled_criteria([(criteria_shares(r, soft=False), 1.0) for r in each]))
        ]
        return pooled_criteria(members)

    def _told(self, votes: Sequence[Sequence[Reading]]) -> Iterator[str]:
        """What every member said, a line each, by completion and not by slot."""
        for name, own, weight in zip(titles_of(self.opened), votes, self.weights, strict=True):
            said = ", ".join(_said(reading) for reading in own) or "not asked"
            yield f"{name}: {said}" + ("" if self.kind != "accuracy" else f" (weight {weight:.2f})")


def _chance(key: ItemKey, shown: Collection[int]) -> float | None:
    """How often a guess among these completions is right; None where all are, or none is, or no label says."""
    right = sum(index < key.num_correct for index in shown)
    return right / len(shown) if 0 < right < len(shown) else None


def _concordance(key: ItemKey, rated: Sequence[Reading]) -> float | None:
    """The share of pairs of a right and a wrong completion whose mean ratings say so; equal ones are half."""
    ratings: dict[int, list[float]] = {}
    for reading in rated:
        ratings.setdefault(reading.order[0], []).append(reading.rating or 0.0)
    means = {index: as_rating(fmean(among)) for index, among in ratings.items()}
    right, wrong = (
        [mean for index, mean in means.items() if (index < key.num_correct) is side] for side in (True, False)
    )
    pairs = [(good > bad) + (good == bad) / 2 for good in right for bad in wrong]
    return fmean(pairs) if pairs else None


def _failure(votes: Sequence[Sequence[Reading]]) -> Failure:
    """Of members without any verdict: the kind that most have."""
    kinds = [r.result.kind for own in votes for r in own if isinstance(r.result, Failure)]
    if not kinds:
        return Failure("not_asked", "no member was asked")
    return Failure(Counter(kinds).most_common(1)[0][0], f"no member has a verdict: {', '.join(kinds)}")


def _said(reading: Reading) -> str:
    if isinstance(reading.result, Failure):
        return f"no verdict ({reading.result.kind})"
    if reading.rating is not None:
        return f"{reading.rating:g}"
    if reading.label is not None:
        return reading.label
    return "tie" if reading.choice is None else f"completion {reading.choice}"


@dataclass(slots=True)
class _Taken:
    """What a member's replies to one question took; seconds of the slowest."""

    usage: Usage
    latency_s: float | None = None


def _usages(each: Finished, *, whole: bool) -> dict[tuple[str, tuple[int, ...], int], _Taken]:
    """What the replies took, by item, order and sample; with `whole`, all orders and samples of a question together."""
    found: dict[tuple[str, tuple[int, ...], int], _Taken] = {}
    for judgement in read_judgements(each.path):
        order, sample = (tuple(sorted(judgement.order)), 0) if whole else (judgement.order, judgement.sample)
        taken = found.setdefault((judgement.item, order, sample), _Taken(Usage()))
        add_usage(taken.usage, judgement)
        if judgement.latency_s is not None:
            taken.latency_s = max(judgement.latency_s, taken.latency_s or 0.0)
    return found
