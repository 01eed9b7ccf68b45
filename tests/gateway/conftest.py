from tests.support.bounds import bounded

__all__ = ["bounded"]
