"""A dict that computes its values when they are needed."""

from collections import UserDict

_NOT_COMPUTED = object()


class LazyDict(UserDict):
    """A dict whose values are computed when they are first used.

    Args:
        keys: the keys.
        compute: function from a key to its value.
    """

    def __init__(self, keys, compute):
        super().__init__(dict.fromkeys(keys, _NOT_COMPUTED))
        self._compute = compute

    def __getitem__(self, key):
        if self.data[key] is _NOT_COMPUTED:
            self.data[key] = self._compute(key)
        return self.data[key]
