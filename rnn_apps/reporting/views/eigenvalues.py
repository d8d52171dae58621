"""Eigenvalues of the recurrent matrix during training: below 1 a state decays, above 1 it grows.

Reference: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnn_apps.disk import replace_file
from rnn_apps.errors import UserError
from rnn_apps.layers import LSTMCell
from rnn_apps.reporting import drawing
from rnn_apps.reporting.views.recording import Network, cells_of, recurrent_layers, state_units

LSTM_CELLS, LSTM_CANDIDATE = (LSTMCell, keras.layers.LSTMCell), 2  # gates i, f, c, o
MAX_UNITS = 300
MAX_EPOCHS_DRAWN = 4


def recurrent_eigenvalues(network: Network) -> dict[str, np.ndarray]:
    """Return for every recurrent layer the eigenvalues of the matrix from h_{t-1} to the candidate state.

    For a GRU or an LSTM that is the block of the candidate; for another cell with several gates, the last
    block; for a recurrent vector, the vector itself. Cells without such a matrix or vector are skipped, and
    so are those of more than 300 units, whose eigenvalues take seconds.

    Args:
        network: built network, see `hidden_states`.

    Returns:
        Name of the layer to complex (units,), largest modulus first.
    """
    eigenvalues = {}
    for path, layer in recurrent_layers(network):
        cells = cells_of(layer)
        for number, cell in enumerate(cells):
            matrix = _candidate_matrix(cell)
            if matrix is not None:
                values = matrix.astype(complex) if matrix.ndim == 1 else np.linalg.eigvals(matrix)
                name = f"{path}/cell_{number}" if len(cells) > 1 else path
                eigenvalues[name] = values[np.argsort(-np.abs(values), kind="stable")]
    return eigenvalues


def _candidate_matrix(cell: Network) -> np.ndarray | None:
    kernel = getattr(cell, "recurrent_kernel", None)
    shape = tuple(getattr(kernel, "shape", ()))
    units = state_units(cell)
    gates, rest = divmod(shape[-1], units) if shape and units else (0, 0)
    if not gates or rest or shape[:-1] not in ((), (units,)) or units > MAX_UNITS:
        return None
    block = LSTM_CANDIDATE if isinstance(cell, LSTM_CELLS) else gates - 1
    values = ops.convert_to_numpy(kernel).astype(np.float64)[..., block * units : (block + 1) * units]
    return values if np.isfinite(values).all() else None


class EigenvalueHistory(keras.callbacks.Callback):
    """Stores `recurrent_eigenvalues` before training and after every epoch.

    Args:
        network: the network to measure; by default the model that is trained.
        path: JSON file that stores the history too, so that a resumed training continues it.

    Raises:
        UserError: the file cannot be written.

    Attributes:
        epochs: epoch, 0 before the first, to name to complex (units,).
    """

    def __init__(self, network: Network | None = None, path: Path | None = None):
        super().__init__()
        self.network, self.path = network, None if path is None else Path(path)
        self.epochs: dict[int, dict[str, np.ndarray]] = {}
        if self.path is not None and self.path.is_file():
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            self.epochs = {
                int(epoch): {name: from_pairs(pairs) for name, pairs in layers.items()}
                for epoch, layers in stored.items()
            }

    def on_train_begin(self, logs=None):
        """Store the eigenvalues of the initial weights, unless training has already begun."""
        if not self.epochs and not int(self.model.optimizer.iterations):
            self._store(0)

    def on_epoch_end(self, epoch, logs=None):
        """Store the eigenvalues of the epoch, replacing this and later epochs of an interrupted training."""
        self._store(epoch + 1)

    def _store(self, epoch: int):
        self.epochs = {number: values for number, values in self.epochs.items() if number < epoch}
        self.epochs[epoch] = recurrent_eigenvalues(self.network or self.model)
        if self.path is None:
            return
        stored = {
            str(number): {name: to_pairs(values) for name, values in layers.items()}
            for number, layers in self.epochs.items()
        }
        try:
            replace_file(self.path, json.dumps(stored).encode())
        except OSError as error:
            fix = "Free some disk space, then resume the run."
            raise UserError(str(self.path), f"cannot be written ({error.strerror})", fix=fix) from error


def to_pairs(values: np.ndarray) -> list[list[float]]:
    """Return complex numbers for JSON: real and imaginary parts, rounded to five decimals."""
    return [[round(float(v.real), 5), round(float(v.imag), 5)] for v in values]


def from_pairs(pairs: Sequence[Sequence[float]]) -> np.ndarray:
    """Return the complex numbers, (units,), of `to_pairs`."""
    return np.array([complex(*pair) for pair in pairs])


def eigenvalue_figure(epochs: Mapping[int, np.ndarray]) -> Figure:
    """Return the eigenvalues of one layer in the complex plane, and the largest modulus by epoch.

    Args:
        epochs: epoch, 0 before the first, to complex (units,).
    """
    figure = drawing.View(figsize=(7.2, 3.6), layout="constrained")
    plane, radius = figure.subplots(1, 2)
    drawing.style_axes(plane)
    drawing.style_axes(radius)
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    plane.plot(circle.real, circle.imag, ":", color=drawing.INK, linewidth=1)
    numbers = sorted(epochs)
    indices = np.linspace(0, len(numbers) - 1, min(MAX_EPOCHS_DRAWN, len(numbers)))
    drawn = sorted({numbers[round(index)] for index in indices})
    colours = colormaps["cividis"](np.linspace(0.9, 0.0, len(drawn)))
    style = {"markersize": 4, "markeredgecolor": "white", "markeredgewidth": 0.3}
    for epoch, colour, marker in zip(drawn, colours, "osD^"):
        label, values = "start" if epoch == 0 else f"epoch {epoch}", epochs[epoch]
        plane.plot(values.real, values.imag, marker, label=label, color=colour, **style)
    plane.set(aspect="equal", xlabel="real part", ylabel="imaginary part")
    largest = [np.abs(epochs[number]).max() for number in numbers]
    radius.plot(numbers, largest, "o-", color=drawing.BLUE, markersize=4)
    radius.axhline(1, color=drawing.INK, linestyle=":", linewidth=1)
    radius.set(xlabel="epoch", ylabel="largest modulus", ylim=(0, max(1.1, 1.1 * max(largest))))
    radius.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=len(drawn))
    return figure
