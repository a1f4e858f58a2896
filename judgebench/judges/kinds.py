"""What kind of model a judge's is: one that writes text, a decision model, or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgebench.errors import ConfigError
from judgebench.judges.catalog import DECISION_MODES, TEXT_MODES, is_listed_decider, listed_mode
from judgebench.judges.installed import decision_providers
from judgebench.judges.judge import OWN_SERVERS

if TYPE_CHECKING:
    from judgebench.judges.judge import Judge


def check_kind(judge: Judge) -> None:
    """Finds out by LiteLLM's table whether a judge's model can be asked in this way.

    Raises:
        ConfigError: A model that writes text is asked for decisions, a decision model for text, or one for verdicts
            that gives neither; or LiteLLM knows no way to a decision model.
    """
    at = f"judge '{judge.name}'" + (f" ({judge.model})" if judge.model != judge.name else "")
    if judge.decides and judge.params:
        raise ConfigError(
            f"{at}: a decision model takes no params: leave them out (params: null, if defaults set them)"
        )
    own = judge.api_base is not None and judge.provider in OWN_SERVERS
    mode = None if own else listed_mode(judge.known_as)
    decides = judge.decides or (judge.api is None and mode in DECISION_MODES)
    if decides and judge.provider not in decision_providers():
        known = ", ".join(sorted(decision_providers()))
        raise ConfigError(
            f"{at}: the installed LiteLLM has no way to decision models of {judge.provider} (it has of {known}); where "
            "its server takes /v1/systemone, name it hosted_vllm/NAME with an api_base"
        )
    if mode is None:
        return
    if decides and not is_listed_decider(judge.known_as):
        raise ConfigError(f"{at} is a {mode} model in LiteLLM's table, not a decision model: leave out api: decisions")
    if not decides and mode in DECISION_MODES:
        raise ConfigError(f"{at} is a decision model in LiteLLM's table and writes no text: leave out api: chat")
    if not decides and mode not in TEXT_MODES:
        raise ConfigError(f"{at} is of mode {mode} in LiteLLM's table and gives no verdicts: name a chat model")
