"""The templates that ship, each read once in a process."""

from collections.abc import Mapping
from functools import cache

from judgebench.templates.template import load_template, shipped_templates

NAMES = sorted(shipped_templates())
loaded = cache(load_template)


class Rules(Mapping):
    """The rules of templates by name, each read when it is first looked at: to collect the tests takes none of them."""

    def __init__(self, names):
        self._names = names

    def __getitem__(self, name):
        if name not in self._names:
            raise KeyError(name)
        return loaded(name).rule

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)
