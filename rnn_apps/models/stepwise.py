"""Networks with an output at every step: trained on whole sequences or window by window, read on without end.

Such a network is three: a `front` that sees each step by itself, `recurrent` levels that carry states from
step to step, and a `head` that makes an output of what they give. So all of them can be trained on windows
of a sequence that follow one another, and asked step by step, in memory that does not grow with its length.
"""

import keras
import tensorflow as tf

from rnn_apps.models.carried_states import CarriedStates


def stepwise_model(front, recurrent, head, dropout=0.0, seed=None):
    """Return the `keras.Model` from the inputs of `front` to the outputs of all steps.

    Args:
        front: `keras.Model` to features (batch, steps, features), or to a list of those and a bool mask
            (batch, steps), False for padding.
        recurrent: `StackedRNN` that returns sequences.
        head: `keras.layers.Dense`, or a layer like it, from (batch, steps, width) to the outputs.
        dropout: part of what the head reads that is dropped while training.
        seed: of the dropout.
    """
    front.name, recurrent.name, head.name = "front", "recurrent", "head"  # by which `StepReader` finds them
    given = _inputs_of(front)
    features, mask = _seen(front, given)
    h = recurrent(features, mask=mask)
    h = keras.layers.Dropout(dropout, seed=seed, name="dropout")(h)
    return keras.Model(_one_or_all(given), head(h), name="stepwise")


def window_model(model, streams):
    """Return the `keras.Model` that is trained by truncated backpropagation through time.

    It takes the inputs of `model`, whose weights it shares, and `fresh` of `CarriedStates`, as one list.

    Args:
        model: of `stepwise_model`, with one direction.
        streams: rows of a batch, always as many.
    """
    reader = StepReader(model)
    given = _inputs_of(reader.front, streams)
    fresh = keras.Input(batch_shape=(streams,), dtype="bool", name="fresh")
    features, mask = _seen(reader.front, given)
    h = CarriedStates(reader.recurrent, streams, name="carried")(features, fresh, mask=mask)
    return keras.Model([*given, fresh], reader.head(reader.dropout(h)), name="windows")


class StepReader:
    """The parts of a network of `stepwise_model`, for reading on.

    Args:
        model: the network, made or loaded.
    """

    def __init__(self, model):
        names = ("front", "recurrent", "dropout", "head")
        self.front, self.recurrent, self.dropout, self.head = map(model.get_layer, names)

    def zero_states(self, batch):
        """Return the states before the first step."""
        return self.recurrent.zero_states(batch)

    def read_on(self, inputs, states=None, training=False):
        """Read further steps.

        Args:
            inputs: list of tensors (batch, steps, ...), as the network takes them.
            states: what the steps before left; None before the first.
            training: bool.

        Returns:
            Outputs (batch, steps, ...), and the states after the last step.
        """
        features, mask = _seen(self.front, inputs, training=training)
        h, states = self.recurrent.read_on(features, states, mask, training)
        return self.head(self.dropout(h, training=training)), states

    def packed(self, states):
        """Return a flat list of states in the form that `read_on` takes."""
        return tf.nest.pack_sequence_as(self.zero_states(1), list(states))


def state_specs(states):
    """Return the `tf.TensorSpec` of nested states, for any batch, named ``state_0``, ``state_1``, ..."""
    return [
        tf.TensorSpec([None, state.shape[1]], state.dtype, name=f"state_{number}")
        for number, state in enumerate(tf.nest.flatten(states))
    ]


def _inputs_of(front, streams=None):
    return [
        keras.Input(batch_shape=(streams, *given.shape[1:]), dtype=given.dtype, name=given.name)
        for given in front.inputs
    ]


def _one_or_all(inputs):
    return inputs[0] if len(inputs) == 1 else list(inputs)


def _seen(front, inputs, **options):
    """Features and mask, or None where nothing is padded."""
    seen = front(_one_or_all(inputs), **options)
    return seen if isinstance(seen, (list, tuple)) else (seen, None)
