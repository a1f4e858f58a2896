"""Commands in a real pseudo-terminal: what moves, what stays, and what a log gets instead."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from commands import apart, by_quality, judgebench, pairs, process, without_progress, write_jsonl, write_judges
from loopback import Fault, LoopbackServer
from processes import Running
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from scripted import ScriptedModels
from terminals import judgebench_in

from judgebench.cli import progress
from judgebench.reports import styles

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
SIZES = pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)])
LONG = "a-judge-whose-name-is-longer-than-any-table-has-room-for-in-eighty-columns"


@pytest.fixture
def server():
    with LoopbackServer(by_quality) as running:
        price = {"input": 1.0, "output": 2.0}
        write_judges(running.url, mine={"price": price}, other={"price": price}, **{LONG: {"price": price}})
        write_jsonl(Path("pairs.jsonl"), pairs(12))
        yield running


RUN = ("run", "rewardbench", "--data", "pairs.jsonl", "--concurrency", 2)
TWO_BY_TWO = ("-j", "mine", "-j", LONG, "-t", "pairwise", "-t", "pairwise-ties")


@SIZES
def test_a_run_shows_its_progress_and_leaves_its_table(server: LoopbackServer, columns: int, rows: int) -> None:
    """Rate, failures, cost and time left while it goes on; nothing of it at the end."""
    server.latency = 0.4
    with judgebench_in(*RUN, "-j", "mine", columns=columns, rows=rows) as terminal:
        terminal.shows(" judged · ")
        terminal.wait(lambda: "/s · 0 failed · $" in terminal.text, "a rate, failures and a cost")
        terminal.shows(" left")
        server.latency = 0.0
        status = terminal.end()
        assert (status, " judged · " in terminal.text, "done: runs/" in terminal.text) == (0, False, True)


@SIZES
def test_a_grid_has_one_view(server: LoopbackServer, columns: int, rows: int) -> None:
    """Runs done of all, and a line a judge."""
    server.latency = 0.4
    with judgebench_in(*RUN, *TWO_BY_TWO, columns=columns, rows=rows) as terminal:
        terminal.shows("0 of 4 runs done · ")
        server.latency = 0.05
        view = [line for line in terminal.screen.display if "runs done" in line or line.startswith(("mine", LONG[:10]))]
        assert (terminal.end(), len(view)) == (0, 3)
        assert max(map(cell_len, terminal.lines)) <= columns


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grid of four judges with long names and two templates, in both orders, and what it was made of."""
    price = {"input": 1.0, "output": 2.0}
    with apart(tmp_path_factory.mktemp("grid")) as folder, ScriptedModels(by_quality) as running:
        write_judges(running.url, **{name: {"price": price} for name in ("mine", *(f"{LONG}-{at}" for at in range(3)))})
        judges = [word for at in range(3) for word in ("-j", f"{LONG}-{at}")]
        rows = [row | {"models": ["gpt-4" * 9, "評価者" * 20]} for row in pairs(12)]
        write_jsonl(Path("pairs.jsonl"), rows)
        more = ("-t", "pairwise", "-t", "pairwise-ties", "--orders", "both", "--quiet")
        assert judgebench(*RUN, "-j", "mine", *judges, *more).status == 0
        shutil.rmtree("home")
    return folder


@pytest.fixture
def finished(grid: Path, scripted: None) -> list[str]:
    """A copy of it in the test's own folder: its runs."""
    shutil.copytree(grid, ".", dirs_exist_ok=True)
    return sorted(str(path.parent) for path in Path("runs").glob("*/*/pairwise/*/manifest.json"))


@pytest.mark.parametrize("columns", [80, 200])
def test_no_table_is_wider_than_the_terminal_or_cut(
    finished: list[str], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long names, several runs of each judge, every report: nothing is cut off, nothing is squeezed to a column."""
    monkeypatch.setenv("COLUMNS", str(columns))
    cheap, dear, *_ = finished
    for command in (
        ("leaderboard", "runs"),
        ("leaderboard", "runs", "--published"),
        ("report", *finished),
        ("compare", *finished),
        ("compare", *finished, "--subsets"),
        ("jury", *finished, "--weights", "accuracy", "--held-out", 0.5),
        ("cascade", cheap, dear),
        ("strengths", cheap),
        ("rescore", cheap, "--aggregate", "unanimous", "--dry-run"),
        ("show", cheap),
        ("judges", "list"),
        (*RUN, "-j", "mine", "-j", f"{LONG}-0", "--dry-run"),
    ):
        ended = judgebench(*command)
        lines = [line for line in ended.out.splitlines() if "runs/" not in line and not line.startswith("RewardBench")]
        assert ended.status == 0, (command, ended.err)
        assert [line for line in lines if cell_len(line) > columns or "…" in line] == [], command
        assert len(lines) < 300, command


def test_a_terminal_that_changes_its_size_gets_a_view_that_fits(server: LoopbackServer) -> None:
    """Narrower, then wider: the view stands there once, and fits."""
    server.latency = 0.4
    with judgebench_in(*RUN, *TWO_BY_TWO, "--subset", "donotanswer") as terminal:
        terminal.shows("runs done")
        for columns in (50, 120):
            terminal.resize(columns, 24)
            terminal.raw = b""
            terminal.wait(lambda: terminal.raw.count(b"judged") > 2, "drawn again")
            bars = [line for line in terminal.screen.display if line.startswith(("━", "─"))]
            assert [len(bar.rstrip()) for bar in bars] == [columns - 4], terminal.text
        server.latency = 0.0
        assert terminal.end() == 0


def test_ctrl_c_says_what_it_does_and_the_same_command_goes_on(server: LoopbackServer) -> None:
    """Exit 130, what was paid for kept, how many were not asked, and what to do."""
    server.latency = 0.4
    with judgebench_in(*RUN, "-j", "mine") as terminal:
        terminal.shows("2 of 12 judged")
        terminal.press("\x03")
        status = terminal.end()
        assert (status, terminal.text.count("finishing calls in flight")) == (130, 1)
        assert "calls were not made" in terminal.text
        assert terminal.text.endswith("rerun the same command to resume")
    server.latency = 0.0
    assert process(*RUN, "-j", "mine", "--quiet").status == 0
    assert server.count == 12


def test_a_second_ctrl_c_stops_at_once(server: LoopbackServer) -> None:
    """Though a reply never comes."""
    server.hold()
    with judgebench_in(*RUN, "-j", "mine") as terminal:
        terminal.shows("no reply yet")
        server.wait_in_flight(2)
        terminal.press("\x03")
        terminal.shows("press Ctrl-C again to abort")
        terminal.press("\x03")
        assert terminal.end() == 130
    server.release()


def test_a_dumb_terminal_gets_no_escapes(server: LoopbackServer) -> None:
    """TERM=dumb: neither a view nor colour."""
    server.latency = 0.2
    with judgebench_in(*RUN, "-j", "mine", TERM="dumb") as terminal:
        assert (terminal.end(), b"\x1b" in terminal.raw) == (0, False)


def test_colour_can_be_switched_off_in_a_terminal(server: LoopbackServer) -> None:
    """NO_COLOR and CLICOLOR=0: no escape sets a colour."""
    for variable, value in (("NO_COLOR", "1"), ("CLICOLOR", "0")):
        with judgebench_in("run", **{variable: value}) as terminal:
            assert (terminal.end(), b"38;5" in terminal.raw) == (0, False), variable


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_colour_can_be_had_in_a_file(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But nothing that moves."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, "1")
    ended = process("run")
    assert ("\x1b[38;5;32m" in ended.out, "\x1b[?25l" in ended.err, "\x1b[1A" in ended.err) == (True, False, False)


def test_quiet_says_nothing_but_the_result(server: LoopbackServer) -> None:
    """Also in a terminal, and also where judgements fail."""
    server.faults = lambda request: Fault.status(400) if request.number == 3 else None
    ended = process(*RUN, "-j", "mine", "--quiet")
    assert (ended.status, ended.err, "RewardBench · mine" in ended.out) == (0, "", True)


def test_a_log_gets_a_line_now_and_then(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain one, with all that the view says."""
    server.latency = 0.4
    quick = "import judgebench.cli.progress as p; p.PLAIN_EVERY_S = 0.3; from judgebench.__main__ import main; main()"
    with Running(*RUN, "-j", "mine", "--json", code=quick) as running:
        out, err = running.communicate()
    lines = [line for line in err.splitlines() if line.startswith("progress: rewardbench · mine")]
    assert (running.returncode, out[0], "\x1b" in err) == (0, "[", False)
    assert any(", 0 failed, $" in line and line.endswith(" left") for line in lines), err
    assert without_progress(err) == ["done: runs/rewardbench/mine/pairwise/one"]


def test_a_log_s_line_comes_every_ten_seconds() -> None:
    """As the documentation says."""
    assert progress.PLAIN_EVERY_S == 10.0


def test_a_closed_terminal_loses_nothing(server: LoopbackServer) -> None:
    """The window is closed in the middle: what is in flight is kept, and the same command asks for the rest alone."""
    server.latency = 0.4
    with judgebench_in(*RUN, "-j", "mine") as terminal:
        terminal.shows("2 of 12 judged")
        terminal.close_window()
    server.latency = 0.0
    assert process(*RUN, "-j", "mine", "--quiet").status == 0
    assert server.count == 12


@pytest.mark.parametrize("arguments", [("run",), ("run", "--help"), ("templates", "show", "pairwise")])
def test_a_reader_that_leaves_early_is_no_mistake(arguments: tuple[str, ...]) -> None:
    """`| head -1`: no traceback, nothing on standard error but the runs' lines."""
    with Running(*arguments) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        err = running.stderr.read()
    assert [line for line in without_progress(err) if not line.startswith("done: ")] == []


@pytest.mark.parametrize("style", [styles.BAR, styles.GOOD, styles.WARNING, styles.ERROR])
@pytest.mark.parametrize("background", ["#ffffff", "#fdf6e3", "#000000", "#1e1e1e", "#002b36"])
def test_colours_can_be_seen_on_dark_and_light(style: str, background: str) -> None:
    """WCAG's contrast for large text and graphics, 3, on white, black and backgrounds of well-known themes."""

    def luminance(colour: Color) -> float:
        shares = [part / 255 for part in colour.get_truecolor()]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    colour = Style.parse(style).color
    assert colour is not None
    darker, lighter = sorted((luminance(colour), luminance(Color.parse(background))))
    assert (lighter + 0.05) / (darker + 0.05) >= 3
