"""The only door to models: the cache, LiteLLM, retries, limits, and the judges that need no network."""

from judgebench._util.lazy import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
