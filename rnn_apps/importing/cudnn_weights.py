"""Converts the weights of Keras 2's GPU-only CuDNNLSTM and CuDNNGRU to the layout of LSTM and GRU."""

import re

import h5py
import numpy as np

from rnn_apps.errors import UserError

CUDNN_LAYERS = {
    "CuDNNLSTM": ("LSTM", {"activation": "tanh", "recurrent_activation": "sigmoid"}),
    "CuDNNGRU": ("GRU", {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True}),
}
_NUM_GATES = (3, 4)  # of a GRU, of an LSTM


def has_cudnn_layers(config):
    """Return whether a configuration contains a cuDNN layer."""
    if isinstance(config, list):
        return any(map(has_cudnn_layers, config))
    if not isinstance(config, dict):
        return False
    return config.get("class_name") in CUDNN_LAYERS or any(map(has_cudnn_layers, config.values()))


def convert_cudnn_weights(path, weights):
    """Convert in place the weights of every cuDNN layer in an HDF5 file of Keras 2.

    A cuDNN layer is recognized by its bias vector, which joins the biases of the input and the recurrence.

    Args:
        path: path of the imported file, for the message.
        weights: HDF5 file with a copy of its weights.

    Raises:
        UserError: the weights do not have the layout of a whole .h5 model.
    """
    with h5py.File(weights, "r+") as file:
        if "model_weights" not in file:
            problem = "CuDNNLSTM and CuDNNGRU can only be imported from .h5 files"
            raise UserError(str(path), problem, fix='Save it with Keras 2: model.save("model.h5").')
        groups = []
        file.visititems(lambda name, item: groups.append(item) if isinstance(item, h5py.Group) else None)
        for group in groups:
            names = _weight_names(group)
            for triple in zip(names, names[1:], names[2:]):
                if all(isinstance(group.get(name), h5py.Dataset) for name in triple):
                    _convert(group, *triple)


def _weight_names(group):
    """Return the names of a layer's weights in order; Keras splits a long list over numbered attributes."""
    keys = [key for key in group.attrs if re.fullmatch(r"weight_names\d*", key)]
    keys.sort(key=lambda key: int(key.removeprefix("weight_names") or -1))
    names = [name for key in keys for name in np.atleast_1d(group.attrs[key])]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _convert(group, kernel, recurrent_kernel, bias):
    """Convert three consecutive weights if their shapes are those of a cuDNN layer."""
    shapes = [group[name].shape for name in (kernel, recurrent_kernel, bias)]
    if [len(shape) for shape in shapes] != [2, 2, 1]:
        return
    (_, columns), (units, width), (biases,) = shapes
    num_gates = width // units if units else 0
    if num_gates not in _NUM_GATES or not width == columns == num_gates * units or biases != 2 * width:
        return
    values = [group[name][()] for name in (kernel, recurrent_kernel, bias)]
    converted = [
        _each_gate(values[0], num_gates, lambda gate: gate.T.reshape(gate.shape, order="F")),
        _each_gate(values[1], num_gates, np.transpose),
        values[2].reshape(2, width) if num_gates == 3 else values[2].reshape(2, width).sum(0),
    ]
    for name, value in zip((kernel, recurrent_kernel, bias), converted):
        del group[name]
        group[name] = value


def _each_gate(weights, num_gates, change):
    return np.hstack([change(gate) for gate in np.hsplit(weights, num_gates)])
