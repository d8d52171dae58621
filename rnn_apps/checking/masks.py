"""Where in a model the mask of padded steps is lost."""

import warnings

import keras
import tensorflow as tf

from rnn_apps.models.graph_walk import walk

_OF_MASKS = ("ZerosLike", "OnesLike")  # which Keras inserts where it computes the mask of a merge


def where_the_mask_is_lost(model, inputs):
    """Return the name and class of the first layer or operation that loses a mask, or None.

    It is given a mask that hides some steps, does not read it, and gives no mask, or one that hides nothing;
    or it joins an input with a mask and one without.

    Args:
        model: functional or sequential `keras.Model`.
        inputs: arrays with padded steps, in the order of `model.inputs`.
    """
    lost = []

    def visit(operation, args, options):
        given = [_mask_of(tensor) for tensor in keras.tree.flatten((args, options))]
        outputs = operation(*args, **options)
        if any(map(_hides, given)) and _loses(operation, given, keras.tree.flatten(outputs)):
            lost.append(_named(operation, given))
        return outputs

    tensors = [tf.constant(array) for array in inputs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says of some layers, not of all, that they lose it
        walk(model, keras.tree.pack_sequence_as(_structure(model), tensors), visit)
    return lost[0] if lost else None


def _structure(model):
    return (model._functional if isinstance(model, keras.Sequential) else model)._inputs_struct


def _mask_of(tensor):
    return getattr(tensor, "_keras_mask", None)


def _hides(mask):
    return mask is not None and not bool(tf.reduce_all(tf.cast(mask, tf.bool)))


def _loses(operation, given, results):
    """Whether an operation that is given a mask neither uses it nor hands it on."""
    if getattr(operation, "_call_has_mask_arg", False) or type(operation).__name__ in _OF_MASKS:
        return False
    if isinstance(operation, keras.layers.Concatenate) and None in given:  # along the steps a part is left
        return True
    return results[0].dtype.is_floating and not any(_hides(_mask_of(tensor)) for tensor in results)


def _named(operation, given):
    name = f"{operation.name} ({type(operation).__name__})"
    merges = len(given) > 1 and isinstance(operation, keras.Layer)
    return f"{name}, one input of which has no mask" if merges and None in given else name
