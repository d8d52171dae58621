"""Network and predictor of tasks that label every step."""

from abc import abstractmethod

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnn_apps.models.per_step import PerStepNetwork, per_step_model, window_model
from rnn_apps.tasks.cell import make_recurrent_layers, model_errors
from rnn_apps.tasks.predictor import MAX_STEPS, NetworkPart, Predictor, numbered_states
from rnn_apps.tasks.step_labeller import StepLabeller


def step_classifier(recipe, make_extractor, num_classes):
    """Return the `keras.Model` from a sequence to logits (batch, steps, classes).

    Args:
        recipe: `Recipe` whose `model` is a `LabellingModel`.
        make_extractor: function that returns the feature extractor of single steps, a `keras.Model`.
        num_classes: number of labels.
    """
    model = recipe.model
    initializer = keras.initializers.GlorotUniform(seed=recipe.seed)
    with model_errors(model.cell):
        recurrent = make_recurrent_layers(recipe, bidirectional=model.bidirectional)
        head = keras.layers.Dense(num_classes, kernel_initializer=initializer, dtype="float32")
        return per_step_model(make_extractor(), recurrent, head, model.dropout, recipe.seed)


def training_model(recipe, network):
    """Return the model to train: the network, or for truncated backpropagation one that carries states."""
    if recipe.training.tbptt is None:
        return network
    return window_model(network, recipe.training.batch_size)


class StepPredictor(Predictor):
    """Labels every step of a sequence.

    Attributes:
        answered: key of the labels in answers.
        part_steps: sequence length for formats with fixed shapes.
        tables: `tf.Module` with the lookup tables of `encode_raw`, which are exported as well, or None.
    """

    answered = "labels"
    part_steps = 32
    tables = None

    @property
    @abstractmethod
    def raw_spec(self):
        """Named `tf.TensorSpec` of the raw inputs."""

    @abstractmethod
    def encode_raw(self, raw):
        """Encode raw inputs.

        Returns:
            The list of the network's inputs, lengths int (batch,), and a dict of further outputs, each
            (batch, steps).
        """

    @property
    def can_stream(self):
        """Whether the network answers each step without reading the next one."""
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
        """Return random inputs of the model, a list of arrays (batch, steps, ...)."""

    def network_parts(self):
        """Return the network over whole sequences, and if it can stream, over one step."""
        model, examples = self.model, self.number_examples
        classifier = _probabilities_of_valid_steps(model)
        specs = {
            tensor.name: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name=tensor.name)
            for tensor in model.inputs
        }

        def network(*inputs):
            inputs = list(inputs) if len(inputs) > 1 else inputs[0]
            return {"probabilities": classifier(inputs, training=False)}

        shared = ("probabilities", classifier, MAX_STEPS, True)
        part = NetworkPart("network", network, specs, examples, self.part_steps, *shared)
        return [part, _step_part(model, specs, examples)] if self.can_stream else [part]

    def facts(self):
        """The class names."""
        return {"class_names": self.class_names}


def _probabilities_of_valid_steps(model):
    """The network with probabilities as outputs, zeros at padded steps, where Keras layers differ."""
    network = PerStepNetwork(model)
    features, mask = network.extractor(model.inputs if len(model.inputs) > 1 else model.inputs[0])
    logits = network.head(network.recurrent(features, mask=mask))
    valid = ops.cast(ops.expand_dims(mask, -1), logits.dtype)
    return keras.Model(model.inputs, ops.softmax(logits) * valid)


def _step_part(model, inputs, examples):
    network = PerStepNetwork(model)
    zeros = numbered_states(network.zero_states(1))

    def step(*arguments):
        steps, states = list(arguments[: len(inputs)]), arguments[len(inputs) :]
        logits, states = network.forward_from_state(steps, network.pack_states(states))
        _, mask = network.extractor(steps if len(steps) > 1 else steps[0])
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
