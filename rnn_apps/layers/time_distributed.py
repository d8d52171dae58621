"""`TimeDistributed` for an open number of steps."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="rnn_apps")
class TimeDistributed(keras.layers.TimeDistributed):
    """Applies a layer to every step, correctly for an open number of steps in a graph.

    There `keras.layers.TimeDistributed` takes the size of the batch for the number of steps. Here the steps
    of all examples are one batch.

    Args:
        layer: `keras.Layer` that treats the examples of a batch separately.

    Call arguments:
        inputs: ``(batch, steps, ...)``.
        mask: ``(batch, steps, ...)`` bool, for a layer that reads a mask.
        training: bool.

    Returns:
        ``(batch, steps, ...)``, what the layer gives at every step.

    Examples:
        >>> TimeDistributed(keras.layers.GlobalAveragePooling1D())(keras.ops.ones((2, 5, 4, 3))).shape
        TensorShape([2, 5, 3])
    """

    def call(self, inputs, training=None, mask=None):
        """Apply the layer to all steps at once."""
        options = {}
        if self.layer._call_has_mask_arg and mask is not None:
            options["mask"] = _merged(mask)
        if self.layer._call_has_training_arg:
            options["training"] = training
        outputs = self.layer.call(_merged(inputs), **options)
        return ops.reshape(outputs, (*ops.shape(inputs)[:2], *ops.shape(outputs)[1:]))


def with_open_steps(layer):
    """Return a replacement for Keras' `TimeDistributed` over an open number of steps, or None."""
    if type(layer) is not keras.layers.TimeDistributed:
        return None
    is_open = any(given.shape[1] is None for node in layer._inbound_nodes for given in node.input_tensors)
    return TimeDistributed.from_config(layer.get_config()) if is_open else None


def _merged(tensor):
    """(batch, steps, ...) to (batch * steps, ...)."""
    return ops.reshape(tensor, (-1, *ops.shape(tensor)[2:]))
