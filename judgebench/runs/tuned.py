"""What `tune` found, as its folder keeps it beside the runs: `tuned.json`, and every look at held-out items."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from judgebench._util.files import write_json, write_text
from judgebench._util.jsonl import first_error
from judgebench._util.table import Column, Table, Tabular
from judgebench._util.text import difference_text, dollars, thousands
from judgebench.errors import ConfigError, DataError
from judgebench.items import Measure
from judgebench.runs.manifest import TUNED

TUNED_RECORD, LOOKS = "tuned.json", "looks.jsonl"

_GAIN_NOTE = (
    "gain: against the template in use, on the train items that both judged; the winner was chosen by it, so it is too "
    "high"
)
_DROPPED_NOTE = "dropped: significantly worse than the best (sequential test, all pairs together at 5%)"

CandidateEnd = Literal["baseline", "won", "lost", "dropped", "left out"]
State = Literal["done", "stopped", "interrupted"]


@dataclass(frozen=True, slots=True)
class TunedCandidate:
    """One wording of a race.

    Attributes:
        name: Its template's.
        origin: `given` by hand, or `written`.
        edit: What it was written for.
        run: The folder of its run over the train items; None where it did not race.
        items: Train items that it judged.
        score: Its score over them.
        gain: That less the score of the wording in use over the items that both judged.
        cost_per_1000: US dollars for 1,000 items, cached replies at their price; None where the price is not known.
        end: What became of it.
        why: Why it was left out; empty for the others.
    """

    name: str
    origin: Literal["given", "written"]
    edit: str | None = None
    run: str | None = None
    items: int = 0
    score: float | None = None
    gain: float | None = None
    cost_per_1000: float | None = None
    end: CandidateEnd = "left out"
    why: str = ""

    @property
    def result(self) -> str:
        """What became of it, in words."""
        if self.end == "baseline":
            return "in use"
        if self.end == "dropped":
            return f"dropped after {thousands(self.items)}"
        return f"left out: {self.why}" if self.why else self.end


@dataclass(frozen=True, slots=True)
class HeldOutLook:
    """The one comparison on the held-out items: the winner of the race against the wording in use.

    Attributes:
        winner: The winner's name.
        items: How many items.
        score: The winner's score over them.
        baseline_score: That of the wording in use.
        difference: The winner's less the other's.
        low: The lower end of its 95% interval.
        high: The upper end.
        smallest: The smallest true gain that so many items show with a chance of 80%.
        missing: On how many items one of the two has no credit; the interval allows for any value there.
        looks_before: How many earlier races and looks have seen some of these items.
        run: The folder of the winner's run over them.
        baseline_run: The folder of the other's.
        cost_per_1000: What 1,000 items cost with the winner, in USD; None where the price is not known.
        baseline_cost_per_1000: With the wording in use.
    """

    winner: str
    items: int
    score: float
    baseline_score: float
    difference: float
    low: float
    high: float
    smallest: float
    missing: int
    looks_before: int
    run: str
    baseline_run: str
    cost_per_1000: float | None = None
    baseline_cost_per_1000: float | None = None


@dataclass(frozen=True, repr=False)
class Tuned(Tabular):
    """What `tune` found.

    Attributes:
        state: `done`, or `stopped` (the budget, the provider) or `interrupted` before the look.
        reason: Why nothing was found, or what stopped it; empty where a better wording was found.
        measure: What the scores are.
        seed: What the parts were drawn from.
        held_out: The share that was to be held out.
        train_items: Labelled items of the race.
        held_out_items: Labelled items that are held out.
        unlabelled: Items without a label, which have no part in it.
        candidates: The wording in use first.
        look: The one look at the held-out items; None where there was none.
        template: The file of the better wording; None where none was found.
        diff: The file with what it changes.
        changes: That difference, as text.
        spent_usd: What the runs and the writer cost, cached replies at their price; None where a price is not known.
        notes: What a reader must know.
    """

    benchmark: str
    judge: str
    state: State
    reason: str
    measure: Measure
    seed: int
    held_out: float
    train_items: int
    held_out_items: int
    unlabelled: int
    candidates: tuple[TunedCandidate, ...]
    look: HeldOutLook | None = None
    template: str | None = None
    diff: str | None = None
    changes: str = ""
    spent_usd: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether a better wording was found: the interval on the held-out items leaves out 0."""
        return self.template is not None

    @property
    def runs(self) -> list[Path]:
        """The folders of its runs."""
        named = [each.run for each in self.candidates]
        named += [] if self.look is None else [self.look.run, self.look.baseline_run]
        return [Path(run) for run in dict.fromkeys(named) if run is not None]

    @property
    def sentence(self) -> str:
        """The answer: `careful: +3.1 points (0.8 to 5.4) on 200 items it never saw, $0.84 a thousand`."""
        if self.look is None:
            return f"{'nothing found' if self.state == 'done' else self.state}: {self.reason}"
        if not self.found:
            return (
                f"nothing found: {self.look.winner} {gain_text(self.look, self.measure, priced=False)}, {self.reason}"
            )
        seen = "; seen before, so no longer a 95% interval" if self.look.looks_before else ""
        return f"{self.look.winner}: {gain_text(self.look, self.measure)}{seen}"

    def to_json(self) -> dict[str, object]:
        """The object that `tuned.json` has and `--json` prints."""
        return {**asdict(self), "found": self.found, "sentence": self.sentence}

    def tables(self) -> Sequence[Table]:
        """The race, and the look."""
        return [self._race(), *([] if self.look is None else [self._look(self.look)])]

    def remarks(self) -> Sequence[str]:
        """What a reader must know."""
        return self.notes

    def _race(self) -> Table:
        unit = {"unit": self.measure}
        decided = self.state == "done" or any(each.end == "won" for each in self.candidates)
        notes = [_GAIN_NOTE] if any(each.gain is not None for each in self.candidates) else []
        notes += [_DROPPED_NOTE] if any(each.end == "dropped" for each in self.candidates) else []
        return Table.of(
            self.candidates,
            {
                Column("template", names=True): lambda each: each.name,
                Column("items", "tokens"): lambda each: each.items or None,
                Column("score", "score"): lambda each: each.score,
                Column("gain", "difference"): lambda each: None if each.end == "baseline" else each.gain,
                Column("cost per 1,000", "money"): lambda each: each.cost_per_1000,
                Column("result"): lambda each: each.result if decided or each.end != "lost" else "not decided",
            },
            lambda each: {**unit, "style": "strong" if each.end == "won" else ""},
            title=f"{self.benchmark} · {self.judge}: race on {thousands(self.train_items)} train items",
            notes=notes,
        )

    def _look(self, look: HeldOutLook) -> Table:
        rows = [
            (look.winner, look.score, look.difference, (look.low, look.high), look.cost_per_1000),
            (self.candidates[0].name, look.baseline_score, None, None, look.baseline_cost_per_1000),
        ]
        notes = [f"paired 95% CI, one look; a true gain of {self._points(look.smallest)} is found with 80% power"]
        if look.missing:
            notes.append(f"{look.missing} items have no credit from one of the two; the interval allows for any value")
        return Table.of(
            rows,
            {
                Column("template", names=True): lambda row: row[0],
                Column("score", "score"): lambda row: row[1],
                Column("gain", "difference"): lambda row: row[2],
                Column("95% CI", "difference"): lambda row: row[3],
                Column("cost per 1,000", "money"): lambda row: row[4],
            },
            lambda row: {"unit": self.measure, "style": "strong" if row is rows[0] else ""},
            title=f"{thousands(look.items)} held-out items",
            notes=notes,
        )

    def _points(self, size: float) -> str:
        return points_text(size, self.measure).removeprefix("+")


def points_text(difference: float, measure: Measure) -> str:
    """A difference of scores: `+3.1 points`; of correlations `+0.031`."""
    return difference_text(difference, measure) + (" points" if measure == "share" else "")


def gain_text(look: HeldOutLook, measure: Measure, *, priced: bool = True) -> str:
    """A look in words: `+3.1 points (0.8 to 5.4) on 200 items it never saw, $0.84 a thousand`."""
    low, high = (difference_text(end, measure).removeprefix("+") for end in (look.low, look.high))
    cost = "" if look.cost_per_1000 is None or not priced else f", {dollars(look.cost_per_1000)} a thousand"
    shown = points_text(look.difference, measure)
    return f"{shown} ({low} to {high}) on {thousands(look.items)} items it never saw{cost}"


def write_tuned(folder: Path, tuned: Tuned) -> None:
    """Writes `tuned.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / TUNED_RECORD, tuned.to_json())


def read_tuned(path: Path) -> Tuned:
    """What `tuned.json` holds.

    Raises:
        DataError: It is damaged.
    """
    try:
        return TypeAdapter(Tuned).validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(f"{path}: not a record of tune: {first_error(error)}; run tune again") from None


def tuned_beside(run: Path) -> list[Tuned]:
    """What `tune` found of which a run is a part; nothing for other runs."""
    folder = run.parent.parent / TUNED
    found = [read_tuned(path) for path in sorted(folder.glob(f"*/{TUNED_RECORD}"))]
    # By the names of the last two folders: all may have been moved since.
    return [each for each in found if run.parts[-2:] in {path.parts[-2:] for path in each.runs}]


@dataclass(frozen=True, slots=True)
class PastLook:
    """A look at held-out items.

    Attributes:
        key: What tells whether it is the same look again: of the items, the two wordings and how they were asked.
        at: When it began.
        winner: The winner of the race.
        baseline: The wording in use.
        items: A print of each item's texts.
        part: `held-out` of a look; `train` of a race, whose items are seen as well.
    """

    key: str
    at: str
    winner: str
    baseline: str
    items: tuple[str, ...]
    part: Literal["held-out", "train"] = "held-out"


def keep_look(folder: Path, look: PastLook) -> int:
    """Keeps that held-out items are looked at, before they are; how many other looks had some of them.

    Args:
        folder: Where the looks are kept.
        look: This one; where it was begun before, nothing is added.

    Raises:
        ConfigError: The record of looks is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOOKS
    past = _past_looks(path)
    if look.key not in {each.key for each in past}:
        write_text(path, "".join(f"{json.dumps(asdict(each))}\n" for each in (*past, look)))
    mine = set(look.items)
    before = [each for each in past if each.key != look.key and not mine.isdisjoint(each.items)]
    own = next((at for at, each in enumerate(past) if each.key == look.key), len(past))
    return sum(past.index(each) < own for each in before)


def _past_looks(path: Path) -> list[PastLook]:
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.append(TypeAdapter(PastLook).validate_json(line))
        except ValidationError:
            raise ConfigError(
                f"{path}, line {number}: cannot be read; put the file back, or choose another --out for new items"
            ) from None
    return found
