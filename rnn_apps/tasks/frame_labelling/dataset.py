"""Dataset of frame labelling: streams of sensor values or frames with a label for every step."""

from functools import cached_property
from typing import ClassVar

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.per_step import per_step_probabilities
from rnn_apps.data.files import csv_bytes
from rnn_apps.data.images import encode_png
from rnn_apps.data.step_tables import Columns, LabelledSequence, name_of, open_streams
from rnn_apps.models.per_step import PerStepNetwork, per_step_model
from rnn_apps.models.step_features import precomputed_feature_extractor
from rnn_apps.tasks.labelled_sequences import LabelledSequences
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.visual import FrozenCnn, encoder_settings, make_visual_encoder, pixels_of, png_text

EXAMPLE_STEPS = 64  # steps of an example on the demo page
FRAMES_PER_CALL = 64


def is_frozen(recipe):
    """Return whether the network starts with a frozen CNN."""
    return recipe.data.are_pictures and not recipe.model.encoder.is_trained


def columns_of(recipe, features=None, has_labels=True):
    """Return the `Columns` of the recipe's tables.

    Args:
        recipe: `Recipe` of frame labelling.
        features: feature columns of a trained network; None for those of the recipe.
        has_labels: whether the tables have a label column.
    """
    data, size = recipe.data, tuple(recipe.model.encoder.image_size)
    named = (data.label if has_labels else None, data.stream)
    return Columns(*named, features or data.features, data.frames, size, data.on_missing)


def frame_features(cnn, frames):
    """Return the features (frames, regions * features) that a `FrozenCnn` extracts from frames."""
    starts = range(0, len(frames), FRAMES_PER_CALL)
    chunks = [cnn(tf.cast(frames[i : i + FRAMES_PER_CALL], tf.float32)).numpy() for i in starts]
    features = np.concatenate([chunk.reshape(len(chunk), -1) for chunk in chunks])
    features[~frames.reshape(len(frames), -1).any(axis=1)] = 0  # a black frame, as in `FrameEncoder`
    return features


class FramePreprocessing(Preprocessing):
    """The labels, and the features of a step.

    Attributes:
        class_names: labels in the order of the logits.
        features: names of the numeric features, in order; None for images.
        cnn: `keras.Model` from images to regions, which is saved with the model; None for numeric features.
    """

    files: ClassVar = {**Preprocessing.files, "features": ("features.json", None)}

    @classmethod
    def load(cls, folder, model):
        """Load the preprocessing that `save` saved, with the CNN of the model."""
        loaded = super().load(folder, model)
        loaded.cnn = None
        if model is not None and not loaded.features:
            loaded.cnn = PerStepNetwork(model).extractor.get_layer("each_frame").layer
        return loaded


class FrameDataset(LabelledSequences):
    """Labelled streams from files, or synthetic clips."""

    def __init__(self, recipe, preprocessing=None):
        super().__init__(recipe, preprocessing)
        self._features_read = None
        self.are_pictures = recipe.data.are_pictures
        if self.are_pictures and not is_frozen(recipe):  # the CNN needs memory for all frames of a batch
            self.evaluation_batch_size, self.longest_whole = 4, 100

    @property
    def _features(self):
        """Names of the features of the network, or else of the data."""
        return self._features_read if self.preprocessing is None else self.preprocessing.features

    def open(self, request):
        """Open the streams."""
        columns = columns_of(self.recipe, self._features)
        kind = {} if self.recipe.data.sample is None else {"sample": self.recipe.data.sample.name}
        self._features_read, reader = open_streams(self._source(), request, self.invalid, columns, **kind)
        return reader

    def encoding_settings(self):
        """The settings of the data, and of the CNN of images."""
        if not self.are_pictures:
            return super().encoding_settings()
        return super().encoding_settings() | encoder_settings(self.recipe)

    def complete_preprocessing(self):
        """Add the CNN."""
        if self.are_pictures and self.preprocessing.cnn is None:
            self.preprocessing.cnn = make_visual_encoder(self.recipe.model.encoder, self.recipe.seed)

    def to_json(self, split, example):
        """Location, numbers or images, labels and name."""
        steps = list(map(png_text, example.steps)) if self.are_pictures else example.steps.tolist()
        return [example.location, steps, example.labels, example.stream]

    def from_json(self, values):
        """Return the `LabelledSequence`."""
        location, steps, labels, stream = values
        steps = np.stack(list(map(pixels_of, steps))) if self.are_pictures else np.array(steps, np.float32)
        return LabelledSequence(location, steps, labels, stream)

    def learn(self):
        """Learn the labels from train, and create the CNN with its initial weights."""
        labels = self.learn_labels()
        cnn = None
        if self.are_pictures:
            cnn = make_visual_encoder(self.recipe.model.encoder, self.recipe.seed)
        return FramePreprocessing(labels, features=self._features, cnn=cnn)

    def count_records(self, sequences):
        """Return the number of rows, each of which is a record."""
        return sum(len(one.labels) for one in sequences)

    def encode_steps(self, sequences):
        """Return the features or frames of all steps, and a mask."""
        steps = np.concatenate([one.steps for one in sequences])
        if is_frozen(self.recipe):
            steps = frame_features(self._frozen, steps)
        return [steps, np.ones(len(steps), bool)]

    @cached_property
    def _frozen(self):
        return FrozenCnn(self.preprocessing.cnn)

    def piece(self):
        """Return a dataset with the same preprocessing, and the traced CNN if it is frozen, and no data."""
        _ = is_frozen(self.recipe) and self._frozen
        return super().piece()

    def step_names(self, sequence):
        """Return the step numbers, from 1."""
        return [str(number + 1) for number in range(len(sequence.labels))]

    def fingerprint(self, split):
        """The name of the stream, its features and its labels."""
        path = self.recipe.data.path or ""
        for one in self.splits[split]:
            yield f"{name_of(one, path)}\n{one.steps.tobytes().hex()}\n{one.labels}"

    def baselines(self):
        """A linear classifier of single steps."""
        (train, _), _, labels = self.encoded["train"]
        (test, _), _, _ = self.encoded["test"]
        return {"each_step_alone": per_step_probabilities(train, labels, test, len(self.class_names))}

    def settings(self):
        """The features of a step."""
        size = " x ".join(map(str, self.recipe.model.encoder.image_size))
        steps = f"frames of {size} pixels" if self.are_pictures else self._features
        return {"steps": steps, "scored": "every step of the split"}

    def raw_example(self, split, number, record):
        """The frames as PNG files, or a CSV file of the features."""
        steps = self.splits[split][number].steps[:EXAMPLE_STEPS]
        if self.are_pictures:
            return {f"frame-{i:03}.png": encode_png(frame) for i, frame in enumerate(steps, start=1)}
        return {"steps.csv": csv_bytes(self._features, steps)}

    def view_examples(self, predictor):
        """Streams of the test split, with the CNN's features if the CNN is trained."""
        examples = super().view_examples(predictor)
        if not self.are_pictures or is_frozen(self.recipe):
            return examples
        frames, mask = examples.inputs
        core = PerStepNetwork(predictor.core)
        cnn = core.extractor.get_layer("each_frame").layer
        features = frame_features(FrozenCnn(cnn), frames.reshape(-1, *frames.shape[2:])).reshape(
            *frames.shape[:2], -1
        )
        extractor = precomputed_feature_extractor(features.shape[-1])
        network = per_step_model(extractor, core.recurrent, core.head)
        return examples._replace(network=network, inputs=[tf.constant(features), tf.constant(mask)])
