"""Frame labelling: one output at every step of a clip or of a sensor's stream."""

import itertools
import json
from functools import cached_property
from pathlib import Path

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.each_step import each_step_probabilities
from rnn_apps.baselines.majority import majority_probabilities
from rnn_apps.data.files import csv_file
from rnn_apps.data.images import decode_image, encode_png
from rnn_apps.data.step_tables import Columns, load_streams, name_of
from rnn_apps.errors import RnnAppsError
from rnn_apps.models.step_features import feature_front, frame_front, scaled_front
from rnn_apps.models.stepwise import StepReader, stepwise_model
from rnn_apps.tasks.frame_labelling.inputs import read_inputs
from rnn_apps.tasks.frame_labelling.streaming import FrameStream, RowStream
from rnn_apps.tasks.labelling.answers import StepLabeller
from rnn_apps.tasks.labelling.parts import labelling_parts
from rnn_apps.tasks.labelling.task import LabellingTask
from rnn_apps.tasks.streaming import looks_ahead
from rnn_apps.tasks.visual import make_visual_encoder

__all__ = ["FrameLabellingTask"]

EXPORT_TOLERANCE = 1e-4
EXAMPLE_STEPS = 64  # of what a demo page offers
FRAMES_AT_ONCE = 64
STEPS = 32  # of a format whose sides are fixed


class FrameLabellingTask(LabellingTask):
    """The steps of a clip or a stream in, a label for each out; see `FrameLabellingSettings` for the recipe.

    Args:
        recipe: `Recipe` of the task ``frame_labelling``.

    Attributes:
        features: names of a step's numbers, in order; None of pictures.
    """

    def __init__(self, recipe):
        super().__init__(recipe)
        self.features, self._cnn = None, None

    @property
    def are_pictures(self):
        """Whether a step is a picture."""
        return self.recipe.data.are_pictures

    @property
    def answers_at_once(self):
        """Streams that are scored side by side: few where a CNN sees all their frames."""
        return 4 if self.are_pictures and not self._is_frozen else super().answers_at_once

    @property
    def longest_whole(self):
        """Steps that are scored in one piece, likewise."""
        return 100 if self.are_pictures and not self._is_frozen else super().longest_whole

    @property
    def _is_frozen(self):
        """Whether a CNN sees every frame once and for all."""
        return self.are_pictures and not self.recipe.model.encoder.is_trained

    def columns(self, label=True):
        """Return the `Columns` of the recipe's tables; of one that is to be labelled without the label."""
        data = self.recipe.data
        size = tuple(self.recipe.model.encoder.image_size)
        named = (data.label if label else None, data.stream)
        return Columns(*named, self.features or data.features, data.frames, size, data.on_missing)

    def load(self, bad, whole, needed):
        """Streams of files, or generated clips."""
        data, seed = self.recipe.data, self.recipe.seed
        more = (data.sample_size, seed, bad, data.validation_fraction, whole, needed)
        name, features, parts = load_streams(data.source, data.path, self.columns(), *more)
        self.features = self.features or features
        return name, parts

    def count_records(self, sequences):
        """Rows: each is read, and skipped, by itself."""
        return sum(len(one.labels) for one in sequences)

    def learn(self, sequences):
        """Nothing besides what the front learns; the CNN where it is frozen."""
        if self.are_pictures:
            self._cnn = make_visual_encoder(self.recipe.model.encoder, self.recipe.seed)

    def encode(self, sequences):
        """The numbers of all steps, their frames or what a frozen CNN sees, and that they are there."""
        steps = np.concatenate([one.steps for one in sequences])
        if self._is_frozen:
            steps = self._seen(steps)
        return [steps, np.ones(len(steps), bool)]

    def _seen(self, frames):
        """What the CNN gives of frames (frames, height, width, 3): (frames, places * features)."""
        see = tf.function(lambda images: self._cnn(images, training=False), reduce_retracing=True)
        starts = range(0, len(frames), FRAMES_AT_ONCE)
        found = [see(tf.cast(frames[i : i + FRAMES_AT_ONCE], tf.float32)).numpy() for i in starts]
        features = np.concatenate([part.reshape(len(part), -1) for part in found])
        features[~frames.reshape(len(frames), -1).any(axis=1)] = (
            0  # a black frame, as `FrameEncoder` gives it
        )
        return features

    def make_front(self):
        """The CNN, its features, or a sensor's numbers to scale."""
        steps, options = self.encoded["train"][0][0], (self.recipe.model.dropout, self.recipe.seed)
        if self._is_frozen:
            return feature_front(steps.shape[1], *options)
        return frame_front(self._cnn, *options) if self.are_pictures else scaled_front(steps, *options)

    def make_whole(self, core):
        """With the CNN before it where that is frozen."""
        if not self._is_frozen:
            return core
        reader = StepReader(core)
        return stepwise_model(frame_front(self._cnn), reader.recurrent, reader.head)

    def step_names(self, sequence):
        """Numbers from 1."""
        return [str(number + 1) for number in range(len(sequence.labels))]

    def view_examples(self):
        """Streams of the test part; of frames what the CNN makes of them, seen few at a time."""
        examples = super().view_examples()
        if not self.are_pictures or self._is_frozen:
            return examples
        frames, there = examples.inputs
        reader = StepReader(self.core)
        self._cnn = reader.front.get_layer("each_frame").layer
        features = self._seen(frames.reshape(-1, *frames.shape[2:])).reshape(*frames.shape[:2], -1)
        network = stepwise_model(feature_front(features.shape[-1]), reader.recurrent, reader.head)
        return examples._replace(network=network, inputs=[tf.constant(features), tf.constant(there)])

    def mark(self, sequence):
        """The name of the stream, its numbers and its labels."""
        name = name_of(sequence, self.recipe.data.path or "")
        return f"{name}\n{sequence.steps.tobytes().hex()}\n{sequence.labels}"

    def baselines(self):
        """The most frequent label, and a linear classifier of single steps, on the same test part."""
        (train, *_), _, labels = self.encoded["train"]
        test, classes = self.encoded["test"][0][0], len(self.class_names)
        guesses = {
            "majority": majority_probabilities(labels, len(test), classes),
            "each_step_alone": each_step_probabilities(train, labels, test, classes),
        }
        return {name: self.scores_of("test", found) for name, found in guesses.items()}

    def settings(self):
        """What has to be known to compare scores."""
        seen = f"frames of {' x '.join(map(str, self.recipe.model.encoder.image_size))} pixels"
        return {"steps": seen if self.are_pictures else self.features, "scored": "every step of the part"}

    def save_preprocessing(self, folder):
        """Names of the features, and the labels."""
        (folder / "class_names.json").write_text(json.dumps(self.class_names), encoding="utf-8")
        (folder / "features.json").write_text(json.dumps(self.features), encoding="utf-8")

    def restore(self, model, folder):
        """Take a trained network, its labels and the names of its features."""
        super().restore(model, folder)
        self.features = json.loads((folder / "features.json").read_text(encoding="utf-8"))
        if self._is_frozen:
            reader = StepReader(model)
            self._cnn = reader.front.get_layer("each_frame").layer
            width = int(np.prod(self._cnn.output_shape[1:]))
            self.core = stepwise_model(feature_front(width), reader.recurrent, reader.head)

    def make_labeller(self):
        """From encoded frames, or numbers, to labels."""
        return StepLabeller(
            self.model, self.class_names, self._encode_raw, None, self._given, "labels", self.can_stream
        )

    @property
    def _given(self):
        if self.are_pictures:
            return tf.TensorSpec([None, None], tf.string, name="frames")
        return tf.TensorSpec([None, None, len(self.features)], tf.float32, name="features")

    def _encode_raw(self, raw):
        """Encoded frames, empty ones for padding, or numbers, NaN for padding."""
        size = self.recipe.model.encoder.image_size
        if not self.are_pictures:
            there = ~tf.reduce_any(tf.math.is_nan(raw), axis=-1)
            inputs = [tf.where(there[:, :, None], raw, 0.0), there]
            return inputs, tf.reduce_sum(tf.cast(there, tf.int32), axis=1), {}
        there = tf.strings.length(raw) > 0

        def frame(encoded):
            empty = tf.zeros([*size, 3])
            picture = tf.cond(
                tf.strings.length(encoded) > 0, lambda: decode_image(encoded, size), lambda: empty
            )
            return tf.ensure_shape(picture, [*size, 3])

        spec = tf.TensorSpec([*size, 3], tf.float32)
        pixels = tf.map_fn(frame, tf.reshape(raw, [-1]), fn_output_signature=spec)
        pixels = tf.reshape(pixels, tf.concat([tf.shape(raw), [*size, 3]], 0))
        pixels = tf.ensure_shape(pixels, [None, None, *size, 3])
        return [pixels, there], tf.reduce_sum(tf.cast(there, tf.int32), axis=1), {}

    @cached_property
    def _reading(self):
        return {"size": tuple(self.recipe.model.encoder.image_size), "columns": self.columns(label=False)}

    def predict(self, inputs):
        """Return labels and scores of every step of each stream: in CSV files, folders, video files."""
        answers = []
        for path in inputs:
            for stream, raw in read_inputs(Path(path), self.are_pictures, **self._reading).items():
                answer = self.labeller.label(raw[None])
                labels, scores = answer["labels"].numpy()[0], answer["scores"].numpy()[0]
                found = {"input": str(path), **({"stream": stream} if stream else {})}
                found["labels"] = [label.decode("utf-8") for label in labels]
                answers.append({**found, "scores": [round(float(score), 4) for score in scores]})
        return answers

    def open_stream(self):
        """A `FrameStream` or a `RowStream`."""
        if not self.can_stream:
            raise looks_ahead()
        size, columns = self._reading["size"], self._reading["columns"]
        return FrameStream(self.labeller, size) if self.are_pictures else RowStream(self.labeller, columns)

    def answer_line(self, answer):
        """The labels with the steps that have them."""
        lines, place = [], 1
        for label, same in itertools.groupby(answer["labels"]):
            count = len(list(same))
            lines.append(f"{place}-{place + count - 1} {label}" if count > 1 else f"{place} {label}")
            place += count
        name = ", ".join([answer["input"], *([answer["stream"]] if "stream" in answer else [])])
        return f"{name}: {', '.join(lines)}"

    def explain(self, inputs):
        """Return for each input its [step, label, probability] triples."""
        return [
            [[number, *pair] for number, pair in enumerate(zip(answer["labels"], answer["scores"]), start=1)]
            for answer in self.predict(inputs)
        ]

    def parts(self):
        """The network: numbers or pixels, and which steps are there, to probabilities."""
        given = self.model.inputs[0]

        def examples(batch, steps, seed):
            rng = np.random.default_rng(seed)
            there = np.arange(steps) < rng.integers(1, steps + 1, (batch, 1))
            shape = (batch, steps, *given.shape[2:])
            values = rng.uniform(0, 255, shape) if self.are_pictures else rng.normal(size=shape)
            return [values.astype("float32"), there]

        return labelling_parts(self.model, examples, STEPS, self.can_stream)

    def client_facts(self):
        """How a stream is read, and the names of the labels."""
        facts = {"kind": "label_steps", "class_names": self.class_names, "features": self.features}
        facts |= {"stream": self.recipe.data.stream, "on_missing": self.recipe.data.on_missing}
        size = list(self.recipe.model.encoder.image_size)
        return {**facts, "image_size": size, "frames": None} if self.are_pictures else facts

    def demo_facts(self):
        """The labels, and what is read of a clip or a table."""
        facts = {**super().demo_facts(), "features": self.features}
        if self.are_pictures:
            return {**facts, "image_size": list(self.recipe.model.encoder.image_size)}
        return {**facts, "on_missing": self.recipe.data.on_missing, "stream": self.recipe.data.stream}

    def raw_example(self, part, number, record):
        """The frames as PNG files, or a CSV file of the numbers."""
        steps = self.sequences[part][number].steps[:EXAMPLE_STEPS]
        if self.are_pictures:
            return {f"frame-{i:03}.png": encode_png(frame) for i, frame in enumerate(steps, start=1)}
        return {"steps.csv": csv_file(self.features, steps)}

    def example_request(self):
        """A stream of two steps."""
        return {self._given.name: self._examples()[:1, :2]}

    def _examples(self):
        """Streams of three steps and of two."""
        if not self.are_pictures:
            numbers = tf.random.stateless_normal([2, 3, len(self.features)], (1, 2))
            missing = tf.reshape(tf.constant([False] * 5 + [True]), [2, 3, 1])
            return tf.where(missing, np.nan, numbers)
        noise = [tf.random.stateless_uniform([24, 32, 3], (1, i), 0, 255) for i in range(3)]
        frames = [tf.io.encode_png(tf.cast(picture, tf.uint8)) for picture in noise]
        return tf.stack([tf.stack(frames), tf.stack([*frames[:2], tf.constant("")])])

    def check_export(self, loaded):
        """Hold the export's answers against our own, a padded stream among them."""
        raw = self._examples()
        own = self.labeller.label(raw)
        answer = loaded.signatures["serving_default"](**{self._given.name: raw})
        difference = float(np.abs(answer["scores"].numpy() - own["scores"].numpy()).max())
        if difference > EXPORT_TOLERANCE:
            raise RnnAppsError(f"the export's scores differ by {difference} from the trained network's.")
