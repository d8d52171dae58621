"""Random inputs that any Keras model takes, to hold two forms of it against each other."""

import warnings

import keras
import numpy as np

_TOLERANCE, _HALF_TOLERANCES = 1e-5, {"float16": 1e-2, "bfloat16": 5e-2}


def example_inputs(model, batch=3, steps=12, seed=0):
    """Return one array for each input of a model, in the order of `model.inputs`.

    Args:
        model: functional or sequential `keras.Model`.
        batch: examples, where the model leaves their number open.
        steps: of every other side that is left open.
        seed: of the numbers.

    Returns:
        Whole numbers from 1 up to what the embedding holds for an input that an embedding reads, standard
        normal numbers for any other.

    Raises:
        ValueError: an input is no array of numbers.
    """
    rng, arrays = np.random.default_rng(seed), []
    for given, words in zip(model.inputs, word_limits(model)):
        dtype = keras.backend.standardize_dtype(given.dtype)
        if dtype == "string":
            raise ValueError(f"{model.name}: its input {given.name} is text, expected numbers.")
        sides = [batch if given.shape[0] is None else given.shape[0]]
        sides += [steps if side is None else side for side in given.shape[1:]]
        is_whole = words is not None or "int" in dtype or dtype == "bool"
        values = rng.integers(1, words or 2, sides) if is_whole else rng.normal(size=sides)
        arrays.append(values.astype(dtype))
    return arrays


def word_limits(model):
    """Return for each input how many numbers the embeddings that read it know; None where none reads it.

    An embedding within a model within the model counts for every input that is no longer than a sequence.
    """
    own = [layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    inner = [x for x in model._flatten_layers() if isinstance(x, keras.layers.Embedding) and x not in own]
    limits = []
    for given in model.inputs:
        read = [x.input_dim for x in own if any(_reads(node, given) for node in x._inbound_nodes)]
        read += [x.input_dim for x in inner] if len(given.shape) <= 2 else []
        limits.append(min(read, default=None))
    return limits


def _reads(node, given):
    return any(tensor is given for tensor in node.input_tensors)


def relative_difference(one, other, whole=False):
    """Return the largest difference of two arrays, entry by entry, relative beside entries larger than 1.

    What is no number is equal to what is no number at the same place, and the same infinity to itself; in one
    alone, or where the shapes differ, the difference is infinite.

    Args:
        one: array; what `other` is held against.
        other: array.
        whole: relative beside the largest entry of the array in place of each its own. Rounding goes by the
            largest, so that this is for two forms of one network in one precision, where a small entry among
            large ones would be a false alarm.
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
    """Return the largest `relative_difference` that rounding alone explains between two forms of a model.

    It is that of the least precise compute dtype among its layers: the model itself, or its last layer, may
    compute in float32 while the layers before it compute in half precision.
    """
    dtypes = {layer.compute_dtype for layer in model._flatten_layers()}
    return max((_HALF_TOLERANCES[name] for name in dtypes & set(_HALF_TOLERANCES)), default=_TOLERANCE)


def call_model(model, inputs, training=False):
    """Return what a model gives for a list of its inputs, in the order of `model.inputs`."""
    form = getattr(model, "_inputs_struct", None)
    if isinstance(form, dict):
        return model(keras.tree.pack_sequence_as(form, list(inputs)), training=training)
    return model(inputs[0] if len(inputs) == 1 else list(inputs), training=training)


def names_of(form, names):
    """Return names of a model's inputs or outputs in their order: the keys by which it takes or gives them.

    Args:
        form: of tensors as the model has them: one, a list, or a mapping.
        names: those that the tensors have themselves, for what has no key.
    """
    paths = [path for path, _ in keras.tree.flatten_with_path(form)]
    return [path[-1] if path and isinstance(path[-1], str) else name for path, name in zip(paths, names)]


def answers_of(model, inputs):
    """Return the outputs of a model, not training, as a list of arrays."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The structure of `inputs`")  # a list of one or the one itself
        outputs = call_model(model, inputs)
    return [np.asarray(keras.ops.convert_to_numpy(output)) for output in keras.tree.flatten(outputs)]
