"""Writes files in the format of Keras 2 with h5py: a configuration and the weights of each layer."""

import json

import h5py
import numpy as np


def write_h5(path, layers, weights, version="2.2.4", config=None):
    """Write a whole sequential model and return its path.

    Args:
        path: path of the file.
        layers: configurations, ``{"class_name": ..., "config": {"name": ..., ...}}``.
        weights: layer name to weight name to array, in order.
        version: version of Keras.
        config: configuration of the model; by default that of a sequential model with `layers`.
    """
    config = config or {"class_name": "Sequential", "config": {"name": "old", "layers": layers}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        group = file.create_group("model_weights")
        names = [layer["config"]["name"] for layer in layers]
        for attrs in (file.attrs, group.attrs):
            attrs["keras_version"], attrs["backend"] = version.encode(), b"tensorflow"
        group.attrs["layer_names"] = np.array([name.encode() for name in names])
        for name in names:
            arrays = {f"{name}/{key}:0": value for key, value in weights.get(name, {}).items()}
            of_layer = group.create_group(name)
            of_layer.attrs["weight_names"] = np.array([key.encode() for key in arrays], "S")
            for key, value in arrays.items():
                of_layer[key] = np.asarray(value, "float32")
    return path
