"""Models of Keras, from Keras 2 to the newest, taken in as if a stranger had made them."""

from rnn_apps.importing.importing import Imported, import_model

__all__ = ["Imported", "import_model"]
