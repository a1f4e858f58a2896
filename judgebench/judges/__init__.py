"""Who is asked: providers.yaml into typed judges, keys, prices; no network."""

from judgebench._util.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
