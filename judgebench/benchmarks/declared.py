"""A benchmark that a file declares: its rows, sections and a named rule; no code of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from judgebench.benchmarks import base, custom, forms, rules
from judgebench.benchmarks.annotating import by_item
from judgebench.benchmarks.columns import MISSING, ColumnSpec
from judgebench.benchmarks.layouts import is_subset, layout_of, part_with, patterns_of, subset_column
from judgebench.benchmarks.registry import AVERAGES, RULES
from judgebench.benchmarks.rowreader import RowReader, is_correct, unknown_subset
from judgebench.benchmarks.rowsources import rows_from
from judgebench.benchmarks.spec import DEFAULT_RULES, BenchmarkSpec, read_spec, spec_of
from judgebench.benchmarks.step_rules import StepRule
from judgebench.errors import ConfigError, DataError
from judgebench.items import TIE, Item
from judgebench.sources.labels import label_key
from judgebench.sources.mapped import RowMap
from judgebench.sources.source import id_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.benchmarks.named_rules import Rule
    from judgebench.items import ItemKey, Mode, Outcome, Reading
    from judgebench.sources.opening import Data
    from judgebench.sources.source import Row, Source


class Declared(custom.Custom):
    """The benchmark of a file.

    Args:
        spec: What the file says.
        folder: Where its paths start; None where they mean nothing.
        ships: Whether it is one of judgebench's own.
    """

    by_file = True

    def __init__(self, spec: BenchmarkSpec, folder: Path | None = None, *, ships: bool = False) -> None:
        self.spec, self._folder, self.ships = spec, folder, ships
        self.scoring: Rule = RULES[spec.rule or DEFAULT_RULES[spec.item]]
        self.name = spec.name
        self.title = spec.title or spec.name
        self.source = spec.reference or "no reference given"
        self.hub_id = spec.source.hub[0] if spec.source.hub else None
        self.hub_split = spec.source.split[0] if spec.source.split else None
        named = [f"{role}={' and '.join(each.text for each in spec.expressions(role))}" for role in spec.columns]
        self.columns = tuple(text for text in named if not text.endswith("=")) or (
            "as `judgebench data show` reads them",
        )
        average = AVERAGES[spec.average].split(";")[spec.average == "micro" and not self.scoring.is_mean].strip()
        self.rule = f"{self.scoring.name}: {self.scoring.formula} Score: {average}."
        self.official_orders = spec.orders or self.scoring.orders
        self.has_official_way = spec.rule is not None
        self.joint_orders = self.scoring.joint
        self.sections_apart = self.scoring.apart
        self.own_rows = not ships
        self.positive = spec.positive
        self.templates = self._templates()
        self.layout = layout_of(spec, self.scoring)
        self._reader = RowReader(spec)
        self._by_column = isinstance(spec.sections, str) and not is_subset(spec)
        self._by_prompt = "group" not in spec.columns or spec.columns["group"] is not None

    def _templates(self) -> Mapping[Mode, str]:
        said = self.spec.template
        templates = dict(self.scoring.templates)
        if self.spec.item in {"label", "rating"}:  # a rule of both asks in that of the file
            templates = {mode: name for mode, name in templates.items() if mode == self.spec.item}
        first = next(iter(templates))
        chosen: Mapping[Any, str] = {first: said} if isinstance(said, str) else said or {}
        return templates | {mode: self._template(name) for mode, name in chosen.items()}

    def _template(self, name: str) -> str:
        is_path = "/" in name or name.endswith(".jinja")
        return str(self._folder / name) if is_path and self._folder is not None else name

    def declaration(self) -> dict[str, Any]:
        """The file's hash and what it says; nothing of a file that ships."""
        return {} if self.ships else {"hash": self.spec.hash, "spec": self.spec.model_dump(mode="json")}

    @property
    def rows_are(self) -> str:
        """Where its rows are, in words."""
        source = self.spec.source
        if source.files is not None:
            return ", ".join(source.files)
        if source.hub is None:
            return f"files of {source.url}, with --data"
        more = [
            f"{word} {', '.join(said)}" for word, said in (("config", source.config), ("split", source.split)) if said
        ]
        return ", ".join([f"{' and '.join(source.hub)} (hub)", *more])

    def under(self, options: RowMap) -> Declared:
        """The benchmark with the columns and labels that options on the command line name in the place of its own."""
        if not options.names and not options.labels:
            return self
        columns = {**self.spec.columns, **options.names}
        spec = self.spec.model_copy(update={"columns": columns, "labels": {**self.spec.labels, **options.labels}})
        return Declared(spec, self._folder, ships=self.ships)

    def opened(self, data: Data | None, options: RowMap) -> Source:
        """Its rows, as they stand.

        Raises:
            ConfigError: There are none.
        """
        given = None if isinstance(data, str) and not data else data
        return rows_from(self.spec, self._folder, given, options.config_name)

    @property
    def row_map(self) -> RowMap:
        """Its columns and labels, as options of the command line name them; where it names no answers' columns."""
        plain = {role: each[0].text for role in self.spec.columns if (each := self.spec.expressions(role))}
        return RowMap(columns=plain, labels={value: meaning or "" for value, meaning in self.spec.labels.items()})

    @property
    def form(self) -> str | None:
        """What its rows are, in words; None where a known form says so."""
        forms_of = {"pair": "pairs", "best_of_k": "best of k", "rating": "graded answers", "label": "labelled answers"}
        forms_of["criteria"] = "answers with criteria"
        forms_of["steps"] = "answers in steps"
        return forms_of[self.spec.item] if self.spec.named else None

    def columns_used(self, columns: Iterable[str]) -> tuple[dict[str, str], list[str]] | None:
        """Role -> what it is made of, and the columns that are used for nothing; None where a known form says so."""
        if not self.spec.named:
            return None
        used = {role: " and ".join(each.text for each in self.spec.expressions(role)) for role in self.spec.columns}
        names = dict.fromkeys(columns)
        taken = {own for role in self.spec.columns for each in self.spec.expressions(role) for own in each.own(names)}
        return {role: text for role, text in used.items() if text}, [name for name in names if name not in taken]

    # --- rows into items

    def items(self, rows: Iterable[Row]) -> Iterator[Item]:
        """The rows as items; one without an id has the number of its row.

        Raises:
            ConfigError: A row is malformed, or the file takes none.
        """
        if "correct" in self.spec.columns and "response" in self.spec.columns:
            yield from self._of_completions(rows)
            return
        taken = 0
        for number, (row, read) in enumerate(by_item(self._both(rows)), 1):
            taken += 1
            base.gone_to(rows, row)
            if (item := base.made(rows, row, self._made, read, str(row.number or number))) is not None:
                yield item
        if not taken and self.spec.only:
            column, values = next(iter(self.spec.only.items()))
            name = getattr(rows, "name", "the data")
            named = ", ".join(value for value in values if "*" not in value) or ", ".join(values)
            raise ConfigError(f"{name}: no row's {column} is one of those that {self.name} takes ({named})")

    def item(self, row: Row) -> Item:
        """One row, whose id must be there."""
        return self._made(row, self._named(row), None)

    def _both(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
        """The rows that the file takes, as they stand and as they are read; bad ones are kept aside."""
        for row in rows:
            if self._reader.wanted(row) and (read := base.made(rows, row, self._named)) is not None:
                yield row, read

    def _made(self, row: Row, read: Row, number: str | None) -> Item:
        try:
            if self.spec.item == "steps":
                made = self._of_form(read, number, forms.in_steps(read, self.spec.first_step))
            else:
                made = self._item(read, number)
            return self._labelled(made, read, row)
        except DataError as error:
            raise DataError(self._in_own_words(str(error))) from error

    def _in_own_words(self, message: str) -> str:
        """What is wrong with a row, with the names that its columns have in the file."""
        said = [(role, each[0].text) for role in self.spec.columns if (each := self.spec.expressions(role))]
        named = [f"{role} is {own}" for role, own in said if role != own and re.search(rf"\b{role}\b", message)]
        return f"{message} (in {self.name}, {' and '.join(named)})" if named and self.spec.named else message

    def _named(self, row: Row) -> Row:
        return self._reader.read(row) if self.spec.named else row

    def _labelled(self, item: Item, read: Row, row: Row) -> Item:
        """The item with what its rule and sections need, once it fits them."""
        k, num_correct = len(item.completions), item.num_correct
        if problem := self._problem(item):
            raise base.row_error(row, problem)
        own = ""
        if self.scoring.by_slot and num_correct:
            own = forms.letter_of(read, k) or "A"
        elif read.data.get("pairs"):
            own = str(read.data["pairs"])
        section = self._section(row) if self._by_column else ""
        hidden = self._reader.hidden(row.data)
        metadata = {name: value for name, value in item.metadata.items() if name not in hidden}
        criteria = "\n".join(filter(None, (own, section))) or None
        said = {label_key(value): meaning for value, meaning in self.spec.labels.items()}
        checklist = tuple(
            replace(each, label=said[label_key(each.label)] or None)
            if each.label is not None and label_key(each.label) in said
            else each
            for each in item.checklist
        )
        return replace(item, metadata=metadata, criteria=criteria, checklist=checklist)

    def _problem(self, item: Item) -> str | None:
        """Why an item does not fit the file; None where it does."""
        k, kind = len(item.completions), self.spec.item
        fits = {"pair": k == 2, "best_of_k": k > 1, "steps": bool(item.steps)}.get(kind, k == 1)
        if not fits and self.spec.rule is not None:
            return f"has {k} completion{'s' * (k != 1)}, which does not fit item: {kind}"
        if kind == "criteria" and not item.checklist:
            return "has no criteria"
        grade, scale = item.human_score, self.spec.scale
        grades = [*([] if grade is None else [("human_score", grade)]), *item.attributes]
        for name, each in grades:
            if scale is not None and not scale[0] <= each <= scale[1]:
                return f"{name} is {each:g}, expected a number from {scale[0]:g} to {scale[1]:g}"
        for named in (self.spec.sections, self.spec.parts):
            if isinstance(named, dict) and part_with(item.subset, patterns_of(named)) is None:
                return str(unknown_subset(item.subset, {name: tuple(each.subsets) for name, each in named.items()}))
        if self.ships and not (item.key.labelled or item.annotations):
            return "has no label"
        return self.scoring.problem(item.num_correct, k) if item.num_correct else None

    def _section(self, row: Row) -> str:
        column = ColumnSpec(str(self.spec.sections))
        cell = column.cell(row.data)
        if cell is MISSING:
            raise column.missing(row.where, "sections", row.data)
        return "" if cell is None else id_text(cell)

    def _of_completions(self, rows: Iterable[Row]) -> Iterator[Item]:
        """An item for each id, of rows that hold one completion each."""
        groups: dict[str, list[tuple[Row, Row]]] = {}
        for row in rows:
            if self._reader.wanted(row):
                read = self._reader.read(row)
                groups.setdefault(base.text_of(read, "id"), []).append((row, read))
        for among in groups.values():
            yield self._one_of(among)

    def _one_of(self, among: Sequence[tuple[Row, Row]]) -> Item:
        right = [is_correct(read.data["correct"], row) for row, read in among]
        ordered = [each for each, flag in zip(among, right, strict=True) if flag]
        ordered += [each for each, flag in zip(among, right, strict=True) if not flag]
        first, read = ordered[0]
        prompts = {id_text(each.data.get("prompt")) for _, each in among}
        if len(prompts) > 1:
            raise base.row_error(first, f"id '{read.data['id']}' has another prompt in {ordered[-1][0].where}")
        texts = [_joined(each.data["response"]) for _, each in ordered]
        data = {name: value for name, value in read.data.items() if name not in {"response", "correct"}}
        whole = replace(read, data=data | {"chosen": texts[: sum(right)], "rejected": texts[sum(right) :]})
        return self._labelled(self._item(whole, None), whole, first)

    # --- labels, groups, defaults

    def label_class(self, row: Row, item: Item) -> str | None:
        """The letter that the row's label is, where it has one."""
        return super().label_class(self._named(row), item)

    def answer_order(self, row: Row, number: int) -> tuple[str, tuple[int, ...]] | None:
        """By the label, which names one of the answers."""
        if not self._reader.wanted(row) or "correct" in self.spec.columns:
            return None
        return super().answer_order(self._named(row), number)

    def check(self, keys: Collection[ItemKey]) -> None:
        """Refuses labels that the rule is not for."""
        super().check(keys)
        graded = next((key for key in keys if key.graded), None)
        if graded is not None and not {"rating", "label", "criteria"} & {*self.scoring.items}:
            raise DataError(
                f"item '{graded.id}' has a grade (human_score), and the rule {self.scoring.name} is for labels: write "
                "item: rating and rule: correlation"
            )

    def key(self, item: Item) -> ItemKey:
        """By its prompt, unless the file says `group: null`."""
        return super().key(item) if self._by_prompt else item.key

    def default_template(self, keys: Collection[ItemKey]) -> str:
        """The file's, else the rule's; one that allows ties where people said so."""
        mode, name = next(iter(self.templates.items()))
        if self.spec.template is not None:
            return name
        if mode == "pairwise" and any(key.label == TIE for key in keys):
            return "pairwise-ties"
        if mode == "rating" and not any(key.graded for key in keys):
            return "rating-10"
        return name

    # --- the rule

    def questions(self, item: ItemKey, mode: Mode) -> list[tuple[int, ...]]:
        """As the rule asks, else as the mode does."""
        return self.scoring.questions(item, mode) or super().questions(item, mode)

    def judged_label(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """By the rule, where it is one of classes."""
        if "label" in self.scoring.items and (item.label is not None or self.scoring.by_people):
            return self.scoring.judged(item, readings)
        return super().judged_label(item, readings)

    def judged(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """By the rule; no credit where the item has no label."""
        if item.labelled:
            return self.scoring.judged(item, readings)
        if base.is_rating(readings):
            return rules.unlabelled(item, scores=rules.ratings_by_sample(item, readings))
        return rules.unlabelled(item, source=rules.choice_source(readings))

    def judged_steps(self, item: ItemKey, readings: Sequence[Reading]) -> Outcome:
        """By the rule."""
        return self._steps.judged_steps(item, readings) if item.labelled else super().judged_steps(item, readings)

    def scored_steps(self, item: ItemKey, scores: tuple[float | None, ...], threshold: float) -> Outcome:
        """By the rule."""
        if item.labelled:
            return self._steps.scored_steps(item, scores, threshold)
        return super().scored_steps(item, scores, threshold)

    def takes_redundancy(self, item: ItemKey) -> bool:
        """As the rule says."""
        return isinstance(self.scoring, StepRule) and self.scoring.takes_redundancy(item)

    @property
    def _steps(self) -> StepRule:
        assert isinstance(self.scoring, StepRule)  # `item: steps` has no other
        return self.scoring

    def scored(self, item: ItemKey, scores: tuple[float | None, ...]) -> Outcome:
        """By the rule; no credit where the item has no label."""
        return self.scoring.scored(item, scores) if item.labelled else rules.unlabelled(item, scores=(scores,))

    def over_orders(self, item: ItemKey, readings: Sequence[Reading]) -> Mapping[str, float]:
        """As the rule says."""
        return self.scoring.over_orders(item, readings) if item.labelled else {}

    def bounds_of_parts(self, ways: Sequence[Outcome]) -> Mapping[str, float]:
        """As the rule says."""
        return self.scoring.bounds_of_parts(ways)

    def extra(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """The rule's own figures."""
        return self.scoring.extra(outcomes, self.layout)

    def notes(self, outcomes: Sequence[Outcome]) -> Iterator[str]:
        """What is unlabelled, missing or grouped, and what the rule's reader must know."""
        yield from base.Benchmark.notes(self, outcomes)
        yield from self.scoring.notes(outcomes)
        if self._by_prompt:
            yield from custom.group_notes([outcome.item for outcome in outcomes])
        parts: dict[str, Collection[str]] = {}
        named = self.spec.parts or self.spec.sections
        if isinstance(named, dict):
            parts = {name: section.subsets for name, section in named.items()}
        elif len(self.spec.only) == 1 and subset_column(self.spec) in self.spec.only:
            parts = {self.title: self.spec.only[subset_column(self.spec)]}
        whole = {name: [each for each in subsets if "*" not in each] for name, subsets in parts.items()}
        yield from base.partial_note({name: subsets for name, subsets in whole.items() if subsets}, outcomes)


def declared(path: Path, *, ships: bool = False) -> Declared:
    """The benchmark of a file.

    Raises:
        ConfigError: The file is wrong; the message names the line.
    """
    return Declared(read_spec(path), path.parent, ships=ships)


def declared_again(said: Mapping[str, object]) -> Declared:
    """The benchmark of what a run keeps of a file: see `Declared.declaration`.

    Raises:
        ConfigError: It is damaged.
    """
    spec = said.get("spec")
    return Declared(spec_of(spec if isinstance(spec, dict) else {}))


def _joined(value: object) -> object:
    """A completion in steps as one text, a line each."""
    from judgebench.sources.cells import decode_cell

    steps = decode_cell(value)
    return "\n".join(steps) if isinstance(steps, list) and all(isinstance(step, str) for step in steps) else value
