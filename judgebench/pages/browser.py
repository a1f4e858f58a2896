"""The items of a page: an index that is read at once, and texts and replies in blocks that are read when needed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from judgebench._util.steps import counted
from judgebench.analysis.agreement import choices
from judgebench.analysis.show import NO_TEXT, Showing
from judgebench.metrics.steps import FIRST_WRONG
from judgebench.metrics.summary import consistency_over_orders
from judgebench.pages.figures import plain
from judgebench.pages.shell import encoded
from judgebench.pages.wordings import Wordings
from judgebench.runs import people_said

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgebench.analysis.show import ShownCall, ShownItem
    from judgebench.items import Item, Outcome, Turn
    from judgebench.runs import Finished
    from judgebench.verdicts import Span

BLOCK = 600_000
"""Characters of JSON in a block, about: few enough to be read between two frames."""

_SNIPPET = 90


@dataclass
class _Index:
    """Columns over the items, and of each run columns over the same items; None where the run has not the item."""

    items: dict[str, list[Any]] = field(
        default_factory=lambda: {n: [] for n in ("id", "bench", "subset", "text", "block", "at", "labelled")}
    )
    runs: list[dict[str, list[Any]]] = field(default_factory=list)
    subsets: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)


_COLUMNS = ("credit", "choice", "verdicts", "failures", "split", "calls", "cost", "latency")


class Browser:
    """The runs' items, each once however many runs have it.

    Args:
        runs: The runs; those of equal items share their contents (`share_contents`).
        titles: What the page calls each.
        benchmarks: The number of each run's benchmark.
        good: The numbers of the runs whose verdicts put a label in doubt.
    """

    def __init__(
        self, runs: Sequence[Finished], titles: Sequence[str], benchmarks: Sequence[int], good: Sequence[int] = ()
    ) -> None:
        self._runs, self._titles, self._benchmarks, self._good = runs, titles, benchmarks, good
        self._showings = [_Shown(each) for each in runs]
        self._wordings = Wordings()
        self._models: dict[str, int] = {}
        self._index = _Index(runs=[{name: [] for name in _COLUMNS} for _ in runs])

    def blocks(self) -> Iterator[tuple[str, bytes]]:
        """`items-0` and so on; then `wordings`, and `items` with the index."""
        block: list[str] = []
        number = size = 0
        total = sum(len(contents.keys) for contents in {id(r.contents): r.contents for r in self._runs}.values())
        for item, bench, among in counted(self._each(), "writing the items", unit="items", total=total):
            having = [at for at in among if item.id in self._runs[at].keys]
            if not having:  # no run asked: they stopped when a difference was shown
                continue
            text = json.dumps(plain(self._entry(item, having)), ensure_ascii=False, separators=(",", ":"))
            self._note(item, bench, having, number, len(block))
            block.append(text)
            size += len(text)
            if size >= BLOCK:
                yield f"items-{number}", f"[{','.join(block)}]".encode("utf-8", "backslashreplace")
                block, number, size = [], number + 1, 0
        if block:
            yield f"items-{number}", f"[{','.join(block)}]".encode("utf-8", "backslashreplace")
        yield "wordings", encoded(self._wordings.table)
        yield "items", encoded(plain(self._described()))

    def _each(self) -> Iterator[tuple[Item, int, list[int]]]:
        """Every item with the number of its benchmark and the runs that have it."""
        groups: dict[int, list[int]] = {}
        for at, each in enumerate(self._runs):
            groups.setdefault(id(each.contents), []).append(at)
        several = {
            bench
            for bench in self._benchmarks
            if len({id(r.contents) for r, b in zip(self._runs, self._benchmarks, strict=True) if b == bench}) > 1
        }
        done: set[tuple[int, str, bytes]] = set()
        for among in groups.values():
            first, bench = self._runs[among[0]], self._benchmarks[among[0]]
            if bench not in several:
                yield from ((item, bench, among) for item in first.run.items)
                continue
            others = [at for at, other in enumerate(self._benchmarks) if other == bench and at not in among]
            prints = first.contents.prints
            for item in first.run.items:
                said = (bench, item.id, prints[item.id])
                if said not in done:
                    done.add(said)
                    same = [at for at in others if self._runs[at].contents.prints.get(item.id) == said[2]]
                    yield item, bench, sorted([*among, *same])

    def _entry(self, item: Item, having: Sequence[int]) -> dict[str, Any]:
        """The texts of an item, and what each run has of it."""
        said: dict[str, Any] = {
            "prompt": _turns(item.conversation),
            "completions": [_texts(each.turns, item.steps) for each in item.completions],
            "correct": item.num_correct,
            **({"steps": len(item.steps)} if item.steps else {}),
            **({"reference": item.reference} if item.reference is not None else {}),
            **({"rubric": rubric} if (rubric := "\n\n".join(filter(None, (item.rubric, item.criteria_text)))) else {}),
            **({"label": item.label} if item.label is not None else {}),
            **({"human": item.human_score} if item.human_score is not None else {}),
            **({"said": [*people_said(item)]} if item.annotations or item.attributes else {}),
        }
        runs = {}
        for at in having:
            shown = self._showings[at].item(item)
            calls = [self._call(at, item, call) for call in shown.calls]
            scores = shown.outcome.scores if shown.outcome is not None else ()
            runs[at] = {"calls": calls, **({"scores": scores} if scores else {}), **_bounds(shown.outcome)}
            if shown.outcome is not None and FIRST_WRONG in shown.outcome.parts:
                runs[at]["first"] = int(shown.outcome.parts[FIRST_WRONG])
        return said | {"runs": runs}

    def _call(self, at: int, item: Item, call: ShownCall) -> dict[str, Any]:
        judgement, usage = call.judgement, call.judgement.usage
        said = {
            "order": (0,) if self._runs[at].run.manifest.protocol.protocol.each else judgement.order,
            "sample": judgement.sample or None,
            "verdict": judgement.verdict,
            "chosen": judgement.reading.choice,
            "failure": None if judgement.failure is None else [judgement.failure.kind, judgement.failure.detail],
            "reply": judgement.reply,
            "mark": _in_browser(judgement.reply, call.verdict),
            "wording": self._showings[at].wording(self._wordings, item, call),
            "problem": call.problem or None,
            "earlier": call.earlier or None,
            "tokens": [usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens],
            "cost": judgement.cost_usd,
            "latency": None if judgement.latency_s is None else round(judgement.latency_s, 4),
            "model": self._model(judgement.served_model),
            "cached": judgement.cached or None,
            "finish": judgement.finish_reason if judgement.finish_reason != "stop" else None,
            "thinking": judgement.reasoning,
            "ranking": judgement.ranking,
            "also": judgement.also or None,
            "parts": None if judgement.parts is None else [*judgement.parts.items()],
            "probabilities": None if judgement.probabilities is None else [*judgement.probabilities.items()],
        }
        return {name: value for name, value in said.items() if value is not None}

    def _model(self, name: str | None) -> int | None:
        return None if name is None else self._models.setdefault(name, len(self._models))

    def _note(self, item: Item, bench: int, having: Sequence[int], block: int, at: int) -> None:
        """Adds an item to the index."""
        index = self._index
        last = next((turn.text for turn in reversed(item.conversation) if turn.role == "user"), "")
        subset = index.subsets.setdefault(item.subset, len(index.subsets))
        row = (
            item.id,
            bench,
            subset,
            " ".join(last[: 4 * _SNIPPET].split())[:_SNIPPET],
            block,
            at,
            int(item.key.labelled),
        )
        for name, value in zip(index.items, row, strict=True):
            index.items[name].append(value)
        for number, columns in enumerate(index.runs):
            found = self._showings[number].facts(item.id, index.kinds) if number in having else (None,) * len(_COLUMNS)
            for name, value in zip(_COLUMNS, found, strict=True):
                columns[name].append(value)

    def _described(self) -> dict[str, Any]:
        index = self._index
        named = zip(self._runs, self._titles, self._benchmarks, strict=True)
        return {
            "items": index.items,
            "results": index.runs,
            "subsets": list(index.subsets),
            "kinds": list(index.kinds),
            "models": list(self._models),
            "good": list(self._good),
            "runs": [
                {"title": t, "bench": b, "scores": r.is_scores, "own": r.benchmark.own_rows, **_classes(r)}
                for r, t, b in named
            ],
            "benchmarks": list(dict.fromkeys(each.benchmark.title for each in self._runs)),
        }


class _Shown:
    """One run's items in full, and in a few figures each."""

    def __init__(self, finished: Finished) -> None:
        self._finished = finished
        self._choices = choices(finished)
        self._showing = Showing(finished)
        self._last: ShownItem | None = None

    def item(self, item: Item) -> ShownItem:
        """The item in full."""
        self._last = self._showing.item(item)
        return self._last

    def wording(self, wordings: Wordings, item: Item, call: ShownCall) -> int | None:
        """The number of the call's wording."""
        return wordings.number(self._showing, item, call)

    def facts(self, item: str, kinds: dict[str, int]) -> tuple[Any, ...]:
        """The columns of the index, of an item that this run has.

        Args:
            item: Its id, of the item that was shown last.
            kinds: The kinds of failure of the page, and their numbers.
        """
        assert self._last is not None
        calls = [call.judgement for call in self._last.calls]
        outcome = self._last.outcome
        failed = {each.failure.kind for each in calls if each.failure is not None}
        if not self._finished.is_scores and not calls:
            failed = {"not_asked"}
        elif self._finished.is_scores and outcome is not None and any(None in sample for sample in outcome.scores):
            failed = {"missing"}
        verdicts = int(not failed) if self._finished.is_scores else sum(each.failure is None for each in calls)
        same, _ = consistency_over_orders({item: [each.reading for each in calls]})
        costs, times = ([getattr(each, name) for each in calls] for name in ("cost_usd", "latency_s"))
        choice = self._choices.get(item)
        return (
            None if outcome is None else outcome.credit,
            None if choice is None else int(choice),
            verdicts,
            [kinds.setdefault(kind, len(kinds)) for kind in sorted(failed)] or 0,
            int(same is not None and same < 1),
            len(calls),
            None if not costs or None in costs else round(sum(costs), 8),
            max((each for each in times if each is not None), default=None),
        )


def _classes(finished: Finished) -> Mapping[str, Any]:
    """The classes of label verdicts, for the labels that a reader may give."""
    classes = finished.run.manifest.template.label_classes
    return {} if classes is None else {"classes": list(classes.names)}


def _texts(turns: Sequence[Turn], steps: Sequence[str]) -> list[list[str]]:
    """The steps of a completion under their numbers; of another its turns."""
    return [[f"step {at}", text] for at, text in enumerate(steps)] or _turns(turns)


def _turns(turns: Sequence[Turn]) -> list[list[str]]:
    """Role and text of each turn; what stands for a text that is not known."""
    return [[turn.role, turn.text] for turn in turns] or [["assistant", NO_TEXT]]


def _bounds(outcome: Outcome | None) -> Mapping[str, Any]:
    if outcome is None or outcome.low is None or outcome.low == outcome.high:
        return {}
    return {"bounds": [outcome.low, outcome.high]}


def _in_browser(reply: str | None, span: Span | None) -> list[int] | None:
    """A part of a text in the units that JavaScript counts, in which some characters are two."""
    if reply is None or span is None:
        return None
    ends = (reply[: span.start], reply[: span.end])
    return [len(each.encode("utf-16-le", "surrogatepass")) // 2 for each in ends]
