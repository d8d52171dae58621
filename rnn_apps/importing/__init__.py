"""Imports untrusted Keras models, from Keras 2 to the newest version.

Keras is loaded on first use of `import_model`: the process that reads a file works without it.
"""

import importlib

__all__ = ["Imported", "import_model"]


def __getattr__(name):
    if name in __all__:
        return getattr(importlib.import_module("rnn_apps.importing.importing"), name)
    raise AttributeError(f"module 'rnn_apps.importing' has no attribute {name!r}")
