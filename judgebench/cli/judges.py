"""`judgebench judges` and `benchmarks`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from judgebench._util.text import usd
from judgebench.cli.addresses import confirm_addresses
from judgebench.cli.completing import files, judge_names, template_names
from judgebench.cli.console import print_rows
from judgebench.cli.errors import EXIT_DONE, EXIT_INCOMPLETE
from judgebench.cli.groups import Group, Renamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from judgebench.engine.check import JudgeCheck
    from judgebench.engine.probing import ServerCheck
    from judgebench.judges import Judge, Judges


_SHOWN = 200
"""So many characters of a reply are shown."""


@click.group(cls=Group, epilog="\b\nExample:\njudgebench judges list\n")
def judges() -> None:
    """List, show and check judges."""


@judges.command("list", epilog="\b\nExample:\njudgebench judges list\n")
@click.option("--providers", shell_complete=files, metavar="FILE", help="Your own providers.yaml.")
def list_judges(providers: str | None) -> None:
    """List the presets of providers.yaml and the offline baselines by required key."""
    from pathlib import Path

    from judgebench.judges import OFFLINE, key_variables, load_judges, missing_key

    by_key: dict[str, list[tuple[str, ...]]] = {}
    for judge in load_judges(None if providers is None else Path(providers)):
        needed = " or ".join(key_variables(judge)[:1]) or "no key"
        title = needed if missing_key(judge) is None else f"{needed} (not set)"
        by_key.setdefault(title, []).append((f"  {judge.name}", _where(judge), _price(judge)))
    by_key["no key, no network"] = [(f"  offline/{name}", "baseline", "free") for name in OFFLINE]
    for title, rows in by_key.items():
        click.echo(title)
        print_rows(rows)
        click.echo()
    click.echo("Prices are USD per million tokens, input / output. Any LiteLLM id works too,")
    click.echo("such as openai/gpt-6-luna or hosted_vllm/my-model.")


def _where(judge: Judge) -> str:
    from judgebench._util.redaction import without_secrets

    return judge.model if judge.api_base is None else f"{judge.model} at {without_secrets(judge.api_base)}"


def _price(judge: Judge) -> str:
    from judgebench.judges import FREE, end_of, price_of

    price, end = price_of(judge), end_of(judge)
    ends = "" if end is None else f", ends {end}"
    if price is None:
        return f"price unknown{ends}"
    return f"free{ends}" if price == FREE else f"{usd(price.input)} / {usd(price.output)}{ends}"


@judges.command("show", epilog="\b\nExample:\njudgebench judges show gpt-6-luna\n")
@click.argument(
    "name",
    shell_complete=judge_names,
)
@click.option("--providers", shell_complete=files, metavar="FILE", help="Your own providers.yaml.")
def show_judge(name: str, providers: str | None) -> None:
    """Show a judge's settings as used in a call.

    Exit status 2 where an installed package's provider refuses the judge.
    """
    from pathlib import Path

    import yaml

    from judgebench.client import check_provider
    from judgebench.judges import (
        address_of,
        check_transport,
        is_plugged,
        load_judges,
        missing_address,
        missing_key,
        own_files,
        price_of,
        takes_schema,
    )

    known = load_judges(None if providers is None else Path(providers))
    judge, file = known.get(name), own_files(known, [name])[name]
    check_transport(judge)
    settings = judge.public()
    if file is not None:
        settings["providers"] = str(file)
    if (variable := missing_address(judge)) is not None:
        settings["api_base"] = f"missing: set api_base, or {variable}"
    elif judge.api_base is None and address_of(judge) is not None:
        settings["api_base"] = address_of(judge)
    price = price_of(judge)
    settings["price"] = None if price is None else price.model_dump(exclude_none=True)
    settings["cache_as"] = judge.identity
    if not (judge.offline or is_plugged(judge.provider)):
        settings["transport"] = judge.transport or "litellm"
    settings["structured_output"] = takes_schema(judge) and (judge.structured_output or True)
    missing = missing_key(judge)
    settings["key"] = "set or not needed" if missing is None else f"missing: set {missing}"
    click.echo(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), nl=False)
    if missing is None and is_plugged(judge.provider):
        check_provider(judge)


@judges.command("check", cls=Renamed, epilog="\b\nExample:\njudgebench judges check gpt-6-luna\n")
@click.argument("name", shell_complete=judge_names)
@click.option(
    "-t",
    "--template",
    default="pairwise",
    show_default=True,
    shell_complete=template_names,
    metavar="NAME|FILE",
    help="Prompt template to send.",
)
@click.option("--logprobs", is_flag=True, help="Also request log-probabilities.")
@click.option("--server", is_flag=True, help="Find out what the server does: about 15 small calls, one long prompt.")
@click.option("--save", is_flag=True, help="With --server: put the settings found into your providers.yaml.")
@click.option("--providers", shell_complete=files, metavar="FILE", help="Your own providers.yaml.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check_judge(
    name: str, template: str, providers: str | None, *, logprobs: bool, server: bool, save: bool, as_json: bool
) -> int:
    """Make one small call and show what works; no reply is saved.

    Exit status 1 if no verdict is returned.

    With --server, some more calls find out whether log-probabilities, JSON schema, bounds of numbers, system message,
    temperature, seed and n are used or ignored, the context length, what becomes of a longer prompt, and the settings
    to put into providers.yaml.
    """
    from pathlib import Path

    from judgebench._util.text import one_line
    from judgebench.engine import check as checking
    from judgebench.errors import ConfigError
    from judgebench.judges import load_judges, own_files, save_settings

    if save and (not server or "/" in name):
        fix = "name a judge that has an entry" if server else "add --server"
        raise ConfigError(f"--save keeps what --server finds in an entry of providers.yaml: {fix}")
    known = load_judges(None if providers is None else Path(providers))
    confirm_addresses({name: (known.get(name), own_files(known, [name])[name])})
    if server:
        from judgebench.engine.probing import check_server

        probed = check_server(name, providers=providers)
        if as_json:
            click.echo(json.dumps(probed.to_json(), indent=2))
        else:
            print_rows([(label, one_line(text)) for label, text in _probed(probed)])
        if save and probed.settings:
            file = _own_file(known)
            save_settings(file, name, probed.settings)
            click.echo(f"saved: {file}", err=True)
        return EXIT_DONE
    found = checking.check_judge(name, template=template, providers=providers, logprobs=logprobs)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        print_rows([(label, one_line(text)) for label, text in _said(found)])
    return EXIT_DONE if found.works else EXIT_INCOMPLETE


def _own_file(known: Judges) -> Path:
    """The user's own providers.yaml; one in the current folder where there is none."""
    from pathlib import Path

    return known.sources[-1] if len(known.sources) > 1 else Path("providers.yaml")


def _probed(found: ServerCheck) -> Iterator[tuple[str, str]]:
    """What some calls showed of a server, in words."""
    yield "judge", f"{found.judge} ({found.model})"
    for each in found.findings:
        yield each.name, each.detail
    settings = ", ".join(f"{name}: {str(value).lower()}" for name, value in found.settings.items())
    yield "settings", f"in providers.yaml, under {found.judge}: {{{settings}}}" if settings else "none needed"


def _how_probable(value: object, probabilities: Mapping[str, float] | None) -> str:
    share = (probabilities or {}).get(str(value))
    return "" if share is None else f", probability {share:.4g}"


def _said(found: JudgeCheck) -> Iterator[tuple[str, str]]:
    """What one tiny call showed, in words."""
    from judgebench.items import Failure, Verdict

    reply, result = found.reply, found.result
    yield "judge", f"{found.judge} ({found.model}), template {found.template}"
    if reply.latency_s is not None:
        yield "answered", f"in {reply.latency_s:.2f} s by {reply.served_model or 'an unnamed model'}"
        price = "price unknown" if reply.cost_usd is None else f"${reply.cost_usd:.6f}"
        thought = f" ({reply.reasoning_tokens} reasoning)" if reply.reasoning_tokens else ""
        yield "tokens", f"{reply.prompt_tokens} in, {reply.completion_tokens} out{thought}; {price}"
    if reply.text:
        yield "reply", reply.text if len(reply.text) <= _SHOWN else f"{reply.text[: _SHOWN - 3]}..."
    if isinstance(result, Failure):
        yield "verdict", f"none: {result.kind} ({result.detail})"
    else:
        likely = None if reply.answers is None else found.probabilities
        yield "verdict", f"{result.value}{_how_probable(result.value, likely)}"
    if reply.reasoning is not None:
        yield "thinking", "separate from the reply"
    if reply.left_out:
        yield "left out", f"{', '.join(sorted(reply.left_out))}: not supported by the model"
    if found.schema:
        yield "schema", "sent"
    if found.soft:
        soft = isinstance(result, Verdict) and result.soft is not None
        came = "returned without alternatives" if reply.logprobs else "not returned"
        yield "log-probs", "returned" if soft else f"{came}: --logprobs would have no effect"
    yield "works", "yes" if found.works else "no"
