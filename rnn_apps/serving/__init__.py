"""Serves a SavedModel over TensorFlow Serving's REST API.

Of the other packages it imports `errors` only; its demo page also reads uploaded files with `data`.
"""

from rnn_apps.serving.server import serve

__all__ = ["serve"]
