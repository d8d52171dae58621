"""The export formats: a literal table of where each one is defined, resolved on use."""

# Name to "module:Class", or to a class that `rnn_apps.exporting.register_format` added.
FORMATS: dict[str, str | type] = {
    "saved_model": "rnn_apps.exporting.saved_model:SavedModel",
    "onnx": "rnn_apps.exporting.onnx:Onnx",
    "litert": "rnn_apps.exporting.litert:LiteRT",
    "keras": "rnn_apps.exporting.keras_layers:KerasLayers",
}
