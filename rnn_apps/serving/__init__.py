"""A SavedModel behind TensorFlow Serving's REST paths; it imports nothing of ours but the errors.

The demo page over it may read files of visitors with `data` as well.
"""

from rnn_apps.serving.server import serve

__all__ = ["serve"]
