"""Configurations of Keras 2 and early Keras 3 put into the words of the Keras that is installed."""

import copy

import keras

from rnn_apps.errors import UserError, printable
from rnn_apps.importing.allowed import GRAPHS, is_ours, module_of
from rnn_apps.importing.cudnn_weights import CUDNN_LAYERS

_RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D")
_WITHOUT_EFFECT = {
    "implementation": (*_RECURRENT, "SimpleRNNCell", "LSTMCell", "GRUCell"),
    "time_major": _RECURRENT,
    "unroll": _RECURRENT,
    "input_length": ("Embedding", *_RECURRENT),
    "input_dim": _RECURRENT,
    "noise_shape": ("SpatialDropout1D", "SpatialDropout2D"),
    "query_shape": ("MultiHeadAttention",),
    "key_shape": ("MultiHeadAttention",),
    "value_shape": ("MultiHeadAttention",),
    "renorm": ("BatchNormalization",),
    "virtual_batch_size": ("BatchNormalization",),
    "fused": ("BatchNormalization",),
    "quantization_config": ("Dense", "Embedding", "EinsumDense"),
}
_RENAMED = {("LeakyReLU", "alpha"): "negative_slope"}
_GATED = ("GRU", "GRUCell")


@keras.saving.register_keras_serializable(package="rnn_apps")
def keras2_hard_sigmoid(x):
    """The hard_sigmoid of Keras 1 and 2: clip(0.2 x + 0.5, 0, 1). That of Keras 3 has x / 6."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def modernized(path, config, version):
    """Return a configuration that this Keras reads, and what was changed for that, one line each.

    Args:
        path: of the file, for messages.
        config: as it was found, every name in it allowed.
        version: of the Keras that wrote it; "" is taken for an old one.

    Raises:
        UserError: it asks for something that no longer exists.
    """
    if version.startswith(("0.", "1.")):
        fix = "Load it with Keras 2 and save it again."
        raise UserError(str(path), f"a file of Keras {version}", expected="one of Keras 2 or 3", fix=fix)
    changes, config = [], copy.deepcopy(config)
    if not isinstance(config, dict) or config.get("class_name") not in GRAPHS:
        received = f"a {str(config.get('class_name'))[:60]}" if isinstance(config, dict) else "no model"
        raise UserError(str(path), received=received, expected="a functional or sequential model")
    old = not version.startswith("3") and "module" not in config or version[:1] in ("1", "2")
    return _Modernizer(str(path), old, changes).entry(config), list(dict.fromkeys(changes))


class _Modernizer:
    """Walks over a configuration."""

    def __init__(self, path, old, changes):
        self.path, self.old, self.changes = path, old, changes

    def entry(self, value):
        """A value with all that is in it."""
        if isinstance(value, list):
            return [self.entry(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "Sequential" and isinstance(value.get("config"), list):
            value = self._listed(value)
        if "class_name" in value and isinstance(value.get("config"), dict):
            value = self._object(value)
        return {key: self.entry(one) for key, one in value.items()}

    def _object(self, value):
        name, config = value["class_name"], value["config"]
        if name.startswith("__"):
            return value
        if name in CUDNN_LAYERS:
            name, fixed = CUDNN_LAYERS[value["class_name"]]
            self._say(f"{config.get('name', name)}: {value['class_name']} is now {name}")
            value, config = {**value, "class_name": name}, config | fixed
            value["config"] = config
        self._old_keys(name, config)
        if name in ("Model", "Functional"):
            value = {**value, "class_name": "Functional"}
            place = keras.saving.serialize_keras_object(_functional())["module"]
        elif name == "Policy":
            value, place = {**value, "class_name": "DTypePolicy"}, "keras"
        else:
            place = "keras" if name == "Sequential" else module_of(value)
        if name == "Sequential":
            self._first_input(config)
        kept = {k: v for k, v in value.items() if k in ("class_name", "config", "name", "inbound_nodes")}
        registered = value.get("registered_name")
        if not is_ours(value):
            registered = name if place.startswith("keras.src.ops") else None
        if name == "Sequential" and isinstance(value.get("build_config"), dict):
            kept["build_config"] = value["build_config"]
        return {**kept, "module": place, "registered_name": registered}

    def _listed(self, value):
        """The configuration of a sequential model that Keras before 2.2 wrote: a list of its layers."""
        name = value.get("name") or "sequential"
        self._say(f"{name}: its list of layers is now a configuration")
        return {**value, "config": {"name": name, "layers": value["config"]}}

    def _old_keys(self, name, config):
        where = config.get("name", name)
        if config.get("time_major"):
            fix = "Put a transposition of steps and batch into the model and save it without."
            raise UserError(
                self.path, f"{where}: time_major, inputs (steps, batch, features), is gone", fix=fix
            )
        if config.get("ragged"):
            raise UserError(self.path, f"{where}: ragged inputs are not imported", fix="Pad and mask them.")
        if name in ("Attention", "AdditiveAttention") and config.pop("causal", False):
            fix = "Call the layer with use_causal_mask=True in Keras 3."
            raise UserError(self.path, f"{where}: causal=True is not imported", fix=fix)
        for key, layers in _WITHOUT_EFFECT.items():
            if name in layers and key in config:
                if config[key]:
                    self._say(f"{where}: {key}={config[key]} left out, it has no effect on answers")
                del config[key]
        for (layer, key), new in _RENAMED.items():
            if name == layer and key in config:
                config[new] = config.pop(key)
                self._say(f"{where}: {key} is now {new}")
        if name == "InputLayer" and "batch_input_shape" in config:
            config["batch_shape"] = config.pop("batch_input_shape")
            self._say(f"{where}: batch_input_shape is now batch_shape")
        if name != "InputLayer" and config.pop("batch_input_shape", None):
            self._say(f"{where}: batch_input_shape left out, the input layer has it")
        shape = config.get("batch_shape")
        if name == "InputLayer" and isinstance(shape, list) and shape and shape[0] is not None:
            config["batch_shape"] = [None, *shape[1:]]
            self._say(f"{where}: a batch of {shape[0]} is now one of any size")
        if name in (*_RECURRENT, "VanillaRNN", "RecurrentLayer") and config.get("stateful"):
            config["stateful"] = False
            self._say(f"{where}: stateful left out, every input begins with a state of zeros")
        if name in _GATED and "reset_after" not in config:
            config["reset_after"] = False
            self._say(f"{where}: reset_after=False, as in the Keras that did not know it")
        axis = config.get("axis")
        if name == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
            config["axis"] = axis[0]
        if self.old:
            for key in ("activation", "recurrent_activation"):
                if config.get(key) == "hard_sigmoid":
                    config[key] = keras.saving.serialize_keras_object(keras2_hard_sigmoid)
                    self._say(f"{where}: {key} is the hard_sigmoid of Keras 2, which Keras 3 has not")

    def _first_input(self, config):
        """The shape that Keras 2 kept in the first layer of a sequential model becomes a layer."""
        layers = config.get("layers") or []
        first = layers[0].get("config") if layers and isinstance(layers[0], dict) else None
        if not isinstance(first, dict) or layers[0].get("class_name") == "InputLayer":
            return
        shape = first.pop("batch_input_shape", None)
        if shape is None and layers[0].get("class_name") == "Bidirectional":
            shape = first["layer"]["config"].pop("batch_input_shape", None)
        if shape is not None:
            dtype = "int32" if layers[0]["class_name"] == "Embedding" else "float32"
            given = {"batch_shape": shape, "dtype": dtype, "name": f"{first.get('name', 'first')}_input"}
            layers.insert(0, {"class_name": "InputLayer", "config": given})
            self._say(f"{first.get('name')}: batch_input_shape is now a layer of its own")

    def _say(self, line):
        self.changes.append(printable(line))


def _functional():
    given = keras.Input((1,))
    return keras.Model(given, keras.layers.Identity()(given))
