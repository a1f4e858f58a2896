"""One question to a judge, outside any run."""

from __future__ import annotations

import warnings
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.client import JudgeClient, ReplyCache, Request
from judgebench.engine.loops import blocking
from judgebench.errors import ConfigError, VerdictFailure
from judgebench.items import LABELS, Completion, Failure, Item, Turn
from judgebench.judges import destination_lines, load_judges, own_files, takes_schema
from judgebench.protocols import Call
from judgebench.runs import Judgement
from judgebench.templates import hint_for, load_template, without_system
from judgebench.verdicts import Reply, read, structured_schema, typed_questions

if TYPE_CHECKING:
    from judgebench.items import Verdict
    from judgebench.judges import AnyJudge, Judge
    from judgebench.templates import Template

_TEMPLATES = {1: "rating-10", 2: "pairwise"}


async def ajudge(
    prompt: str,
    *answers: str,
    judge: AnyJudge,
    template: str | Path | None = None,
    logprobs: bool = False,
    providers: str | Path | None = None,
    cache_dir: str | Path | None = None,
) -> Judgement:
    """Asks a judge one question: which answer is better, or how good one answer is.

    >>> import judgebench as jb
    >>> jb.judge("What is 2 + 2?", "It is four.", "Five.", judge="offline/longest").verdict
    'A'

    In a coroutine `await jb.ajudge(...)`, else `jb.judge(...)`. The answers are shown in the order given, as A, B and
    so on; position bias is measured by a run. The reply is kept in the cache; no run's folder is made.

    Args:
        prompt: What the answers reply to.
        *answers: One to rate or to label, two to compare, or more to find the best of.
        judge: A preset, a LiteLLM id, `offline/...`, a function, or a `Judge`.
        template: A name or file; None for `rating-10`, `pairwise` or `four-way`, by the number of answers.
        logprobs: Request log-probabilities, for the probability of each verdict.
        providers: A providers.yaml; None for ./providers.yaml.
        cache_dir: Where replies are kept; None for the user's cache folder.

    Returns:
        The judgement: its `verdict` is a letter, `tie`, a rating or a class; or it has a `failure`, and no verdict.

    Raises:
        ConfigError: There is no such judge or template, it takes another number of answers, or the key is missing.
        FatalProviderError: The provider refuses the key, the model or the call.
        TransientError: The provider could not be reached.
    """
    known = load_judges(None if providers is None else Path(providers))
    (chosen,) = known.chosen([judge])
    file = own_files(known, [judge])[judge] if isinstance(judge, str) else None
    for line in destination_lines(chosen, file):
        warnings.warn(line, stacklevel=2)
    chosen = chosen.model_copy(update={"soft": logprobs})
    wording = load_template(template or _TEMPLATES.get(len(answers), "four-way"))
    if not wording.kind.fits(len(answers)):
        takes = wording.kind.answers
        raise ConfigError(f"template '{wording.name}' takes {takes}, not {len(answers)}: name another with template=")
    completions = tuple(Completion((Turn("assistant", answer),)) for answer in answers)
    item = Item("question", "question", (Turn("user", prompt),), completions, num_correct=0)
    with ReplyCache(None if cache_dir is None else Path(cache_dir)) as cache:
        request, reply, result, cached = await ask_once(chosen, wording, item, cache)
    call = Call(tuple(range(len(answers))), 0)
    return Judgement.of(item.key, call, request.key, reply, result, cached=cached)


judge = blocking(ajudge, "judge")


async def ask_once(
    judge: Judge, wording: Template, item: Item, cache: ReplyCache, *, tries: int | None = None
) -> tuple[Request, Reply, Verdict | Failure, bool]:
    """Asks about an item, its completions in their own order.

    Args:
        judge: Who is asked.
        wording: The template.
        item: What is asked about.
        cache: Where the reply is looked for and kept.
        tries: At most so many; None for the client's own rule.

    Returns:
        What was sent, the reply, what it says, and whether it came from the cache.
    """
    order = tuple(range(len(item.completions)))
    structured = wording.structured and takes_schema(judge)
    messages = wording.render(item, order, structured=structured)
    if judge.system_role is False:
        messages = without_system(messages)
    rule = wording.rule_for(item, order)
    schema = structured_schema(rule, LABELS[: len(order)]) if structured else None
    hint = hint_for(wording, item, order) if judge.offline else None
    async with aclosing(JudgeClient(judge, cache, tries=tries)) as client:
        asked = typed_questions(rule, LABELS[: len(order)], len(item.steps)) if judge.decides else None
        request = Request("", messages, 0, schema, hint, asked)
        request.key = client.keys.key(messages, 0, request.form, hint)
        known = client.cached(request)
        try:
            if known is None:
                client.check()
            reply = known or (await client.ask(request)).reply
        except VerdictFailure as failure:
            return request, Reply(), Failure(failure.kind, failure.detail), False  # type: ignore[arg-type]
    return request, reply, read(reply, rule, len(order)), known is not None
