"""One tiny call to a judge, to find out what works before a run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from judgebench.client import ReplyCache
from judgebench.engine.ask import ask_once
from judgebench.engine.loops import finished
from judgebench.errors import ConfigError
from judgebench.items import Completion, Failure, Item, Turn, Verdict
from judgebench.judges import load_judges
from judgebench.templates import load_template

if TYPE_CHECKING:
    from judgebench.verdicts import Reply

_MOST_ANSWERS = 4


@dataclass(frozen=True)
class JudgeCheck:
    """What one tiny call to a judge showed.

    Attributes:
        judge: Its name.
        model: The LiteLLM id.
        template: Whose wording was sent.
        reply: What came back; without text where nothing did.
        result: What the reply says, or why it says nothing.
        schema: Whether a JSON schema for the reply went out.
        soft: Whether log-probabilities were asked for.
    """

    judge: str
    model: str
    template: str
    reply: Reply
    result: Verdict | Failure
    schema: bool
    soft: bool

    @property
    def works(self) -> bool:
        """Whether a verdict came back, and the log-probabilities where they were asked for."""
        return isinstance(self.result, Verdict) and (not self.soft or self.result.soft is not None)

    @property
    def probabilities(self) -> dict[str, float] | None:
        """How probable each verdict was; None where that did not come."""
        soft = self.result.soft if isinstance(self.result, Verdict) else None
        return None if soft is None else dict(soft.probabilities)

    def to_json(self) -> dict[str, object]:
        """Names and values, as `judges check --json` prints them."""
        reply, result = self.reply, self.result
        return {
            "judge": self.judge,
            "model": self.model,
            "template": self.template,
            "works": self.works,
            "verdict": result.value if isinstance(result, Verdict) else None,
            "probabilities": self.probabilities,
            "failure": {"kind": result.kind, "detail": result.detail} if isinstance(result, Failure) else None,
            "reply": reply.text,
            "served_model": reply.served_model,
            "latency_s": reply.latency_s,
            "cost_usd": reply.cost_usd,
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
            "reasoning_tokens": reply.reasoning_tokens,
            "thinking_apart": reply.reasoning is not None,
            "structured_output": self.schema,
            "logprobs": None if not self.soft else isinstance(result, Verdict) and result.soft is not None,
            "left_out": sorted(reply.left_out),
        }


def check_judge(
    name: str, *, template: str | Path = "pairwise", providers: str | Path | None = None, logprobs: bool = False
) -> JudgeCheck:
    """Asks a judge one tiny question, once; nothing is kept of it.

    >>> import judgebench as jb
    >>> jb.check_judge("offline/longest").works
    True

    Args:
        name: A preset, LiteLLM id or offline baseline.
        template: The wording of the question, a name or a file.
        providers: A providers.yaml beside the one that ships.
        logprobs: Request log-probabilities too.

    Raises:
        ConfigError: There is no such judge or template, or the key is missing.
        FatalProviderError: The provider refuses the key, the model or the call.
    """
    return finished(_check(name, template, providers, soft=logprobs))


async def _check(name: str, template: str | Path, providers: str | Path | None, *, soft: bool) -> JudgeCheck:
    judge = load_judges(None if providers is None else Path(providers)).get(name).model_copy(update={"soft": soft})
    wording = load_template(template)
    if soft and judge.offline:
        raise ConfigError(f"{judge.name} has no log-probabilities: leave --logprobs out")
    with tempfile.TemporaryDirectory() as folder, ReplyCache(Path(folder)) as cache:
        request, reply, result, _ = await ask_once(
            judge, wording, _item(min(wording.kind.slots, _MOST_ANSWERS)), cache, tries=1
        )
    return JudgeCheck(judge.name, judge.model, wording.name, reply, result, request.schema is not None, soft)


def _item(answers: int) -> Item:
    """A question that any model answers, with the right answer first."""
    return Item(
        id="check",
        subset="check",
        conversation=(Turn("user", "What is 2 + 2?"),),
        completions=tuple(Completion((Turn("assistant", f"{number}."),)) for number in range(4, 4 + answers)),
        num_correct=1,
        reference="4.",
        rubric="Is the number right?",
    )
