"""Measures what the report's views show of a trained network, on a few test inputs."""

import numpy as np

from rnn_apps.reporting.views import (
    gradient_norms,
    hidden_states,
    unrolled,
    untrained_gradient_norms,
)
from rnn_apps.reporting.views.eigenvalues import to_pairs

EIGENVALUES = "logs/eigenvalues.json"
NUM_HEAT_MAPS = 2


def diagnostics(prepared, shape, eigenvalues):
    """Return the content of `views.json`: the unrolled network, states, gradient norms, and eigenvalues.

    Args:
        prepared: `PreparedTask` with a trained network and a test split.
        shape: shape of the recurrence, a name of `rnn_apps.tasks.shapes.SHAPES`.
        eigenvalues: `EigenvalueHistory` of the training.
    """
    examples = prepared.dataset.view_examples(prepared.predictor)
    network, inputs = examples.network, examples.inputs
    layers = [layer for layer in hidden_states(network, inputs) if _steps_of(layer.name, examples.steps)]
    own = gradient_norms(
        network, inputs, examples.targets, lambda targets, out: prepared.objective.loss(out, targets)
    )
    read = next(layer for layer in layers if not _is_backward(layer.name))
    units = read.values.shape[-1]
    mask = None if read.mask.all() else read.mask
    gradients = {layer.name: own[layer.name] for layer in layers if not _is_backward(layer.name)}
    epochs, tops = eigenvalues.epochs, _top_layers(layers, examples.steps)
    return {
        "network": unrolled(network, shape, tuple(examples.steps)).as_dict(),
        "states": [_states(layer, examples.steps, NUM_HEAT_MAPS // len(tops)) for layer in tops],
        "gradients": {
            "trained": {name: _rounded(norms) for name, norms in gradients.items()},
            "fresh": {
                name: _rounded(norms)
                for name, norms in untrained_gradient_norms(read.inputs, units, mask=mask).items()
            },
        },
        "eigenvalues": {
            name: {str(epoch): to_pairs(found[name]) for epoch, found in epochs.items() if name in found}
            for name in (epochs[max(epochs)] if epochs else ())
        },
    }


def _steps_of(name, steps):
    """The names of the steps that a layer reads, or None if they are not known."""
    path = next((path for path in steps if not path or name.split("/")[0] == path), None)
    return None if path is None else steps[path]


def _is_backward(name):
    return "backward" in name.rpartition("/")[2]


def _top_layers(layers, steps):
    """The topmost forward layers among those that read the same steps."""
    top = {id(_steps_of(layer.name, steps)): layer for layer in layers if not _is_backward(layer.name)}
    return list(top.values())


def _states(layer, steps, count):
    names = _steps_of(layer.name, steps)
    shown = [row for row in range(len(layer.values)) if layer.mask[row].any()][: max(1, count)]
    return {"layer": layer.name, "inputs": [_of_input(layer, row, names[row]) for row in shown]}


def _of_input(layer, row, names):
    """States at the valid steps, with their names; a layer that reads fewer steps reads the last ones."""
    values = layer.values[row][layer.mask[row]]
    count = min(len(values), len(names))
    return {"steps": names[-count:], "values": np.round(values[-count:].astype(float), 3).tolist()}


def _rounded(values):
    return [float(f"{value:.4g}") for value in values]
