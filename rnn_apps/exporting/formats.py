"""The formats in which a network leaves, and what is written beside it."""

import importlib.util
from pathlib import Path
from typing import NamedTuple

from rnn_apps.errors import UserError, did_you_mean, shown
from rnn_apps.exporting.client_files import write_client
from rnn_apps.exporting.keras_layers import write_keras_layers
from rnn_apps.exporting.litert import TOLERANCES, write_litert
from rnn_apps.exporting.onnx import write_onnx
from rnn_apps.exporting.saved_model import export_saved_model

__all__ = ["FORMATS", "WEIGHTS", "Written", "check_packages", "export_model", "place_of"]

FORMATS = ("saved_model", "onnx", "litert", "keras")
WEIGHTS = ("float32", "float16", "int8")
_PACKAGES = {"onnx": ("tf2onnx", "onnxruntime"), "litert": ("ai_edge_litert",)}
_SMALLER = {"litert": ("float16", "int8"), "onnx": ("int8",)}
_PLACES = {"saved_model": "export/1"}


class Written(NamedTuple):
    """One file of an export, after it was run beside the network that it came from.

    Args:
        name: of the file.
        bytes: of it.
        difference: largest between its answers and the network's, relative beside answers larger than 1.
        agreement: part of the answers whose highest entry is the same; None where nothing is chosen.
        milliseconds: a call for one example, median.
    """

    name: str
    bytes: int
    difference: float
    agreement: float | None
    milliseconds: float


def check_packages(name):
    """Raise UserError if a package that a format needs is not installed."""
    for package in _PACKAGES.get(name, ()):
        if importlib.util.find_spec(package) is None:
            problem = f"{name} needs {package}, which is not installed"
            raise UserError("export", problem, fix=f"pip install 'rnn-apps[{name}]'")


def place_of(name, weights="float32"):
    """Return where in a run folder a format lies."""
    return _PLACES.get(name, f"export/{name}" + ("" if weights == "float32" else f"_{weights}"))


def export_model(predictor, name, folder, weights="float32", examples=None, steps=None):
    """Write a network into a folder that does not exist yet, and verify its answers.

    Args:
        predictor: `Predictor` of the trained network.
        name: one of `FORMATS`.
        folder: path.
        weights: one of `WEIGHTS`; others than float32 are for LiteRT, and int8 for ONNX.
        examples: folder of a run with what its test part was given, for a SavedModel's demo page, or None.
        steps: length of the inputs of a LiteRT file; None takes that of the task.

    Returns:
        A list of `Written`, empty for a SavedModel.

    Raises:
        UserError: no such format, a package that it needs is not installed, or the network has no such form.
        RnnAppsError: the answers differ by more than the format's tolerance.
    """
    if name not in FORMATS:
        raise UserError("--format", f"no such format {shown(name)}", fix=did_you_mean(name, FORMATS))
    if weights not in WEIGHTS:
        raise UserError("--weights", received=shown(weights), expected=", ".join(WEIGHTS))
    if weights not in ("float32", *_SMALLER.get(name, ())):
        has = f"no {weights}" if name in _SMALLER else "float32"
        fix = "float16 and int8 are for litert, int8 is for onnx too."
        raise UserError("--weights", f"{name} has {has} weights", fix=fix)
    check_packages(name)
    if steps is not None and name != "litert":
        problem = f"{name} takes sequences of any length"
        raise UserError("--steps", problem, fix="Leave it out; it is for --format litert.")
    folder = Path(folder)
    if name == "saved_model":
        export_saved_model(predictor, folder, examples)
        return []
    parts = predictor.network_parts()
    if steps is not None:
        parts = _of_length(parts, steps)
    folder.mkdir()
    if name == "keras":
        return [Written(*row) for row in write_keras_layers(parts, folder)]
    written = (write_onnx if name == "onnx" else write_litert)(parts, folder, weights)
    write_client(predictor, parts, folder, name, TOLERANCES[weights])
    return [Written(*row) for row in written]


def _of_length(parts, steps):
    """The parts with another length of their sequences, for a format with fixed shapes."""
    chosen = [part for part in parts if part.most_steps is not None]
    if not chosen:
        problem = "the length of this network's inputs cannot be chosen"
        raise UserError("--steps", problem, fix="Leave it out.")
    most = min(part.most_steps for part in chosen)
    if not 1 <= steps <= most:
        raise UserError("--steps", received=str(steps), expected=f"1 to {most:,}, what the network reads")
    return [
        part._replace(steps=steps, least_steps=min(steps, part.least_steps)) if part in chosen else part
        for part in parts
    ]
