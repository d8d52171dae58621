"""Predictor of frame labelling."""

import itertools
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.models.per_step import PerStepNetwork, per_step_model
from rnn_apps.models.step_features import precomputed_feature_extractor
from rnn_apps.tasks.frame_labelling.dataset import columns_of, is_frozen
from rnn_apps.tasks.frame_labelling.inputs import FrameStream, RowStream, read_inputs
from rnn_apps.tasks.step_predictor import StepPredictor
from rnn_apps.tasks.stepwise import EXAMPLE_STEPS
from rnn_apps.tasks.streaming import needs_whole_input
from rnn_apps.tasks.visual import decode_frames, noise_frames


class FramePredictor(StepPredictor):
    """Labels the steps of tables, folders of images, and video files."""

    kind = "label_steps"

    @property
    def are_pictures(self):
        """Whether a step is a picture."""
        return self.recipe.data.are_pictures

    @property
    def reads_tables(self):
        """Whether a step is a row."""
        return not self.are_pictures

    @property
    def features(self):
        """Names of the numeric features, in order; None for images."""
        return self.preprocessing.features

    @property
    def _image_size(self):
        return tuple(self.recipe.model.encoder.image_size)

    @cached_property
    def core(self):
        """The network after a frozen CNN, or the model."""
        if not is_frozen(self.recipe):
            return self.model
        network = PerStepNetwork(self.model)
        width = int(np.prod(self.preprocessing.cnn.output_shape[1:]))
        return per_step_model(precomputed_feature_extractor(width), network.recurrent, network.head)

    @property
    def raw_spec(self):
        """`tf.TensorSpec` of encoded frames, or of features."""
        if self.are_pictures:
            return tf.TensorSpec([None, None], tf.string, name="frames")
        return tf.TensorSpec([None, None, len(self.features)], tf.float32, name="features")

    def encode_raw(self, raw):
        """Decode frames (empty for padding), or read features (NaN for padding)."""
        if self.are_pictures:
            mask = tf.strings.length(raw) > 0
            steps = decode_frames(raw, self._image_size)
        else:
            mask = ~tf.reduce_any(tf.math.is_nan(raw), axis=-1)
            steps = tf.where(mask[:, :, None], raw, 0.0)
        return [steps, mask], tf.reduce_sum(tf.cast(mask, tf.int32), axis=1), {}

    @cached_property
    def _columns(self):
        return columns_of(self.recipe, self.features, has_labels=False)

    def predict(self, inputs):
        """Return labels and scores of every step of each stream in the inputs."""
        answers = []
        for path in inputs:
            streams = read_inputs(Path(path), self.are_pictures, self._image_size, self._columns)
            for stream, raw in streams.items():
                answer = self.call("serving_default", raw[None])
                labels, scores = answer["labels"].numpy()[0], answer["scores"].numpy()[0]
                answers.append(
                    {
                        "input": str(path),
                        **({"stream": stream} if stream else {}),
                        "labels": [label.decode("utf-8") for label in labels],
                        "scores": [round(float(score), 4) for score in scores],
                    }
                )
        return answers

    def open_stream(self):
        """Return a `FrameStream` or a `RowStream`."""
        if not self.can_stream:
            raise needs_whole_input()
        if self.are_pictures:
            return FrameStream(self, self._image_size)
        return RowStream(self, self._columns)

    def answer_line(self, answer):
        """The labels and their ranges of steps."""
        lines, first = [], 1
        for label, same in itertools.groupby(answer["labels"]):
            count = len(list(same))
            lines.append(f"{first}-{first + count - 1} {label}" if count > 1 else f"{first} {label}")
            first += count
        name = ", ".join([answer["input"], *([answer["stream"]] if "stream" in answer else [])])
        return f"{name}: {', '.join(lines)}"

    def explain(self, inputs):
        """Return the [step, label, probability] triples of each input."""
        return [
            [[number, *pair] for number, pair in enumerate(zip(answer["labels"], answer["scores"]), start=1)]
            for answer in self.predict(inputs)
        ]

    def number_examples(self, batch, steps, seed):
        """Return random features or pixels, and a mask."""
        rng = np.random.default_rng(seed)
        mask = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
        shape = (batch, steps, *self.model.inputs[0].shape[2:])
        values = rng.uniform(0, 255, shape) if self.are_pictures else rng.normal(size=shape)
        return [values.astype("float32"), mask]

    def stepwise_problem(self):
        """Pictures, or a network that reads backward, too."""
        if self.are_pictures:
            return "its steps are pictures, and only steps of numbers are supported"
        return super().stepwise_problem()

    def stepwise_kind(self):
        """The columns of a row and how they are standardized; an example of normally distributed values."""
        scaling = self.per_step.extractor.get_layer("scaling")
        scale, offset = (np.array(values, np.float32) for values in (scaling.scale, scaling.offset))
        constants = {"columns": self.features, "scale": scale.tolist(), "offset": offset.tolist()}
        normal = np.random.default_rng(0).normal(size=(EXAMPLE_STEPS, len(scale)))
        data = self.recipe.data
        constants |= {"class_names": self.class_names, "stream": data.stream, "on_missing": data.on_missing}
        example = ((normal - offset) / scale).astype(np.float32)
        return {"kind": "labels", "constants": constants, "example": example}

    def facts(self):
        """The class names, and options for reading tables and frames."""
        data = self.recipe.data
        facts = {**super().facts(), "features": self.features}
        facts |= {"stream": data.stream, "on_missing": data.on_missing}
        return {**facts, "image_size": list(self._image_size), "frames": None} if self.are_pictures else facts

    def example_requests(self):
        """A stream of two steps, and a padded batch of streams of three and two steps."""
        if self.are_pictures:
            frames = noise_frames()
            raw = tf.stack([tf.stack(frames), tf.stack([*frames[:2], tf.constant("")])])
        else:
            numbers = tf.random.stateless_normal([2, 3, len(self.features)], (1, 2))
            missing = tf.reshape(tf.constant([False] * 5 + [True]), [2, 3, 1])
            raw = tf.where(missing, np.nan, numbers)
        return [("serving_default", {self.raw_spec.name: one}) for one in (raw[:1, :2], raw)]
