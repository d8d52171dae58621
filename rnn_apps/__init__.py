"""rnn-apps: recurrent networks with Keras 3, from one YAML recipe to a trained, measured and exported RNN.

TensorFlow is imported on first use of something that needs it.
"""

import importlib
import sys

__all__ = [
    "__version__",
    "from_keras",
    "import_model",
    "layers",
    "load_model",
    "load_recipe",
    "open_run",
    "prepare",
    "run",
    "to_keras",
    "tune",
    "views",
]

__version__ = "0.1.0"

_PLACES = {
    "from_keras": "rnn_apps.layers",
    "import_model": "rnn_apps.runs",
    "load_recipe": "rnn_apps.recipe",
    "open_run": "rnn_apps.runs",
    "prepare": "rnn_apps.runs",
    "run": "rnn_apps.runs",
    "to_keras": "rnn_apps.layers",
    "tune": "rnn_apps.tuning",
}
_MODULES = {"layers": "rnn_apps.layers", "views": "rnn_apps.reporting.views"}


def load_model(path, **options):
    """Return a `keras.Model` from a .keras file that may hold our layers.

    Args:
        path: the file.
        **options: of `keras.models.load_model`.
    """
    _register_layers()
    return importlib.import_module("keras").models.load_model(path, **options)


def _register_layers():
    for name in ("sequence_decoder", "sequence_encoder", "visual_encoder"):
        importlib.import_module(f"rnn_apps.models.{name}")


def __getattr__(name):
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'rnn_apps' has no attribute {name!r}")


def __dir__():
    return __all__


if "keras" in sys.modules:
    _register_layers()
