"""Stored replies read again, by the run's own rule or another template's: no call is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from judgebench._util.files import write_texts
from judgebench._util.steps import counted
from judgebench.analysis.relabel import label_changes, labels_entry, read_fixes, relabelled
from judgebench.analysis.rescored import Change, Rescored
from judgebench.errors import ConfigError
from judgebench.metrics.accuracy import point_score
from judgebench.metrics.votes import AGGREGATES
from judgebench.runs import (
    READING,
    Finished,
    Run,
    RunTemplates,
    RunWriter,
    fields_of,
    flips_of,
    folder_name,
    folder_of,
    in_place_of,
    make_manifest,
    metrics_of,
    named_by,
    old_notes,
    open_run,
    outcomes_of,
    protocol_folder,
    protocol_of,
    read_judgements,
    run_templates,
    share_file,
    template_texts,
    usage_of,
    write_items,
    write_judgements,
)
from judgebench.templates import load_template
from judgebench.verdicts import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from judgebench.analysis.relabel import Fix
    from judgebench.items import Outcome
    from judgebench.metrics.summary import Metrics
    from judgebench.metrics.votes import Aggregate
    from judgebench.protocols import Protocol
    from judgebench.runs import Judgement, Manifest
    from judgebench.templates import Template

_Question = tuple[str, tuple[int, ...], int]
"""Item, order and sample."""

_READ_AGAIN = frozenset({"unreadable", "ambiguous", "refused"})
_MOVED = ("another run has the folder's plain name", "saved as ")
_READ = "the replies were read again"


def rescore(
    run: Run | str | Path,
    *,
    template: str | Path | None = None,
    aggregate: Aggregate | None = None,
    labels: str | Path | None = None,
    dry_run: bool = False,
) -> Rescored:
    """Reads the stored replies of a run again, and writes what they say into a new run's folder beside it.

    >>> import judgebench as jb
    >>> run = jb.run("rewardbench", judge="offline/longest", data="sample")
    >>> jb.rescore(run, aggregate="majority", dry_run=True).changes
    ()

    What is no matter of reading stays as it was: replies that were cut off, filtered, empty or refused by the
    provider, and calls that gave none.

    Args:
        run: A judge's run, or its folder.
        template: Whose verdict rule reads them: a name or a file; None for the run's own.
        aggregate: How the readings of a question become one; None for the run's own rule.
        labels: A CSV file of corrected labels, with the columns `id`, `label` and `comment`. A label is `flip`, `keep`,
            `tie`, `none`, the best answer as the rows name it (`B`, `response_b`, `2`, a model), or its number in the
            run, where 0 is the one labelled correct.
        dry_run: Write nothing.

    Raises:
        ConfigError: The run has no replies, the template's mode is another, or votes that stopped early cannot be
            joined by that rule; a label's item or word is unknown, or no label changes.
    """
    finished = Finished(run if isinstance(run, Run) else open_run(run))
    templates = run_templates(finished)
    finished.need_judgements()
    if template is not None:
        templates = _with_reader(templates, load_template(template).for_items(finished.run.items))
    protocol = protocol_of(finished)
    joined = _with_rule(finished, protocol, aggregate)
    place = {item: at for at, item in enumerate(finished.keys)}
    judgements = [j for j in finished.judgements.values() if j.item in place]
    judgements.sort(key=lambda j: (place[j.item], j.sample))
    if finished.run.manifest.origin is not None and not any(j.reply for j in judgements):
        raise ConfigError(f"{finished.path}: imported as verdicts, without replies; import replies to parse them")
    reading = counted(judgements, "parsing replies", unit="replies", total=len(judgements))
    again = [_again(judgement, templates, finished) for judgement in reading]
    before = outcomes_of(finished, templates, judgements, protocol)
    score_before = point_score(list(before.values()), finished.benchmark.layout)
    earlier = _earlier(finished)
    fixes, entry = {}, None
    if labels is not None:
        fixes = read_fixes(labels, finished)
        entry = labels_entry(labels, finished, fixes, score_before)
        again = [fixes[each.item].of_judgement(each) if each.item in fixes else each for each in again]
        earlier = {
            _question(own[0]): own
            for among in earlier.values()
            if (own := [fixes[each.item].of_judgement(each) if each.item in fixes else each for each in among])
        }
    fixed = relabelled(finished, fixes)
    after = outcomes_of(fixed, templates, again, joined)
    metrics = _metrics(fixed, templates, again, after, earlier, joined)
    changes = tuple(_changes(judgements, again, before, after))
    notes = [*finished.notes, *_notes(judgements)]
    manifest = _manifest(finished, templates, joined, entry)
    path = None
    if not dry_run:
        path = _write(finished, templates, _with(earlier, again), after, metrics, manifest, fixes)
    return Rescored(
        source=finished.path,
        reader=templates.reader.name,
        judgements=len(judgements),
        read=sum(_is_read(judgement) for judgement in judgements),
        changes=changes,
        score_before=score_before,
        metrics=metrics,
        path=path,
        notes=tuple(notes),
        labels=tuple(label_changes(finished, fixes, before, after)),
    )


def _with_rule(finished: Finished, protocol: Protocol, aggregate: Aggregate | None) -> Protocol:
    """The run's protocol with another rule."""
    if aggregate not in {None, *AGGREGATES}:
        raise ConfigError(f"aggregate is {aggregate!r}: must be one of {', '.join(AGGREGATES)}")
    rule = None if aggregate is None else AGGREGATES[aggregate]
    if rule is not None and rule != protocol.join and protocol.early_stop:
        raise ConfigError(
            f"{finished.path}: run with --early-stop, so its replies can only be aggregated by {protocol.join}; run it "
            "without --early-stop"
        )
    return protocol if rule is None else replace(protocol, join=rule)


def _with_reader(templates: RunTemplates, reader: Template) -> RunTemplates:
    """The run's templates with another reader, for the questions of its mode."""
    if reader.mode == templates.wording.mode:
        if templates.wording.rule.reads_each != reader.rule.reads_each:
            whose = [
                f"'{each.name}' ({'each' if each.rule.reads_each else 'all'})" for each in (reader, templates.wording)
            ]
            raise ConfigError(
                "a reply is about one criterion or about all of an item, and the templates differ in that: "
                f"{' and '.join(whose)}; name a template like the run's"
            )
        asked, read = templates.wording.rule.classes, reader.rule.classes
        if asked is not None and read is not None and (asked.names, asked.shares) != (read.names, read.shares):
            raise ConfigError(
                f"template '{reader.name}' has the classes {', '.join(read.names)}, the run {', '.join(asked.names)}: "
                "name a template of these, in this order"
            )
        return replace(templates, reader=reader)
    if templates.companion is not None and reader.mode == templates.companion.mode:
        return replace(templates, companion_reader=reader)
    modes = templates.wording.mode if templates.companion is None else f"{templates.wording.mode} or rating"
    raise ConfigError(
        f"template '{reader.name}' has mode {reader.mode}, the run's replies {modes}: name a template of that mode"
    )


def _is_read(judgement: Judgement) -> bool:
    """Whether the judgement is a matter of reading: it has a whole reply, and no failure that has other grounds."""
    if not judgement.reply:
        return False
    return judgement.failure is None or judgement.failure.kind in _READ_AGAIN


def _again(judgement: Judgement, templates: RunTemplates, finished: Finished) -> Judgement:
    if not _is_read(judgement):
        return judgement
    key = finished.keys[judgement.item]
    rule = templates.reader_for(key, finished).rule_for(key, judgement.order)
    result = read(judgement.answer, rule, len(judgement.order))
    return replace(judgement, **fields_of(result))


def _earlier(finished: Finished) -> dict[_Question, list[Judgement]]:
    """The judgements that later ones have taken the place of: the turns before the last, and what was asked again."""
    last: dict[_Question, Judgement] = {}
    earlier: dict[_Question, list[Judgement]] = {}
    for judgement in read_judgements(finished.path):
        if judgement.item in finished.keys:
            question = _question(judgement)
            if question in last:
                earlier.setdefault(question, []).append(last[question])
            last[question] = judgement
    return earlier


def _with(earlier: Mapping[_Question, Sequence[Judgement]], judgements: Iterable[Judgement]) -> list[Judgement]:
    """The judgements, each behind those that it took the place of, which stay as they were read."""
    return [each for last in judgements for each in (*earlier.get(_question(last), ()), last)]


def _question(judgement: Judgement) -> _Question:
    return judgement.item, judgement.order, judgement.sample


def _metrics(
    finished: Finished,
    templates: RunTemplates,
    judgements: Sequence[Judgement],
    outcomes: Mapping[str, Outcome],
    earlier: Mapping[_Question, Sequence[Judgement]],
    protocol: Protocol,
) -> Metrics:
    every = _with(earlier, judgements)
    usage = usage_of(every)
    # Nothing was called and nothing paid for: every reply was there.
    usage.calls, usage.cached, usage.spent_usd = 0, sum(j.reply is not None for j in every), 0.0
    # The notes of the run as it was, but for those on where it is and how it was read.
    kept = (note for note in old_notes(finished.path) if not note.startswith((*_MOVED, _READ)))
    notes = (f"{_READ} with the rule of '{templates.reader.name}'", *kept)
    attack = flips_of(finished, judgements, lambda judgement: _again(judgement, templates, finished))
    return metrics_of(finished, templates, judgements, outcomes, protocol, usage=usage, notes=notes, attack=attack)


def _said(judgement: Judgement) -> str:
    if judgement.failure is not None:
        return judgement.failure.kind
    return f"{judgement.verdict:g}" if isinstance(judgement.verdict, float) else str(judgement.verdict)


def _changes(
    judgements: Sequence[Judgement],
    again: Sequence[Judgement],
    before: Mapping[str, Outcome],
    after: Mapping[str, Outcome],
) -> Iterator[Change]:
    for old, new in zip(judgements, again, strict=True):
        if (_said(old), old.parts) != (_said(new), new.parts):
            credits_ = before[old.item].credit, after[old.item].credit
            yield Change(old.item, old.subset, old.order, old.sample, _said(old), _said(new), *credits_)


def _notes(judgements: Sequence[Judgement]) -> Iterator[str]:
    stay = Counter(j.failure.kind for j in judgements if j.failure is not None and not _is_read(j))
    if stay:
        kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(stay.items()))
        yield f"failures that were not caused by parsing are unchanged: {kinds}"


def _write(
    finished: Finished,
    templates: RunTemplates,
    judgements: Sequence[Judgement],
    outcomes: Mapping[str, Outcome],
    metrics: Metrics,
    manifest: Manifest,
    fixes: Mapping[str, Fix],
) -> Path:
    folder = _folder(finished, manifest)
    with in_place_of(folder, manifest.identity, "--dry-run only shows") as part:
        if fixes:
            write_items(part, (fixes[each.id].of(each) if each.id in fixes else each for each in finished.run.items))
        else:
            share_file(finished.path, part)
        write_texts(part, template_texts(templates.wording, templates.companion))
        reader = None if templates.reader is templates.wording else templates.reader
        companion = None if templates.companion_reader is templates.companion else templates.companion_reader
        write_texts(part / READING, template_texts(reader, companion))
        write_judgements(part, judgements)
        RunWriter(part).finish(manifest, list(outcomes.values()), metrics)
    return folder


def _manifest(
    finished: Finished, templates: RunTemplates, joined: Protocol, labels: Mapping[str, object] | None
) -> Manifest:
    old = finished.run.manifest
    reader, companion = templates.reader, templates.companion_reader
    earlier = old.rescored
    protocol = old.protocol.name if earlier is None else earlier.protocol
    hashes = [reader.hash, None if companion is None else companion.hash]
    another = joined.join != protocol_of(finished).join or (earlier is not None and earlier.joined is not None)
    named = reader if reader is not templates.wording or companion is templates.companion else companion
    assert named is not None
    parts = {
        **old.to_json(),
        "protocol": {
            **old.protocol.model_dump(),
            "join": joined.join,
            "name": f"{protocol}-rescored-{folder_name(named.name)}{f'-{joined.join}' if another else ''}"
            f"{'' if labels is None else '-labels'}",
        },
        "identity": {
            **old.identity,
            "read_by": hashes,
            **({"join": joined.join} if another else {}),
            **({} if labels is None else {"items": labels["hash"]}),
        },
        "rescored": {
            "template": reader.name,
            "hash": reader.hash,
            **({} if reader.edited is None else {"edited": reader.edited}),
            "companion": None if companion is None else {"name": companion.name, "hash": companion.hash},
            "protocol": protocol,
            **({"joined": joined.join} if another else {}),
            "from": finished.path.name if earlier is None else earlier.source,
            "version": version("judgebench"),
            **({} if labels is None else {"labels": labels}),
        },
        **({} if labels is None else {"items": {**old.items.model_dump(), "hash": labels["hash"]}}),
    }
    return make_manifest("interrupted" if old.state == "running" else old.state, old.started, parts)


def _folder(finished: Finished, manifest: Manifest) -> Path:
    """Beside the run; one that holds another reading under the same name is left alone."""
    own = finished.path
    if own.name in {"", ".."} or own.is_symlink():
        own = own.resolve()
    plain: Path = own.parent / protocol_folder(str(manifest.protocol.name))
    return named_by(plain, manifest.identity) if plain == own else folder_of(plain, manifest.identity)
