"""Tests that model files of other programs are recognized, refused with a fix, and never opened."""

import json
import pickle
import zipfile

import numpy as np
import pytest

from rnn_apps.errors import UserError
from rnn_apps.importing.archive import open_model


class Payload:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def torch_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(Payload()))
        archive.writestr("model/data/0", bytes(16))


def safetensors(path):
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


def folder_with(name):
    def make(path):
        path.mkdir()
        (path / name).write_bytes(b"\x08\x01")

    return make


MAKERS = {
    "model.pt": (torch_archive, "a PyTorch file"),
    "renamed.keras": (torch_archive, "a PyTorch file"),
    "old.pth": (lambda path: path.write_bytes(pickle.dumps(Payload(), protocol=2)), "a PyTorch file"),
    "model.pkl": (lambda path: path.write_bytes(pickle.dumps(Payload())), "a pickle or joblib file"),
    "model.joblib": (lambda path: path.write_bytes(b"\x78\x9c compressed"), "a pickle or joblib file"),
    "model.safetensors": (safetensors, "a safetensors file"),
    "weights.bin": (safetensors, "a safetensors file"),
    "model.onnx": (lambda path: path.write_bytes(b"\x08\x08\x12\x07pytorch"), "an ONNX file"),
    "model.tflite": (lambda path: path.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(8)), "a TensorFlow Lite"),
    "arrays.npz": (lambda path: np.savez(path, x=np.ones(3)), "a NumPy file"),
    "model.json": (lambda path: path.write_text("{}"), "a JSON file, which holds no weights"),
    "saved": (folder_with("saved_model.pb"), "a SavedModel, which is a program"),
    "saved_model.pb": (lambda path: path.write_bytes(b"\x08\x01"), "a SavedModel, which is a program"),
    "hub": (folder_with("model.safetensors"), "a safetensors file"),
    "checkpoint": (folder_with("ckpt-1.index"), "a TensorFlow checkpoint"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_another_format_is_recognised(name, tmp_path):
    make, kind = MAKERS[name]
    make(tmp_path / name)
    (tmp_path / "unpacked").mkdir()
    with (
        pytest.raises(UserError, match=f"{name}: {kind}.*; expected a model that Keras saved.*[.]$"),
        open_model(tmp_path / name, tmp_path / "unpacked"),
    ):
        pass
    assert not list((tmp_path / "unpacked").iterdir())
