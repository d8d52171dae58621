"""Exports of a trained network, one class per format; each file is run and compared once it is written."""

from rnn_apps.export.demo_files import EXAMPLES_FILE
from rnn_apps.export.formats import (
    FORMATS,
    ExportFormat,
    export_model,
    export_subdir,
    get_format,
    register_format,
    weight_types,
)

__all__ = [
    "FORMATS",
    "EXAMPLES_FILE",
    "ExportFormat",
    "export_model",
    "export_subdir",
    "get_format",
    "register_format",
    "weight_types",
]
