"""Models of Keras, from Keras 2 to the newest, taken in as if a stranger had made them.

Keras is imported on first use of `import_model`: the process that reads a file does without.
"""

import importlib

__all__ = ["Imported", "import_model"]


def __getattr__(name):
    if name in __all__:
        return getattr(importlib.import_module("rnn_apps.importing.importing"), name)
    raise AttributeError(f"module 'rnn_apps.importing' has no attribute {name!r}")
