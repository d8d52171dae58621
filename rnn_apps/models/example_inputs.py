"""Random inputs that any Keras model takes, to hold two forms of it against each other."""

import warnings

import keras
import numpy as np

__all__ = ["answers_of", "embedding_size", "example_inputs"]


def example_inputs(model, batch=3, steps=12, seed=0):
    """Return one array for each input of a model, in the order of `model.inputs`.

    Args:
        model: functional or sequential `keras.Model`.
        batch: examples, where the model leaves their number open.
        steps: of every other side that is left open.
        seed: of the numbers.

    Returns:
        Whole numbers from 1 up to what the smallest embedding holds for a model with an embedding, standard
        normal numbers for any other.

    Raises:
        ValueError: an input is no array of numbers.
    """
    rng, words = np.random.default_rng(seed), embedding_size(model)
    arrays = []
    for given in model.inputs:
        dtype = keras.backend.standardize_dtype(given.dtype)
        if dtype == "string":
            raise ValueError(f"{model.name}: its input {given.name} is text, expected numbers.")
        sides = [batch if given.shape[0] is None else given.shape[0]]
        sides += [steps if side is None else side for side in given.shape[1:]]
        is_whole = words is not None and len(sides) <= 2 or "int" in dtype or dtype == "bool"
        values = rng.integers(1, words or 2, sides) if is_whole else rng.normal(size=sides)
        arrays.append(values.astype(dtype))
    return arrays


def embedding_size(model):
    """Return how many numbers the smallest embedding of a model knows, or None where it has none."""
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Embedding)]
    return min((layer.input_dim for layer in layers), default=None)


def answers_of(model, inputs):
    """Return the outputs of a model, not training, as a list of arrays."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The structure of `inputs`")  # a list of one or the one itself
        outputs = model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
    return [np.asarray(keras.ops.convert_to_numpy(output)) for output in keras.tree.flatten(outputs)]
