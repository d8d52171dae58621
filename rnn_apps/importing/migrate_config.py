"""Migrates configurations of Keras 2 and early Keras 3 to the installed version of Keras."""

import copy

import keras

from rnn_apps.errors import UserError, printable
from rnn_apps.importing.allowlist import GRAPHS, is_rnn_apps_layer, module_of
from rnn_apps.importing.cudnn_weights import CUDNN_LAYERS

_RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D")
_NO_EFFECT = {
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
_GATED = ("GRU", "GRUCell")


@keras.saving.register_keras_serializable(package="rnn_apps")
def keras2_hard_sigmoid(x):
    """The hard_sigmoid of Keras 1 and 2, clip(0.2 x + 0.5, 0, 1); that of Keras 3 has the slope 1/6."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def migrate_config(path, config, version):
    """Return a configuration that this Keras can read, and one line for each change.

    Args:
        path: path of the file, for messages.
        config: configuration from the file, in which every name is allowed.
        version: Keras version that wrote it; "" is treated as an old one.

    Raises:
        UserError: the configuration uses something that no longer exists.
    """
    if version.startswith(("0.", "1.")):
        fix, expected = "Load it with Keras 2 and save it again.", "one of Keras 2 or 3"
        raise UserError(str(path), f"a file of Keras {version}", expected=expected, fix=fix)
    config = copy.deepcopy(config)
    if not isinstance(config, dict) or config.get("class_name") not in GRAPHS:
        received = f"a {str(config.get('class_name'))[:60]}" if isinstance(config, dict) else "no model"
        raise UserError(str(path), received=received, expected="a functional or sequential model")
    is_keras2 = not version.startswith("3") and "module" not in config or version[:1] in ("1", "2")
    migration = _Migration(str(path), is_keras2)
    return migration.migrate(config), list(dict.fromkeys(migration.changes))


class _Migration:
    def __init__(self, path, is_keras2):
        self.path, self.is_keras2, self.changes = path, is_keras2, []

    def migrate(self, value):
        """Migrate a value and everything in it."""
        if isinstance(value, list):
            return [self.migrate(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "Sequential" and isinstance(value.get("config"), list):
            name = value.get("name") or "sequential"  # Keras before 2.2 wrote a list of layers
            self._log(f"{name}: its list of layers is now a configuration")
            value = {**value, "config": {"name": name, "layers": value["config"]}}
        if "class_name" in value and isinstance(value.get("config"), dict):
            value = self._migrate_object(value)
        return {key: self.migrate(item) for key, item in value.items()}

    def _migrate_object(self, value):
        name, config = value["class_name"], value["config"]
        if name.startswith("__"):
            return value
        if name in CUDNN_LAYERS:
            new_name, options = CUDNN_LAYERS[name]
            self._log(f"{config.get('name', new_name)}: {name} is now {new_name}")
            name, config = new_name, config | options
            value = {**value, "class_name": name, "config": config}
        self._migrate_options(name, config)
        module = module_of(value)
        if name in ("Model", "Functional"):
            value = {**value, "class_name": "Functional"}
            module = keras.saving.serialize_keras_object(_functional_model())["module"]
        elif name == "Policy":
            value, module = {**value, "class_name": "DTypePolicy"}, "keras"
        elif name == "Sequential":
            module = "keras"
            self._add_input_layer(config)
        kept = {k: v for k, v in value.items() if k in ("class_name", "config", "name", "inbound_nodes")}
        registered = value.get("registered_name")
        if not is_rnn_apps_layer(value):
            registered = name if module.startswith("keras.src.ops") else None
        if name == "Sequential" and isinstance(value.get("build_config"), dict):
            kept["build_config"] = value["build_config"]
        return {**kept, "module": module, "registered_name": registered}

    def _migrate_options(self, name, config):
        where = config.get("name", name)
        self._refuse_removed_options(name, config, where)
        for key, layers in _NO_EFFECT.items():
            if name in layers and (value := config.pop(key, None)):
                self._log(f"{where}: {key}={value} removed, it has no effect on the outputs")
        if name == "LeakyReLU" and "alpha" in config:
            config["negative_slope"] = config.pop("alpha")
            self._log(f"{where}: alpha is now negative_slope")
        if name == "InputLayer" and "batch_input_shape" in config:
            config["batch_shape"] = config.pop("batch_input_shape")
            self._log(f"{where}: batch_input_shape is now batch_shape")
        if config.pop("batch_input_shape", None) and name != "InputLayer":
            self._log(f"{where}: batch_input_shape removed, the input layer has it")
        shape = config.get("batch_shape")
        if name == "InputLayer" and isinstance(shape, list) and shape and shape[0] is not None:
            config["batch_shape"] = [None, *shape[1:]]
            self._log(f"{where}: the batch size of {shape[0]} is now unknown")
        if name in (*_RECURRENT, "VanillaRNN", "RecurrentLayer") and config.get("stateful"):
            config["stateful"] = False
            self._log(f"{where}: stateful removed, every input starts from a zero state")
        if name in _GATED and "reset_after" not in config:
            config["reset_after"] = False
            self._log(f"{where}: reset_after=False, as in Keras before it had this option")
        axis = config.get("axis")
        if name == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
            config["axis"] = axis[0]
        for key in ("activation", "recurrent_activation"):
            if self.is_keras2 and config.get(key) == "hard_sigmoid":
                config[key] = keras.saving.serialize_keras_object(keras2_hard_sigmoid)
                self._log(f"{where}: {key} is the hard_sigmoid of Keras 2, which Keras 3 does not have")

    def _refuse_removed_options(self, name, config, where):
        problem = fix = None
        if config.get("time_major"):
            problem = "time_major, inputs of (steps, batch, features), no longer exists"
            fix = "Transpose steps and batch in the model and save it without time_major."
        elif config.get("ragged"):
            problem, fix = "ragged inputs are not supported", "Pad and mask them."
        elif name in ("Attention", "AdditiveAttention") and config.pop("causal", False):
            problem = "causal=True is not supported"
            fix = "Call the layer with use_causal_mask=True in Keras 3."
        if problem:
            raise UserError(self.path, f"{where}: {problem}", fix=fix)

    def _add_input_layer(self, config):
        """Move the input shape, which Keras 2 stored in the first layer of a sequential model, to a layer."""
        layers = config.get("layers") or []
        first = layers[0].get("config") if layers and isinstance(layers[0], dict) else None
        if not isinstance(first, dict) or layers[0].get("class_name") == "InputLayer":
            return
        shape = first.pop("batch_input_shape", None)
        if shape is None and layers[0].get("class_name") == "Bidirectional":
            shape = first["layer"]["config"].pop("batch_input_shape", None)
        if shape is not None:
            dtype = "int32" if layers[0]["class_name"] == "Embedding" else "float32"
            options = {"batch_shape": shape, "dtype": dtype, "name": f"{first.get('name', 'first')}_input"}
            layers.insert(0, {"class_name": "InputLayer", "config": options})
            self._log(f"{first.get('name')}: batch_input_shape is now an input layer")

    def _log(self, line):
        self.changes.append(printable(line))


def _functional_model():
    inputs = keras.Input((1,))
    return keras.Model(inputs, keras.layers.Identity()(inputs))
