"""The error tree, split by what mends the error.

::

    JudgebenchError
    ├── ConfigError           the user mends it, before a call is paid for; exit status 2
    │   ├── DataError         rows or the files of a run are malformed, changed, or cannot be had
    │   └── StorageError      a disk, a folder or the cache is full, locked or not writable
    ├── TransientError        the same call may work when tried again
    ├── FatalProviderError    no call to this judge can work until the user acts; what is paid for is kept
    ├── BudgetReached         the next call could pass the budget; what is paid for is kept
    └── VerdictFailure        this one call has no usable reply; recorded, never a number
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class JudgebenchError(Exception):
    """The root of every error that judgebench raises on purpose.

    Attributes:
        charged: Whether the call that failed may have been paid for; one that the provider refused was not.
        answered: Whether the provider sent a reply (status 200), which cannot be used.
        took: What that reply took, by the fields of a `Reply`, where it says so.
    """

    charged = True
    answered = False
    took: Mapping[str, float | None] | None = None


class ConfigError(JudgebenchError):
    """A mistake of the user's: the message is one line that says what is wrong, where, and how to mend it.

    Attributes:
        what: What is wrong; the whole message where its parts are not given one by one.
        where: The file that it is in, empty where no file is.
        line: The line of that file, from 1 on; None where it is not known.
        fix: How to mend it.
    """

    charged = False

    def __init__(
        self, message: str, *, what: str = "", where: str = "", line: int | None = None, fix: str = ""
    ) -> None:
        super().__init__(message)
        self.what, self.where, self.line, self.fix = what or message, where, line, fix

    @classmethod
    def at(cls, where: str, what: str, *, line: int | None = None, inside: str = "", fix: str = "") -> ConfigError:
        """The error whose message is made of its parts.

        Args:
            where: The file, as the user named it.
            what: What is wrong.
            line: On which line.
            inside: The file that `where` takes in, where the mistake is in that.
            fix: How to mend it.
        """
        place = where + (f" (in {inside})" if inside else "") + (f" line {line}" if line is not None else "")
        message = f"{place}: {what}" + (f"; {fix}" if fix else "")
        return cls(message, what=what, where=inside or where, line=line, fix=fix)


class DataError(ConfigError):
    """Rows, scores or the files of a run are malformed, have changed, or cannot be had."""


class StorageError(ConfigError):
    """A disk, a folder or the cache is full, locked, or cannot be read or written."""


class TransientError(JudgebenchError):
    """A call failed in a way that a retry may mend (rate limit, outage, timeout, broken body).

    Attributes:
        retry_after: Seconds the provider asked to wait, or None where it did not say.
        counted_as: What a retry after it is counted under.
    """

    counted_as: ClassVar[str] = "server error"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimitedError(TransientError):
    """Too many calls for now: the same call works later, and fewer of them at once."""

    counted_as = "rate limit"


class TimedOutError(TransientError):
    """No reply within the judge's timeout, or a gateway's (504)."""

    counted_as = "timeout"


class UnreachedError(TransientError):
    """No reply at all: the connection could not be made, or ended before a reply began."""

    counted_as = "connection error"


class BrokenReplyError(TransientError):
    """The body broke off, or it is no reply of a model."""

    counted_as = "broken reply"


class FatalProviderError(JudgebenchError):
    """The provider refuses every call of this judge: wrong key, unknown model, quota gone."""


class BudgetReached(JudgebenchError):  # noqa: N818 - nothing went wrong
    """The next call could cost more than is left of the budget."""


class VerdictFailure(JudgebenchError):  # noqa: N818 - it is a record, not a mistake
    """One call ends without a usable reply.

    Attributes:
        kind: One of `judgebench.items.FAILURE_KINDS`.
        detail: What was seen, in one line.
        in_code: Whether a provider's code raised what is no error of judgebench's, or gave what is no reply.
    """

    in_code = False

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


def unknown_name(what: str, name: str, known: Iterable[str], *, mend: str = "") -> ConfigError:
    """The error for a name that is not there, with the nearest names that are.

    Args:
        what: The kind of thing, as it starts the sentence ("benchmark", "judge").
        name: What the user wrote.
        known: The names that exist.
        mend: A sentence on where the names are listed; without one, all names are given when nothing is near.
    """
    names = sorted(known)
    by_lower = {known_name.lower(): known_name for known_name in reversed(names)}
    near = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    near = near or [known_name for known_name in names if name.lower() in known_name.lower()][:3]
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif mend:
        hint = ""
    else:
        hint = f"known: {', '.join(names)}"
    colon = ":" if hint or not mend.startswith("(") else ""
    return ConfigError(" ".join(part for part in (f"unknown {what} '{name}'{colon}", hint, mend) if part))
