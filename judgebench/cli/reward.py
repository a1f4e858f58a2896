"""`judgebench reward`."""

from __future__ import annotations

import os
from typing import Any

import click

from judgebench.cli.completing import benchmark_names, files
from judgebench.cli.console import out_option, quiet_option
from judgebench.cli.errors import NumberRange
from judgebench.cli.groups import Sectioned
from judgebench.cli.scoring import print_scored, scored_items, step_options

_ROWS = ("columns", "labels", "id_column", "group_column", "bad_rows", "empty_answers", "config_name")
_SECTIONS = {
    "Items and output": ["benchmark", "data", "subsets", "out", "name", "allow_missing", "as_json"],
    "Model": [
        *("revision", "device", "dtype", "batch_tokens", "max_length", "head", "chat_template", "text_pair"),
        *("trust_remote_code", "engine", "ray_address"),
    ],
    "DPO policies": ["reference", "reference_free", "beta", "length_normalized"],
    "Process reward models": ["step_separator", "step_turns", "step_tokens", "steps", "threshold"],
    "Reading rows": list(_ROWS),
}


@click.command(
    cls=Sectioned,
    sections=_SECTIONS,
    epilog="\b\nExample:\njudgebench reward Skywork/Skywork-Reward-V2-Qwen3-0.6B \\\n  --benchmark rewardbench-2\n",
)
@click.argument("model", shell_complete=files)
@click.option("--benchmark", shell_complete=benchmark_names, required=True, metavar="NAME", help="Benchmark to score.")
@scored_items
@out_option("Parent folder of the run and of the score file.")
@click.option("--name", metavar="NAME", help="Name of the reward model; default: the folder's name, or the hub id.")
@click.option("--allow-missing", is_flag=True, help="Count scores that are not finite as failures.")
@click.option("--revision", metavar="REV", help="Branch, tag or commit of a hub model.")
@click.option("--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps; default: an accelerator if there is one.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Precision; default: the checkpoint's on an accelerator, float32 on the CPU.",
)
@click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most tokens in a batch; default: 16384 on an accelerator, 2048 on the CPU.",
)
@click.option(
    "--max-length",
    type=click.IntRange(min=1),
    metavar="N",
    help="Most tokens of a conversation, whose beginning is cut; default: the model's limit.",
)
@click.option("--head", metavar="NAME|INDEX|NAME=WEIGHT,...", help="Which of several outputs is the score.")
@click.option(
    "--chat-template", shell_complete=files, metavar="FILE", help="Jinja file instead of the tokenizer's template."
)
@click.option(
    "--text-pair", is_flag=True, help="Give the tokenizer prompt and answer as two texts, without a template."
)
@click.option("--trust-remote-code", is_flag=True, help="Run the code that comes with the checkpoint.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where the model runs: in this process, or on each GPU (else CPU core) of a Ray cluster.",
)
@click.option(
    "--ray-address",
    metavar="HOST:PORT|auto",
    help="With --engine ray: the cluster; default: RAY_ADDRESS, else one started on this machine.",
)
@click.option("--reference", shell_complete=files, metavar="MODEL", help="Reference model; of an adapter, its base.")
@click.option("--reference-free", is_flag=True, help="Score by the policy's log-probability alone.")
@click.option(
    "--beta",
    type=NumberRange(0, min_open=True),
    default=0.1,
    show_default=True,
    metavar="NUMBER",
    help="Factor of the implicit reward.",
)
@click.option("--length-normalized", is_flag=True, help="Divide log-probabilities by the number of tokens.")
@click.option(
    "--step-separator", metavar="SEPARATOR", help="Text after each step, at whose last token its score is read."
)
@click.option(
    "--step-turns", is_flag=True, help="Each step is a user turn, which the assistant answers by GOOD or BAD."
)
@click.option("--step-tokens", metavar="GOOD,BAD", help="Of a language model: its tokens for a right and a wrong step.")
@step_options
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of the metrics and nothing else.")
@quiet_option
def reward(model: str, **options: Any) -> int:
    """Run a reward model here and score it on a benchmark.

    MODEL is a sequence classifier, a policy trained by DPO (with --reference or --reference-free), a process reward
    model (with --step-separator or --step-turns) or an adapter: a folder, a .gguf file or a hub id. Needs pip install
    'judgebench[reward]'. A killed command resumes where it was; the scores are kept in OUT/score-files.
    """
    from judgebench.analysis.reward import reward_run
    from judgebench.analysis.rewardvariants import reward_tables
    from judgebench.cli.progress import shown
    from judgebench.rewards.settings import RewardSettings
    from judgebench.sources.mapped import RowMap

    os.environ.setdefault("TQDM_DISABLE", "1")  # the bars of libraries beside our own progress
    as_json = options.pop("as_json")
    taken = {name: options.pop(name) for name in ("benchmark", "data", "subsets", "out", "name")}
    rows = RowMap(**{name: value for name in _ROWS if (value := options.pop(name)) is not None})
    with shown():
        run = reward_run(model, **taken, rows=rows, settings=RewardSettings(**options))
    return print_scored(run, reward_tables(run), as_json=as_json)
