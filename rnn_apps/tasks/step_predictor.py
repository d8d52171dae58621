"""Network and predictor of tasks that label every step."""

from abc import abstractmethod
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rnn_apps.models.per_step import PerStepNetwork, per_step_model, state_specs, window_model
from rnn_apps.tasks.cell import make_recurrent_layers, model_errors
from rnn_apps.tasks.predictor import (
    MAX_STEPS,
    NetworkPart,
    Predictor,
    call_network,
    input_specs,
    numbered_states,
)
from rnn_apps.tasks.stepwise import StepwiseNetwork, accuracy_of, one_step, split_sequences


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
    """

    answered = "labels"
    part_steps = 32

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

    @cached_property
    def per_step(self):
        """The `PerStepNetwork` of the model."""
        return PerStepNetwork(self.model)

    def functions(self):
        """Return ``serving_default``, and for a network that can stream ``step`` with explicit states."""
        functions = {"serving_default": (self._label, [self.raw_spec])}
        if self.can_stream:
            functions["step"] = (self._step, [self.raw_spec, *state_specs(self.zero_states(1))])
        return functions

    def zero_states(self, batch):
        """Return the flat list of initial states of a stream."""
        return tf.nest.flatten(self.per_step.zero_states(batch))

    def _label(self, raw):
        """Return labels and scores (batch, steps), padded, and lengths (batch,) of a batch of sequences."""
        return self._read(raw, None)[0]

    def _step(self, raw, *states):
        """As `_label`, from given states, with the new states as ``next_state_0``, ..."""
        answer, states = self._read(raw, self.per_step.pack_states(states))
        return {**answer, **numbered_states(states, "next_state")}

    def _read(self, raw, states):
        inputs, lengths, further = self.encode_raw(raw)
        if states is None:  # the model may be bidirectional
            logits = call_network(self.model, inputs)
        else:
            logits, states = self.per_step.forward_from_state(inputs, states)
        probabilities = tf.nn.softmax(logits)
        mask = tf.sequence_mask(lengths, tf.shape(logits)[1])
        labels = tf.gather(tf.constant(self.class_names), tf.argmax(probabilities, axis=-1))
        answer = {
            **further,
            self.answered: tf.where(mask, labels, ""),
            "scores": tf.where(mask, tf.reduce_max(probabilities, axis=-1), 0.0),
            "lengths": tf.cast(lengths, tf.int32),
        }
        return answer, states

    @abstractmethod
    def number_examples(self, batch, steps, seed):
        """Return random inputs of the model, a list of arrays (batch, steps, ...)."""

    def network_parts(self):
        """Return the network over whole sequences, and if it can stream, over one step."""
        model, examples = self.model, self.number_examples
        classifier, specs = _probabilities_of_valid_steps(model), input_specs(model)

        def network(*inputs):
            return {"probabilities": call_network(classifier, inputs)}

        shared = ("probabilities", classifier, MAX_STEPS, True)
        part = NetworkPart("network", network, specs, examples, self.part_steps, *shared)
        return [part, _step_part(model, specs, examples)] if self.can_stream else [part]

    def stepwise_problem(self):
        """A network that reads backward, too."""
        if self.can_stream:
            return None
        return "it is bidirectional, so it needs the whole input (train it with model.bidirectional=false)"

    @abstractmethod
    def stepwise_kind(self):
        """Return the attributes of the `StepwiseNetwork` that depend on the inputs, a dict."""

    def stepwise(self, dataset):
        """The network from the features of a step to logits."""
        network, model = self.per_step, self.model
        structure = network.zero_states(1)

        def answers(sequence):
            inputs = [sequence[None, :, 0] if self.reads_text else sequence[None]]
            inputs += [np.ones((1, len(sequence)), bool)] * (len(model.inputs) - 1)
            return call_network(model, inputs).numpy()[0]

        def sequences(split):
            (values, *_), lengths, _ = dataset.encoded[split]
            return split_sequences(values, lengths)

        return StepwiseNetwork(
            function=one_step(network.recurrent.forward_from_state, network.head, structure),
            width=network.extractor.outputs[0].shape[-1],
            states=tuple(state.shape[1] for state in tf.nest.flatten(structure)),
            sequences=sequences,
            answers=answers,
            score=accuracy_of(dataset.encoded["test"][2]),
            **self.stepwise_kind(),
        )

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
