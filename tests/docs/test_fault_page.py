"""docs/faults.md says what judgebench does: each row is tried against the loopback server."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking import Asker
from loopback import Fault, LoopbackServer, fatal_faults, lasting_faults, mendable_faults

from judgebench.client import calls
from judgebench.errors import VerdictFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults import Request

PAGE = (Path(__file__).parent.parent.parent / "docs/faults.md").read_text(encoding="utf-8")
NAMES = re.compile(r"`([^`]+)`")
MENDABLE = {fault.name: fault for fault in mendable_faults()}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    part = PAGE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def by_name(heading: str) -> dict[str, list[str]]:
    """The other cells of each fault that a table's first column names."""
    return {name: cells[1:] for cells in rows(heading) for name in NAMES.findall(cells[0])}


MENDED, LASTING, FATAL = map(by_name, ("Retryable errors", "Non-retryable errors", "Fatal errors"))


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    with LoopbackServer("[[A]]") as server, Asker(server, tmp_path, {"timeout": 5.0}) as asking:
        yield asking


def test_every_fault_has_its_row() -> None:
    """In the table of its remedy, and no row is of a fault that no test knows."""
    lasting = {fault.name for faults in lasting_faults().values() for fault in faults}
    assert (set(MENDED), set(LASTING), set(FATAL)) == (
        set(MENDABLE),
        lasting,
        {fault.name for fault in fatal_faults()},
    )


def test_a_lasting_faults_kind_is_in_its_row() -> None:
    """As the run records it."""
    kinds = {fault.name: kind for kind, faults in lasting_faults().items() for fault in faults}
    assert {name: cells[1].strip("`") for name, cells in LASTING.items()} == kinds


@pytest.mark.parametrize("hangs", [False, True])
def test_a_row_says_how_it_is_counted(asker: Asker, hangs: bool) -> None:
    """The word in each row is the one that a further try is counted under."""
    names = [name for name, fault in MENDABLE.items() if (fault.way == "hang") == hangs]
    tries: Counter[str] = Counter()

    def at_first(request: Request) -> Fault | None:
        tries[request.text] += 1
        return MENDABLE[request.text] if tries[request.text] == 1 else None

    asker.server.faults = at_first
    counted = asker.ask(*names, timeout=0.5 if hangs else 5.0).asked_again
    assert dict(zip(names, counted, strict=True)) == {name: {MENDED[name][1]: 1} for name in names}


def test_a_row_says_how_often_it_is_tried(asker: Asker) -> None:
    """A fault that never ends, once the judge has answered: so many requests."""
    counted = {name: int(cells[2]) for name, cells in MENDED.items() if cells[2].isdecimal()}
    tries: Counter[str] = Counter()
    hanging = [name for name in counted if MENDABLE[name].way == "hang"]
    others = [name for name in counted if name not in hanging]

    def unless_good(request: Request) -> Fault | None:
        tries[request.text] += 1
        return MENDABLE.get(request.text)

    asker.server.faults = unless_good
    asker.ask("good", *hanging, timeout=0.5)
    asker.ask(*(text for name in others for text in (f"good {name}", name)))
    assert {name: tries[name] for name in counted} == counted


@pytest.mark.parametrize("name", [name for name in MENDED if not MENDED[name][2].isdecimal()])
def test_a_row_says_how_long_it_is_waited_for(asker: Asker, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond any number of tries, up to the cap on waiting, which is small here."""
    assert MENDED[name][2] == f"until {calls.MAX_WAIT_S:g} s of waiting"
    monkeypatch.setattr(calls, "MAX_TRIES", 2)
    monkeypatch.setattr(calls, "MAX_WAIT_S", 12.0)
    asker.server.faults = lambda request: MENDABLE[name] if request.text == "bad" else None
    waits = asker.ask("good", "bad").waits
    assert (len(waits) > 2, sum(waits) < 12 < sum(waits) + 60) == (True, True)


@pytest.mark.parametrize("status", [408, 409, 425, 507, 520, 599])
def test_the_other_statuses_are_counted_as_the_row_says(asker: Asker, status: int) -> None:
    """Those of the row of the server's errors."""
    asker.server.faults = lambda request: Fault.status(status) if request.number == 1 else None
    assert asker.ask().client.asked_again == {"server error": 1}


def test_a_gateways_timeout_is_counted_as_the_row_says(asker: Asker) -> None:
    """Like a timeout of our own, and told in the gateway's words."""
    asker.server.faults = lambda _: Fault.status(504, message="The upstream is slow.")
    asked = asker.ask()
    assert asked.client.asked_again == {"timeout": calls.PAID_TRIES - 1}
    assert "The upstream is slow" in str(asked.error)


@pytest.mark.parametrize("status", [400, 413, 422, 501, 505])
def test_what_is_no_passing_status_is_asked_once(asker: Asker, status: int) -> None:
    """A failure of kind `provider`."""
    asker.server.faults = lambda _: Fault.status(status)
    error = asker.ask().error
    assert isinstance(error, VerdictFailure)
    assert (error.kind, asker.server.count) == ("provider", 1)


@pytest.mark.parametrize(
    "words",
    [
        "At most {MAX_TRIES}; {FIRST_TRIES} until the judge's first reply",
        "{PAID_TRIES} if each may be charged",
        "time below {FIRST_WAIT_S:g} s; the bound doubles",
        "From the second refusal on a call waits at least {FIRST_WAIT_S:g} s",
        "The waits of one call add up to less than {MAX_WAIT_S:g} s",
        "after {GIVEN_UP_IN_A_ROW} failed calls in a row, or after {GIVEN_UP_AT_FIRST} before any good reply",
        "After {BAD_REQUESTS_IN_A_ROW} rejected calls of the last two kinds before any good reply, the judge stops",
    ],
)
def test_the_pages_numbers_are_those_of_the_code(words: str) -> None:
    """Each is a constant of `judgebench.client.calls`."""
    assert words.format(**vars(calls)) in " ".join(PAGE.split())
