"""The export formats: a literal table of where each one is defined, resolved on use."""

# Name to "module:Class", or to a class that `rnn_apps.export.register_format` added.
FORMATS: dict[str, str | type] = {
    "saved_model": "rnn_apps.export.saved_model:SavedModel",
    "onnx": "rnn_apps.export.onnx:Onnx",
    "litert": "rnn_apps.export.litert:LiteRT",
    "micro": "rnn_apps.export.micro.format:Micro",
    "keras": "rnn_apps.export.keras_layers:KerasLayers",
}
