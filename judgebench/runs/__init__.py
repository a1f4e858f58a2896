"""Runs as folders on disk: what they hold, how they are named, read, scored and shown."""

from judgebench._util.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
