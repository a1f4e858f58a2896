"""Lines of JSON as Python's own reader takes them, in less than half the time.

With `json.loads` alone the row "resumed done run" of benchmarks/speed.py takes 8% more.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic_core import core_schema, from_json

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, ValidationError


class _AnyText:
    """A text as it is; as Pydantic's `InstanceOf`, but for that one's call of Python whenever a text is written."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        instance = core_schema.is_instance_schema(source)
        return core_schema.json_or_python_schema(json_schema=handler(source), python_schema=instance)


AnyText = Annotated[str, _AnyText]
"""Any text: Pydantic's own `str` refuses the lone surrogates that some models send and some files' names have."""


def first_error(error: ValidationError) -> str:
    """Where the first mistake is and what it is, on one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def loads(text: str | bytes) -> Any:
    """As `json.loads`, by Pydantic's parser.

    What that does not take (halves of surrogate pairs, values nested more than 200 deep) goes to `json.loads`, whose
    errors are the ones that are raised.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deep.
    """
    try:
        return from_json(text)
    except (TypeError, ValueError):
        return json.loads(text)
