"""A SavedModel behind TensorFlow Serving's REST paths; it imports nothing of ours but the errors."""

from rnn_apps.serving.server import serve

__all__ = ["serve"]
