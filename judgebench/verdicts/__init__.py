"""A reply and a rule into a verdict with its place, or a failure."""

from judgebench._util.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
