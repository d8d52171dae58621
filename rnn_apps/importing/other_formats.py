"""Recognizes model files of other programs by their first bytes and member names, without reading them."""

import zipfile
from pathlib import Path

_COPY = (
    "Build the same network with keras.layers, copy its weights, and import it: "
    'rnn_apps.import_model(model). "Imported models" in the documentation shows the copying.'
)
_SAVE = 'Load it with the program that wrote it and save the Keras model: model.save("model.keras").'
_TORCH = ("a PyTorch file, which is a pickle and is never opened here", _COPY)
_PICKLE = ("a pickle or joblib file, which can run any code and is never opened here", _SAVE)
_SAFETENSORS = ("a safetensors file, which holds weights and no network", _COPY)
_ONNX = ("an ONNX file, which holds operations and no layers", f"Save the original model. {_COPY}")
_LITERT = (
    "a TensorFlow Lite (LiteRT) file, which holds operations and no layers",
    "Import the original Keras model.",
)
_SAVED_MODEL = ("a SavedModel, which is a program and not a description of layers", _SAVE)
_CHECKPOINT = ("a TensorFlow checkpoint, which holds weights and no network", _SAVE)
_ARRAYS = ("a NumPy file, which holds arrays and no network", _SAVE)
_JSON = ("a JSON file, which holds no weights", _SAVE)
_MAGIC = {
    b"\x80\x02\x8a\x0al\xfc\x9cF\xf9": _TORCH,  # PyTorch before 1.6
    b"\x93NUMPY": _ARRAYS,
    b"GGUF": ("a GGUF file, which holds weights for llama.cpp", _COPY),
}
_SUFFIXES = {
    ".pt": _TORCH,
    ".pth": _TORCH,
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".joblib": _PICKLE,
    ".safetensors": _SAFETENSORS,
    ".onnx": _ONNX,
    ".tflite": _LITERT,
    ".pb": _SAVED_MODEL,
    ".ckpt": _CHECKPOINT,
    ".index": _CHECKPOINT,
    ".json": _JSON,
}
_MAX_PICKLE_PROTOCOL = 5


def other_format(path):
    """Return the format of a file or folder and a fix, as texts, or None if it is unknown.

    Args:
        path: path that the user gave for a Keras model.
    """
    path = Path(path)
    if path.is_dir():
        return _folder_format(path)
    with open(path, "rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04"):
        return _archive_format(path)
    known = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)
    if known:
        return known
    if start[4:8] == b"TFL3":
        return _LITERT
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size:
        return _SAFETENSORS
    if start[:1] == b"\x80" and 2 <= int.from_bytes(start[1:2], "little") <= _MAX_PICKLE_PROTOCOL:
        return _TORCH if path.suffix in (".pt", ".pth") else _PICKLE
    return _SUFFIXES.get(path.suffix.lower())


def _archive_format(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith("data.pkl") for name in names):
        return _TORCH
    return _ARRAYS if names and all(name.endswith(".npy") for name in names) else None


def _folder_format(path):
    names = {child.name for child in path.iterdir()}
    if "saved_model.pb" in names:
        return _SAVED_MODEL
    suffixes = {Path(name).suffix for name in names}
    if ".safetensors" in suffixes:
        return _SAFETENSORS
    if "pytorch_model.bin" in names or suffixes & {".pt", ".pth"}:
        return _TORCH
    return _CHECKPOINT if ".index" in suffixes else None
