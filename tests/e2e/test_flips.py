"""`judgebench show --flips`: items whose verdict changes with the order, or between two runs; `--quiet` anywhere."""

from __future__ import annotations

from importlib import import_module

import click
from commands import judgebench, pairs
from finishedruns import score_run, written_run

from judgebench.cli import COMMANDS, cli

SUBSET = ("alpacaeval-easy",)


def test_flips_with_the_order_are_listed():
    """Items 0 and 1 take whatever is shown first or second, item 2 has no verdict in one order, item 3 never flips."""

    def says(key, call):
        return {"0": call.order[0], "1": call.order[1], "2": -1 if call.order[0] else 0}.get(key.id, 0)

    run = written_run("mine", pairs(4, SUBSET), says, orders="both")
    shown = judgebench("show", run, "--flips").out
    assert "2 of 3 items change their verdict with the order (66.7%)" in shown
    lines = [line.split() for line in shown.splitlines() if "correct first:" in line]
    assert [(line[0], *line[-2:]) for line in lines] == [("0", "shown", "first"), ("1", "shown", "second")]
    assert "correct first: correct; wrong first: wrong" in " ".join(shown.replace("shown first", "").split())
    assert f"judgebench show {run} --flips" in " ".join(judgebench("show", run).out.split())


def test_flips_between_two_runs_are_listed():
    """Of four items the runs differ on two, in either direction."""
    first = written_run("first", pairs(4, SUBSET), lambda key, _: int(key.id == "1"))
    second = written_run("second", pairs(4, SUBSET), lambda key, _: int(key.id == "2"))
    shown = judgebench("show", first, second, "--flips").out
    assert "2 of 4 items change their verdict between the runs (50.0%)" in shown
    rows = [line.split() for line in shown.splitlines() if line.startswith(("1 ", "2 "))]
    assert rows == [
        ["1", SUBSET[0], "wrong", "correct", "0", "to", "1"],
        ["2", SUBSET[0], "correct", "wrong", "1", "to", "0"],
    ]


def test_flips_between_a_judge_and_scores():
    """Scores choose the completion with the highest."""
    rows = pairs(3, SUBSET)
    judged = written_run("first", rows, lambda *_: 0)
    shown = judgebench("show", judged, score_run("rm", [1, 0, 1], rows), "--flips").out
    assert "1 of 3 items change their verdict between the runs" in shown


def test_flips_of_one_order_are_a_mistake():
    """The message names the option that asks in both orders."""
    ended = judgebench("show", written_run("mine", pairs(2, SUBSET), lambda *_: 0), "--flips")
    assert (ended.status, "--orders both" in ended.err) == (2, True)


def test_show_takes_the_only_run_below_a_folder():
    """Also without a folder, where `runs` has a single run; an unknown item is told what an id looks like."""
    run = written_run("mine", pairs(2, SUBSET), lambda *_: 0)
    assert judgebench("show").out == judgebench("show", "runs/rewardbench").out == judgebench("show", run).out
    assert "2 items, such as '0'" in judgebench("show", run, "xyz").err


def test_every_command_takes_quiet():
    """Whatever it shows, so that a script can give it to all."""

    def commands(command, names):
        if not isinstance(command, click.Group):
            yield names, command
            return
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), (*names, name))

    without = [names for names, each in commands(cli, ()) if not any("--quiet" in param.opts for param in each.params)]
    assert without == []
    assert all(import_module(module.partition(":")[0]) for module, _ in COMMANDS.values())
