"""A network that labels every step, for formats that know no text: whole sequences, and a step."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnn_apps.models.stepwise import StepReader
from rnn_apps.tasks.task import MOST_STEPS, Part
from rnn_apps.tasks.writing.parts import numbered

__all__ = ["labelling_parts"]


def labelling_parts(model, examples, steps, can_stream):
    """Return the `Part` of whole sequences, and where nothing looks ahead that of a step.

    Args:
        model: of `stepwise_model`, to logits.
        examples: as of `Part`, for the inputs of the model.
        steps: for a format whose sides are fixed.
        can_stream: whether there is a step.
    """
    whole = _of_real_steps(model)
    inputs = {
        given.name: tf.TensorSpec([None, *given.shape[1:]], given.dtype, name=given.name)
        for given in model.inputs
    }

    def network(*given):
        return {"probabilities": whole(list(given) if len(given) > 1 else given[0], training=False)}

    parts = [Part("network", network, inputs, examples, steps, "probabilities", whole, MOST_STEPS, True)]
    return [*parts, _step(model, inputs, examples)] if can_stream else parts


def _of_real_steps(model):
    """The same network to probabilities, zeros for padding: what Keras' own layers give there is another."""
    reader = StepReader(model)
    features, mask = reader.front(model.inputs if len(model.inputs) > 1 else model.inputs[0])
    logits = reader.head(reader.recurrent(features, mask=mask))
    there = ops.cast(ops.expand_dims(mask, -1), logits.dtype)
    return keras.Model(model.inputs, ops.softmax(logits) * there)


def _step(model, inputs, examples):
    reader = StepReader(model)
    zeros = numbered(reader.zero_states(1))

    def step(*given):
        steps = list(given[: len(inputs)])
        logits, states = reader.read_on(steps, reader.packed(given[len(inputs) :]))
        _, mask = reader.front(steps if len(steps) > 1 else steps[0])
        after = {f"next_{name}": state for name, state in numbered(states).items()}
        return {"probabilities": tf.nn.softmax(logits) * tf.cast(mask[..., None], logits.dtype), **after}

    def of_states(batch, steps, seed):
        rng = np.random.default_rng(seed)
        states = [rng.uniform(-1, 1, (batch, zero.shape[1])).astype("float32") for zero in zeros.values()]
        return [*examples(batch, steps, seed), *states]

    specs = {
        name: tf.TensorSpec([None, zero.shape[1]], zero.dtype, name=name) for name, zero in zeros.items()
    }
    return Part("step", step, {**inputs, **specs}, of_states, 1, "probabilities")
