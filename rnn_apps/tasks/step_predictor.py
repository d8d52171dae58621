"""A label for every step: the network, the predictor and the exports that such tasks share."""

from abc import abstractmethod

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnn_apps.models.stepwise import StepReader, stepwise_model, window_model
from rnn_apps.tasks.cell import make_levels, model_errors
from rnn_apps.tasks.predictor import MAX_STEPS, NetworkPart, Predictor, numbered_states
from rnn_apps.tasks.step_labeller import StepLabeller


def step_classifier(recipe, make_front, classes):
    """Return the `keras.Model` from a sequence to logits (batch, steps, classes).

    Args:
        recipe: whose `model` is a `LabellingModel`.
        make_front: function that returns the `keras.Model` that sees every step by itself.
        classes: number of labels.
    """
    model = recipe.model
    initializer = keras.initializers.GlorotUniform(seed=recipe.seed)
    with model_errors(model.cell):
        recurrent = make_levels(recipe, bidirectional=model.bidirectional)
        head = keras.layers.Dense(classes, kernel_initializer=initializer, dtype="float32")
        return stepwise_model(make_front(), recurrent, head, model.dropout, recipe.seed)


def training_form(recipe, network):
    """Return the model that is trained: one that carries its states from window to window, or the network."""
    if recipe.training.tbptt is None:
        return network
    return window_model(network, recipe.training.batch_size)


class StepPredictor(Predictor):
    """Labels every step of a sequence.

    Attributes:
        answered: name of the labels in the answer.
        part_steps: of a format with fixed shapes.
        tables: `tf.Module` that `encode_raw` uses, whose tables are kept with the export, or None.
    """

    answered = "labels"
    part_steps = 32
    tables = None

    @property
    @abstractmethod
    def raw_spec(self):
        """The `tf.TensorSpec` of the raw input, named."""

    @abstractmethod
    def encode_raw(self, raw):
        """Return what the network takes of a raw input.

        Returns:
            List of what the network takes, lengths int (batch,), and a dict of what else is answered, each
            (batch, steps).
        """

    @property
    def can_stream(self):
        """Whether a step is answered before the next is seen."""
        return not self.recipe.model.bidirectional

    def make_module(self):
        """Return a `StepLabeller`."""
        return StepLabeller(
            self.model,
            self.class_names,
            self.encode_raw,
            self.tables,
            self.raw_spec,
            self.answered,
            self.can_stream,
        )

    @abstractmethod
    def number_examples(self, batch, steps, seed):
        """Return random inputs of the model: a list of arrays (batch, steps, ...)."""

    def network_parts(self):
        """Return the network over whole sequences, and where nothing looks ahead that of a step."""
        model, examples = self.model, self.number_examples
        whole = _probabilities_of_valid_steps(model)
        inputs = {
            one.name: tf.TensorSpec([None, *one.shape[1:]], one.dtype, name=one.name) for one in model.inputs
        }

        def network(*given):
            return {"probabilities": whole(list(given) if len(given) > 1 else given[0], training=False)}

        shared = ("probabilities", whole, MAX_STEPS, True)
        part = NetworkPart("network", network, inputs, examples, self.part_steps, *shared)
        return [part, _step_part(model, inputs, examples)] if self.can_stream else [part]

    def facts(self):
        """The labels."""
        return {"class_names": self.class_names}


def _probabilities_of_valid_steps(model):
    """The same network to probabilities, zeros for padding, where Keras' own layers give another answer."""
    reader = StepReader(model)
    features, mask = reader.front(model.inputs if len(model.inputs) > 1 else model.inputs[0])
    logits = reader.head(reader.recurrent(features, mask=mask))
    valid = ops.cast(ops.expand_dims(mask, -1), logits.dtype)
    return keras.Model(model.inputs, ops.softmax(logits) * valid)


def _step_part(model, inputs, examples):
    reader = StepReader(model)
    zeros = numbered_states(reader.zero_states(1))

    def step(*given):
        steps = list(given[: len(inputs)])
        logits, states = reader.read_on(steps, reader.packed(given[len(inputs) :]))
        _, mask = reader.front(steps if len(steps) > 1 else steps[0])
        valid = tf.cast(mask[..., None], logits.dtype)
        return {"probabilities": tf.nn.softmax(logits) * valid, **numbered_states(states, "next_state")}

    def examples_with_states(batch, steps, seed):
        rng = np.random.default_rng(seed)
        states = [rng.uniform(-1, 1, (batch, zero.shape[1])).astype("float32") for zero in zeros.values()]
        return [*examples(batch, steps, seed), *states]

    specs = {
        name: tf.TensorSpec([None, zero.shape[1]], zero.dtype, name=name) for name, zero in zeros.items()
    }
    return NetworkPart("step", step, {**inputs, **specs}, examples_with_states, 1, "probabilities")
