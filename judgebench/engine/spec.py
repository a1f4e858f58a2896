"""What a run is: one benchmark x one judge x one template x one protocol, its identity and its folder's name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from judgebench.judges import takes_schema
from judgebench.protocols import (
    Protocol,
    altered,
    calls_needed,
    calls_open,
    number_of_calls,
    pairs as pairings,
    protocol_notes,
)
from judgebench.runs import Manifest, ShardFile, described, folder_name, is_torn, read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.benchmarks.base import Benchmark
    from judgebench.benchmarks.dataset import Dataset, Selection
    from judgebench.items import Item, ItemKey, Reading
    from judgebench.judges import Judge
    from judgebench.protocols import Alteration, Call, UntilShown
    from judgebench.templates import Template


@dataclass(frozen=True)
class RunSpec:
    """One run to make: one benchmark x one judge x one template x one protocol.

    Attributes:
        companion: The template for items that the benchmark judges by ratings (Ties); None where there are none.
        families: Whose model a name is, for the manifest: see `judgebench.judges.presets`.
        providers: The file of the user's own that makes the judge what it is; None where it is the same without.
        alteration: What is done to the items before the judge sees them, for a control.
        until_shown: With what it is compared until the difference is shown; None where all items are judged.
        whole: The run over all items that this is one part of (`--shard`); None where it is no part.
    """

    dataset: Dataset
    judge: Judge
    template: Template
    companion: Template | None
    orders: Protocol
    selection: Selection
    families: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)
    providers: Path | None = field(default=None, compare=False)
    alteration: Alteration | None = None
    until_shown: UntilShown | None = None
    whole: RunSpec | None = field(default=None, compare=False, repr=False)

    @cached_property
    def takes_schema(self) -> bool:
        """Whether a JSON schema goes out with the questions of a template that asks for structured output."""
        return any(template.structured for template in self._templates) and takes_schema(self.judge)

    @property
    def _templates(self) -> list[Template]:
        return [self.template, *([] if self.companion is None else [self.companion])]

    @property
    def benchmark(self) -> Benchmark:
        """Whose items they are."""
        return self.dataset.benchmark

    @property
    def protocol(self) -> str:
        """The name of the protocol and of what was selected, as in the run's folder."""
        kind = self.template.kind
        parts: list[str] = [kind.many or self.orders.orders]
        parts += self.orders.names()
        if self.selection.limit is not None:
            parts.append(f"limit{self.selection.limit}")
        parts += [folder_name(subset) for subset in self.selection.subsets]
        if self.selection.part is not None:
            parts.append(self.selection.part)
        drawn = self.selection.limit is not None or self.selection.part is not None or self.selection.shard is not None
        if self.orders.seed and (kind.ordered or drawn):
            parts.append(f"seed{self.orders.seed}")
        last = "" if self.alteration is None else f"-{self.alteration.title}"
        if self.until_shown is not None:
            last = f"-until-shown-{folder_name(self.until_shown.against)[:60]}"
        if (shard := self.selection.shard) is not None:
            last += f"-shard-{shard.number}-of-{shard.of}"
        return "-".join(parts)[: 120 - len(last)] + last

    def template_for(self, item: ItemKey) -> Template:
        """The template that words the item's questions."""
        if self.companion is not None and self.benchmark.by_ties(item):
            return self.companion
        return self.template

    def questions(self, item: ItemKey, done: Mapping[Call, Reading] | None = None) -> list[tuple[int, ...]]:
        """What each question about the item shows; of a knockout, as far as the readings there are decide it."""
        return pairings.questions(self.benchmark, self.orders, item, self.template_for(item).mode, done)

    def every_question(self, item: ItemKey) -> list[tuple[int, ...]]:
        """What each question that may be put about the item shows."""
        return pairings.every_question(self.benchmark, self.orders, item, self.template_for(item).mode)

    def calls(self, item: ItemKey, done: Mapping[Call, Reading] | None = None) -> Iterator[Call]:
        """The calls that the item still needs, in any case."""
        return calls_needed(self.orders, item.id, self.questions(item, done), done or {})

    def calls_open(self, item: ItemKey, done: Mapping[Call, Reading] | None = None) -> Iterator[Call]:
        """The calls that the item still needs at most, where votes stop early or winners meet."""
        return calls_open(self.orders, item.id, self._at_most(item, done), done or {})

    def count(self, item: ItemKey) -> int:
        """How many calls the item needs in all, at most."""
        return number_of_calls(self.orders, self._at_most(item))

    def _at_most(self, item: ItemKey, done: Mapping[Call, Reading] | None = None) -> list[tuple[int, ...]]:
        return pairings.questions_at_most(self.benchmark, self.orders, item, self.template_for(item).mode, done)

    def notes(self, readings: Mapping[str, Sequence[Reading]], planned: int) -> Iterator[str]:
        """What a reader must know of how the calls became a score; see `protocol_notes`."""
        yield from protocol_notes(self.benchmark, self.template.mode, self.orders, self.protocol, readings, planned)
        if self.judge.offline and (self.template.rule.classes is not None or self.template.rule.steps):
            what = "steps" if self.template.rule.steps else "classes"
            yield f"{self.judge.model} does not read the answer: its {what}, and so its score, mean nothing"
        if self.orders.samples > 1 and self.judge.decides:
            yield (
                f"{self.orders.samples} samples per question of a decision model, whose probabilities are mostly the "
                "same each time"
            )
        elif (
            self.orders.samples > 1 and not self.judge.offline and self.judge.params_asked()[0].get("temperature") == 0
        ):
            yield (
                f"{self.orders.samples} samples per prompt at temperature 0, where most judges give the same reply: "
                "set a higher temperature in the judge's params"
            )

    def shown(self, item: Item, order: Sequence[int]) -> Item:
        """The item as the judge sees it in this order."""
        if self.alteration is None:
            return item
        template = self.template_for(self.dataset.keys[item.id])
        return altered(item, self.alteration, order, template.rule, self.orders.seed)

    @property
    def unaltered(self) -> RunSpec:
        """The same over the items as they are."""
        whole = None if self.whole is None else self.whole.unaltered
        return replace(self, alteration=None, whole=whole)

    def shard_file(self) -> ShardFile:
        """What a part of a run says of the whole."""
        assert self.whole is not None
        places = [place for place, item in enumerate(self.whole.dataset.keys) if item in self.dataset.keys]
        plan = Manifest.model_validate(self.whole.described()).to_json()
        return ShardFile((str(self.selection.shard),), places, [*self.whole.dataset.notes], plan)

    def described(self) -> dict[str, Any]:
        """The manifest's parts that are known before the run."""
        orders, dataset = self.orders, self.dataset
        drawn_from = {} if self.selection.limit is None else {"drawn_from": dataset.drawn_from}
        return {
            "benchmark": self.benchmark.name,
            "benchmark_file": self.benchmark.declaration() or None,
            "judge": self.judge.public(),
            "families": dict(self.families),
            "providers": None if self.providers is None else str(self.providers),
            "template": described(self.template),
            "companion": None if self.companion is None else described(self.companion),
            "protocol": {"name": self.protocol, **orders.to_json()},
            "selection": dataset.selection.to_json(),
            "seed": orders.seed,
            "data": dataset.origin,
            "items": {"count": len(dataset.keys), "of": dataset.total, **drawn_from, "hash": dataset.hash},
            **({} if self.alteration is None else {"altered": self.alteration}),
            **({} if self.until_shown is None else {"until_shown": self.until_shown}),
            "identity": self.identity(),
        }

    def identity(self) -> dict[str, Any]:
        """What makes two runs the same run: replies of one may be kept for the other."""
        asked = any(template.structured for template in self._templates)
        structured = {"structured": self.takes_schema} if asked else {}
        return {
            **self.orders.identity(),
            **structured,
            **({} if self.alteration is None else self.alteration.identity()),
            **({} if self.until_shown is None else {"until_shown": self.until_shown.identity()}),
            **({} if self.whole is None else {"shard": [str(self.selection.shard), self.whole.dataset.hash]}),
            **self.benchmark.identity(),
            "judge": {
                "identity": self.judge.identity,
                "model": self.judge.model,
                "params": self.judge.params_asked()[0],
                "extra": self.judge.public().get("extra", {}),
                **({"api": "decisions"} if self.judge.decides else {}),
                **({"system_role": False} if self.judge.system_role is False else {}),
            },
            "template": self.template.hash,
            "companion": None if self.companion is None else self.companion.hash,
            "orders": self.orders.orders,
            "samples": self.orders.samples,
            "seed": self.orders.seed,
            "items": self.dataset.hash,
        }


def run_folder(out: Path, cell: RunSpec) -> tuple[Path, str]:
    """The cell's folder, and a note where another run has the plain name; else an empty text.

    A folder that holds a run of another identity (changed template, items or judge settings) is left alone: the cell
    gets one beside it, whose name says what differs, and the same command finds it again. One whose manifest a crash
    has torn is taken to be this cell's; its judgements tell whether it is.
    """
    plain = out / folder_name(cell.benchmark.name) / folder_name(cell.judge.name) / folder_name(cell.template.name)
    return free_folder(plain / cell.protocol, cell.identity(), cell.described)


def free_folder(
    path: Path, identity: Mapping[str, Any], described: Callable[[], Mapping[str, Any]]
) -> tuple[Path, str]:
    """The folder of a run whose plain one is given, and a note where another run has that: see `run_folder`.

    Args:
        path: The plain folder.
        identity: What makes the run the run that it is.
        described: Its manifest's parts that are known before it.
    """
    if is_torn(path):
        return path, ""
    manifest = read_manifest(path)
    if manifest is None or manifest.identity == identity:
        return path, ""
    from judgebench.runs import named_beside, taken_note

    new = Manifest.model_validate(described())
    beside = named_beside(path, new, identity)
    return beside, taken_note(beside, new, manifest)
