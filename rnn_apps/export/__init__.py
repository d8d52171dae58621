"""Exports trained networks, with one class per format; every exported file is run and compared."""

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
