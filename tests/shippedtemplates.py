"""The templates that ship, each read once in a process."""

from functools import cache

from judgebench.templates.template import load_template, shipped_templates

NAMES = sorted(shipped_templates())
loaded = cache(load_template)
