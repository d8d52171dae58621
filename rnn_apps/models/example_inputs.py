"""Random inputs for any Keras model, to compare two versions of it."""

import warnings

import keras
import numpy as np

_TOLERANCE, _HALF_TOLERANCES = 1e-5, {"float16": 1e-2, "bfloat16": 5e-2}


def example_inputs(model, batch=3, steps=12, seed=0):
    """Return one array for each input of a model, in the order of `model.inputs`.

    Args:
        model: functional or sequential `keras.Model`.
        batch: batch size, unless the model fixes it.
        steps: size of all other dimensions that the model leaves open.
        seed: random seed.

    Returns:
        Ids from 1 up to the size of the embedding for inputs of an embedding, and standard normal numbers
        for all others.

    Raises:
        ValueError: if an input is not numeric.
    """
    rng, arrays = np.random.default_rng(seed), []
    for tensor, vocabulary_size in zip(model.inputs, input_vocabulary_sizes(model)):
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        if dtype == "string":
            raise ValueError(f"{model.name}: its input {tensor.name} is text, expected numbers.")
        shape = [batch if tensor.shape[0] is None else tensor.shape[0]]
        shape += [steps if size is None else size for size in tensor.shape[1:]]
        is_integer = vocabulary_size is not None or "int" in dtype or dtype == "bool"
        values = rng.integers(1, vocabulary_size or 2, shape) if is_integer else rng.normal(size=shape)
        arrays.append(values.astype(dtype))
    return arrays


def input_vocabulary_sizes(model):
    """Return for each input the size of the smallest embedding that reads it; None if none does.

    An embedding inside a nested model counts for every input of at most two dimensions.
    """
    own = [layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    inner = [x for x in model._flatten_layers() if isinstance(x, keras.layers.Embedding) and x not in own]
    limits = []
    for tensor in model.inputs:
        sizes = [x.input_dim for x in own if any(_reads(node, tensor) for node in x._inbound_nodes)]
        sizes += [x.input_dim for x in inner] if len(tensor.shape) <= 2 else []
        limits.append(min(sizes, default=None))
    return limits


def _reads(node, tensor):
    return any(each is tensor for each in node.input_tensors)


def relative_difference(one, other, whole=False):
    """Return the largest elementwise difference of two arrays, relative for entries larger than 1.

    NaN equals NaN, and infinities equal themselves; if only one of two entries is NaN or infinite, or if the
    shapes differ, the difference is infinite.

    Args:
        one: array, the reference.
        other: array.
        whole: whether differences are relative to the largest entry of the array instead of each entry.
            Rounding errors scale with the largest entry, so this suits two versions of one network in the
            same precision, where small entries next to large ones would cause false alarms.
    """
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if one.shape != other.shape:
        return np.inf
    sizes = np.abs(one)
    scale = sizes[np.isfinite(sizes)].max(initial=0) if whole else sizes
    with np.errstate(invalid="ignore"):
        difference = np.abs(one - other) / np.maximum(1.0, scale)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return float(np.nan_to_num(np.where(same, 0, difference), nan=np.inf).max(initial=0))


def tolerance_of(model):
    """Return the largest `relative_difference` of two versions of a model that rounding explains.

    It follows from the least precise compute dtype of all layers: the model itself, or its last layer, may
    compute in float32 while the layers before it compute in half precision.
    """
    dtypes = {layer.compute_dtype for layer in model._flatten_layers()}
    return max((_HALF_TOLERANCES[name] for name in dtypes & set(_HALF_TOLERANCES)), default=_TOLERANCE)


def call_model(model, inputs, training=False):
    """Call a model on a list of inputs, in the order of `model.inputs`."""
    form = getattr(model, "_inputs_struct", None)
    if isinstance(form, dict):
        return model(keras.tree.pack_sequence_as(form, list(inputs)), training=training)
    return model(inputs[0] if len(inputs) == 1 else list(inputs), training=training)


def names_of(structure, names):
    """Return the names of a model's inputs or outputs in order: their keys in a mapping, or else `names`.

    Args:
        structure: the tensors as the model takes or returns them: a tensor, a list, or a mapping.
        names: names of the tensors themselves.
    """
    paths = [path for path, _ in keras.tree.flatten_with_path(structure)]
    return [path[-1] if path and isinstance(path[-1], str) else name for path, name in zip(paths, names)]


def answers_of(model, inputs):
    """Return the outputs of a model at inference as a list of arrays."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The structure of `inputs`")  # a list of one or the one itself
        outputs = call_model(model, inputs)
    return [np.asarray(keras.ops.convert_to_numpy(output)) for output in keras.tree.flatten(outputs)]
