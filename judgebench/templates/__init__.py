"""A template: found, checked, rendered, and what is wrong with its words."""

from judgebench._util.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
