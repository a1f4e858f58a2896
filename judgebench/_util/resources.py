"""Where the files that ship are: the templates, the judges, the sample."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


def shipped(*parts: str) -> Path:
    """The path of a file or folder that ships, whether or not it is there.

    Args:
        *parts: Its path as it stands in the repository, such as `"prompt_templates", "pairwise.jinja"`.

    Returns:
        The copy that a wheel carries, else the one at the top of the repository (a clone, an editable install).
    """
    return _top(__file__).joinpath(*parts)


@lru_cache(maxsize=1)
def _top(this_file: str) -> Path:
    package = Path(this_file).resolve().parent.parent
    carried = package / "_shipped"
    return carried if carried.is_dir() else package.parent
