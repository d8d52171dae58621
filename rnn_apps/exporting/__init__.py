"""Models out: a SavedModel, ONNX, LiteRT, or plain layers of Keras; each is run and compared once written."""

from rnn_apps.exporting.demo_files import GIVEN
from rnn_apps.exporting.formats import FORMATS, WEIGHTS, check_packages, export_model, place_of
from rnn_apps.exporting.saved_model import export_saved_model

__all__ = ["FORMATS", "GIVEN", "WEIGHTS", "check_packages", "export_model", "export_saved_model", "place_of"]
