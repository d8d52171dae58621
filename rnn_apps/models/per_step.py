"""Networks with an output at every step, for whole sequences, windows of sequences, and endless streams.

Such a network has three parts: a feature extractor for single steps, recurrent layers, and a head that maps
their outputs to those of the network. It can be trained on consecutive windows of a sequence, and run step by
step in constant memory.
"""

import keras
import tensorflow as tf

from rnn_apps.models.carried_states import CarriedStates


def per_step_model(extractor, recurrent, head, dropout=0.0, seed=None):
    """Return the `keras.Model` from the inputs of `extractor` to the outputs of all steps.

    Args:
        extractor: `keras.Model` to features (batch, steps, features), or to a list of features and a bool
            mask (batch, steps).
        recurrent: `StackedRNN` that returns sequences.
        head: layer, such as `keras.layers.Dense`, from (batch, steps, width) to the outputs.
        dropout: dropout rate of the head's inputs.
        seed: random seed of dropout.
    """
    extractor.name, recurrent.name, head.name = "extractor", "recurrent", "head"  # see `PerStepNetwork`
    inputs = _inputs_of(extractor)
    features, mask = _features(extractor, inputs)
    h = recurrent(features, mask=mask)
    h = keras.layers.Dropout(dropout, seed=seed, name="dropout")(h)
    return keras.Model(_single_or_list(inputs), head(h), name="per_step")


def window_model(model, streams):
    """Return the `keras.Model` for truncated backpropagation through time.

    It shares the weights of `model`, and takes a list: the inputs of `model`, and ``reset`` of
    `CarriedStates`.

    Args:
        model: model of `per_step_model`, with one direction.
        streams: batch size, which is fixed.
    """
    network = PerStepNetwork(model)
    inputs = _inputs_of(network.extractor, streams)
    reset = keras.Input(batch_shape=(streams,), dtype="bool", name="reset")
    features, mask = _features(network.extractor, inputs)
    h = CarriedStates(network.recurrent, streams, name="carried")(features, reset, mask=mask)
    return keras.Model([*inputs, reset], network.head(network.dropout(h)), name="windows")


class PerStepNetwork:
    """Runs a model of `per_step_model` with explicit states.

    Args:
        model: the model, built or loaded.
    """

    def __init__(self, model):
        names = ("extractor", "recurrent", "dropout", "head")
        self.extractor, self.recurrent, self.dropout, self.head = map(model.get_layer, names)

    def zero_states(self, batch):
        """Return the initial states."""
        return self.recurrent.zero_states(batch)

    def forward_from_state(self, inputs, states=None, training=False):
        """Continue from given states.

        Args:
            inputs: list of tensors (batch, steps, ...), the inputs of the model.
            states: states after the previous step; None at the start.
            training: bool.

        Returns:
            Outputs (batch, steps, ...), and the states after the last step.
        """
        features, mask = _features(self.extractor, inputs, training=training)
        h, states = self.recurrent.forward_from_state(features, states, mask, training)
        return self.head(self.dropout(h, training=training)), states

    def pack_states(self, states):
        """Return a flat list of states in the structure that `forward_from_state` takes."""
        return tf.nest.pack_sequence_as(self.zero_states(1), list(states))


def state_specs(states):
    """Return the `tf.TensorSpec` of nested states for any batch size, named ``state_0``, ``state_1``, ..."""
    return [
        tf.TensorSpec([None, state.shape[1]], state.dtype, name=f"state_{number}")
        for number, state in enumerate(tf.nest.flatten(states))
    ]


def _inputs_of(model, streams=None):
    return [
        keras.Input(batch_shape=(streams, *tensor.shape[1:]), dtype=tensor.dtype, name=tensor.name)
        for tensor in model.inputs
    ]


def _single_or_list(inputs):
    return inputs[0] if len(inputs) == 1 else list(inputs)


def _features(extractor, inputs, **options):
    """Features and mask; the mask is None if nothing is padded."""
    outputs = extractor(_single_or_list(inputs), **options)
    return outputs if isinstance(outputs, (list, tuple)) else (outputs, None)
