"""Eigenvalues of the recurrent matrix through training: below 1 a state is forgotten, above 1 it grows.

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

from rnn_apps.errors import UserError
from rnn_apps.layers import LSTMCell
from rnn_apps.reporting import drawing
from rnn_apps.reporting.pages import replace_file
from rnn_apps.reporting.views.recording import Network, first_size, recurrent_layers

LSTM_CELLS, LSTM_CANDIDATE = (LSTMCell, keras.layers.LSTMCell), 2  # gates i, f, c, o; of others the last
MOST_UNITS = 300
FEW = 4  # moments that are drawn


def recurrent_eigenvalues(network: Network) -> dict[str, np.ndarray]:
    """Returns for every recurrent level the eigenvalues of what carries h_{t-1} into the new content.

    Of a GRU or an LSTM that is the block of the candidate, of another cell with several gates the last
    block, of a recurrent vector the vector itself. Left out are cells whose recurrent kernel is no such
    matrix or vector, and those of more than 300 units, whose eigenvalues take seconds.

    Args:
        network: as for `hidden_states`, built.

    Returns:
        Name of the level to complex (units,), largest modulus first.
    """
    found = {}
    for path, layer in recurrent_layers(network):
        cells = layer.cell.cells if isinstance(layer.cell, keras.layers.StackedRNNCells) else [layer.cell]
        for level, cell in enumerate(cells):
            matrix = _candidate(cell)
            if matrix is not None:
                values = matrix.astype(complex) if matrix.ndim == 1 else np.linalg.eigvals(matrix)
                name = f"{path}/cell_{level}" if len(cells) > 1 else path
                found[name] = values[np.argsort(-np.abs(values), kind="stable")]
    return found


def _candidate(cell: Network) -> np.ndarray | None:
    """The square matrix, or the vector, of the new content; None where there is none."""
    kernel = getattr(cell, "recurrent_kernel", None)
    shape = tuple(getattr(kernel, "shape", ()))
    units = first_size(cell)
    gates, rest = divmod(shape[-1], units) if shape and units else (0, 0)
    if not gates or rest or shape[:-1] not in ((), (units,)) or units > MOST_UNITS:
        return None
    block = LSTM_CANDIDATE if isinstance(cell, LSTM_CELLS) else gates - 1
    values = ops.convert_to_numpy(kernel).astype(np.float64)[..., block * units : (block + 1) * units]
    return values if np.isfinite(values).all() else None


class EigenvalueHistory(keras.callbacks.Callback):
    """Keeps `recurrent_eigenvalues` before training and after every epoch.

    Args:
        network: whose they are; the model that is trained by default.
        path: JSON file in which they are kept too, so that a resumed training goes on with them.

    Raises:
        UserError: the file cannot be written.

    Attributes:
        epochs: epoch, 0 before the first, to name to complex (units,).
    """

    def __init__(self, network: Network | None = None, path: Path | None = None):
        super().__init__()
        self.network, self.path = network, path
        self.epochs: dict[int, dict[str, np.ndarray]] = _read(path)

    def on_train_begin(self, logs=None):
        """Keep those of the start, where it is one."""
        if not self.epochs and not int(self.model.optimizer.iterations):
            self._keep(0)

    def on_epoch_end(self, epoch, logs=None):
        """Keep those of the epoch; what a training that was taken up does anew replaces what was there."""
        self._keep(epoch + 1)

    def _keep(self, epoch: int):
        self.epochs = {number: values for number, values in self.epochs.items() if number < epoch}
        self.epochs[epoch] = recurrent_eigenvalues(self.network or self.model)
        if self.path is not None:
            self._write(Path(self.path))

    def _write(self, path: Path):
        kept = {str(e): {name: as_pairs(v) for name, v in found.items()} for e, found in self.epochs.items()}
        try:
            replace_file(path, json.dumps(kept).encode())
        except OSError as error:
            fix = "Make room, then resume the run."
            raise UserError(str(path), f"cannot be written ({error.strerror})", fix=fix) from error


def _read(path: Path | None) -> dict[int, dict[str, np.ndarray]]:
    if path is None or not Path(path).is_file():
        return {}
    kept = json.loads(Path(path).read_text(encoding="utf-8"))
    return {
        int(epoch): {name: from_pairs(pairs) for name, pairs in found.items()}
        for epoch, found in kept.items()
    }


def as_pairs(values: np.ndarray) -> list[list[float]]:
    """Returns complex numbers as JSON can hold them: real and imaginary parts, rounded to five digits."""
    return [[round(float(v.real), 5), round(float(v.imag), 5)] for v in values]


def from_pairs(pairs: Sequence[Sequence[float]]) -> np.ndarray:
    """Returns what `as_pairs` gave: complex (units,)."""
    return np.array([complex(*pair) for pair in pairs])


def eigenvalue_figure(epochs: Mapping[int, np.ndarray]) -> Figure:
    """Returns the eigenvalues of one level in the complex plane, and the largest modulus by epoch.

    Args:
        epochs: epoch, 0 before the first, to complex (units,).
    """
    figure = drawing.View(figsize=(7.2, 3.6), layout="constrained")
    plane, radius = figure.subplots(1, 2, width_ratios=(1, 1))
    for axes in (plane, radius):
        drawing.plain(axes)
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    plane.plot(circle.real, circle.imag, ":", color=drawing.INK, linewidth=1)
    numbers = sorted(epochs)
    chosen = sorted({numbers[round(i)] for i in np.linspace(0, len(numbers) - 1, min(FEW, len(numbers)))})
    colours = colormaps["cividis"](np.linspace(0.9, 0.0, len(chosen)))
    for epoch, colour, marker in zip(chosen, colours, "osD^"):
        label = "start" if epoch == 0 else f"epoch {epoch}"
        shown = {"color": colour, "markersize": 4, "markeredgecolor": "white", "markeredgewidth": 0.3}
        plane.plot(epochs[epoch].real, epochs[epoch].imag, marker, label=label, **shown)
    plane.set(aspect="equal", xlabel="real part", ylabel="imaginary part")
    largest = [np.abs(epochs[number]).max() for number in numbers]
    radius.plot(numbers, largest, "o-", color=drawing.BLUE, markersize=4)
    radius.axhline(1, color=drawing.INK, linestyle=":", linewidth=1)
    radius.set(xlabel="epoch", ylabel="largest modulus", ylim=(0, max(1.1, 1.1 * max(largest))))
    radius.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=len(chosen))
    return figure
