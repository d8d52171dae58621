"""Finds the layer of a model that loses the mask of padded steps."""

import warnings

import keras
import tensorflow as tf

from rnn_apps.models.graph_walk import walk

_MASK_OPERATIONS = ("ZerosLike", "OnesLike")  # inserted by Keras to compute the mask of a merge


def find_lost_mask(model, inputs):
    """Return the name and class of the first layer or operation that loses a mask, or None.

    It receives a mask that hides steps but neither uses nor passes on the mask, or it merges an input with a
    mask and one without.

    Args:
        model: functional or sequential `keras.Model`.
        inputs: arrays with padded steps, in the order of `model.inputs`.
    """
    lost = []

    def visit(operation, args, options):
        masks = [_mask_of(tensor) for tensor in keras.tree.flatten((args, options))]
        outputs = operation(*args, **options)
        if any(map(_hides_steps, masks)) and _loses_mask(operation, masks, keras.tree.flatten(outputs)):
            lost.append(_describe(operation, masks))
        return outputs

    functional = model._functional if isinstance(model, keras.Sequential) else model
    tensors = keras.tree.pack_sequence_as(functional._inputs_struct, [tf.constant(array) for array in inputs])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of some of these layers only
        walk(model, tensors, visit)
    return lost[0] if lost else None


def _mask_of(tensor):
    return getattr(tensor, "_keras_mask", None)


def _hides_steps(mask):
    return mask is not None and not bool(tf.reduce_all(tf.cast(mask, tf.bool)))


def _loses_mask(operation, masks, outputs):
    if getattr(operation, "_call_has_mask_arg", False) or type(operation).__name__ in _MASK_OPERATIONS:
        return False
    if isinstance(operation, keras.layers.Concatenate) and None in masks:
        return True  # concatenated along the steps, the outputs still have part of the mask
    return outputs[0].dtype.is_floating and not any(_hides_steps(_mask_of(tensor)) for tensor in outputs)


def _describe(operation, masks):
    name = f"{operation.name} ({type(operation).__name__})"
    merges = len(masks) > 1 and isinstance(operation, keras.Layer)
    return f"{name}, one input of which has no mask" if merges and None in masks else name
