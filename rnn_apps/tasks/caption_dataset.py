"""Dataset of captioning: images or clips with captions, from files or prepared."""

from functools import cached_property
from typing import ClassVar

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.captions import most_frequent_caption, nearest_captions
from rnn_apps.data.captions import CaptionedExample
from rnn_apps.data.columns import Column
from rnn_apps.data.images import encode_png
from rnn_apps.data.shard_store import NestedRows, ShardStore
from rnn_apps.data.splits import SPLIT_NAMES, FixedSplits
from rnn_apps.data.text import normalize_texts
from rnn_apps.data.tokenizer import Tokenizer
from rnn_apps.data.visual_inputs import StoredInputs, VisualInputs
from rnn_apps.errors import DataError
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.dataset import STORED
from rnn_apps.tasks.decoder import learn_vocabulary
from rnn_apps.tasks.generation import GenerationDataset
from rnn_apps.tasks.lazy_dict import LazyDict
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.references import References
from rnn_apps.tasks.visual import (
    FrozenCnn,
    digest_of_weights,
    encoder_settings,
    make_visual_encoder,
    pixels_of,
    png_text,
)

INPUTS_PER_CALL = 16  # limits the number of pixels in memory
THUMBNAIL = 16  # height and width in pixels, for the nearest-image baseline without a frozen CNN
TOKENIZER = "words in lower case, ! and ? apart, other punctuation removed, of answers and references"


class CaptionPreprocessing(Preprocessing):
    """The vocabulary of the captions, and the CNN, which is saved with the model.

    Attributes:
        vocabulary: `Tokenizer`.
        cnn: `keras.Model` from images to regions.
        extractor: `keras.Model` from the pixels of an image or a clip to the inputs of the network.
    """

    files: ClassVar = {"vocabulary": ("tokenizer.json", Tokenizer)}

    @classmethod
    def load(cls, folder, model):
        """Load the preprocessing that `save` saved, with the CNN of the model."""
        loaded = super().load(folder, model)
        if model is None:
            loaded.cnn = loaded.extractor = None
        elif any(layer.name == "clip_encoder" for layer in model.layers):
            loaded.extractor = model.get_layer("clip_encoder")
            loaded.cnn = loaded.extractor.get_layer("each_frame").layer
        else:
            loaded.extractor = loaded.cnn = model.get_layer("visual_encoder")
        return loaded


class CaptionDataset(GenerationDataset):
    """Images or clips with captions.

    Args:
        visual: kind of the inputs, the class `Pictures` or `Clips`.
        recipe, preprocessing: as in `Dataset`.
    """

    references_per_batch = 5
    max_chunk = 64

    def __init__(self, visual, recipe, preprocessing=None):
        super().__init__(recipe, preprocessing)
        self.visual, self._images = visual(recipe), None
        self.inputs, self._captions = {}, self._new_captions()
        self._cnn = preprocessing and preprocessing.cnn
        self._extractor = preprocessing and preprocessing.extractor

    def _new_captions(self):
        return LazyDict(SPLIT_NAMES, self._normalized_captions)

    def open(self, request):
        """Open the captions, and the store of the images."""
        resolve_cell(self.recipe.model.cell)  # reports an unknown cell before all images are read
        name, splits, self._images = self.visual.load(self._source(), request, self.invalid)
        return FixedSplits(name, splits)

    def read(self, request):
        """Read captions, and images or, from a cache, the features that a frozen CNN extracts from them."""
        super().read(request)
        for split in {*self.dropped} & {*self.splits}:
            del self.splits[split]  # before its images are read
        if self._prepared is not None:
            self.inputs = LazyDict(self.splits, self._stored_inputs)
            return
        used = sum(map(len, self.splits.values()))
        if self.preprocessing is None:
            self._make_cnn()
        else:
            self.splits = {"test": self.splits["test"]}
        for split, examples in self.splits.items():
            self.inputs[split] = self._open_images(split, examples)
            used -= len(examples) - len(self.inputs[split])
        self.invalid.check_fraction(self.source_name, used)

    def _make_cnn(self):
        self._cnn = make_visual_encoder(self.recipe.model.encoder, self.recipe.seed)
        self._extractor = self.visual.extractor(self._cnn)

    def _open_images(self, split, examples):
        """Open the images of a split, or their cached features, without those that cannot be read."""
        inputs = self._visual_inputs(split, examples)
        inputs.fill(self.invalid)
        if not len(inputs):
            raise DataError(self.source_name, f"no valid example for {split}", fix="Give more examples.")
        return inputs

    @cached_property
    def _frozen(self):
        return FrozenCnn(self._cnn)

    def _visual_inputs(self, split, examples):
        encoder, frames = self.recipe.model.encoder, self.visual.frames
        cnn = None if encoder.is_trained else self._frozen
        key = cnn and [encoder.name, encoder.options, encoder.pooled, cnn.digest]
        mirror = encoder.horizontal_flip and split == "train"
        settings = (encoder.image_size, frames, cnn, key, mirror, self._images.workers)
        return VisualInputs(examples, self._read_images, self._fingerprint_of, *settings)

    def _read_images(self, example):
        return self.visual.read(self._images, example)

    def _fingerprint_of(self, example):
        return [*self.visual.fingerprint, *(self._images.fingerprint(frame) for frame in example.frames)]

    def learn(self):
        """Return the vocabulary of the training captions, and the CNN."""
        data = self.recipe.data
        captions = (caption for one in self.examples("train") for caption in one.captions)
        vocabulary = learn_vocabulary(captions, "word", data.vocabulary_size, data.min_count)
        return CaptionPreprocessing(vocabulary=vocabulary, cnn=self._cnn, extractor=self._extractor)

    def encode(self, split):
        """Return the `References`."""
        return self.encode_references([one.captions for one in self._examples(split)])

    def _examples(self, split):
        """The examples of a split whose images can be read."""
        return self.inputs[split].inputs if split in self.inputs else self.splits[split]

    def _normalized_captions(self, split):
        captions = [one.captions for one in self._examples(split)]
        words = iter(normalize_texts([caption for several in captions for caption in several]))
        return [[next(words) for _ in several] for several in captions]

    def encoding_settings(self):
        """The settings of the data and the CNN, and how clips are read."""
        flat = self.recipe.flat()
        keys = [key for key in ("model.frames", "model.frame_order") if key in flat]
        seed = {"seed": self.recipe.seed} if flat.get("model.frame_order", "kept") != "kept" else {}
        clips = {key: flat[key] for key in keys} | seed
        return super().encoding_settings() | encoder_settings(self.recipe) | clips

    def complete_preprocessing(self):
        """Add the CNN."""
        if self.preprocessing.cnn is None:
            self._make_cnn()
            self.preprocessing.cnn, self.preprocessing.extractor = self._cnn, self._extractor

    def piece(self):
        """Return a dataset with the same preprocessing, and the traced CNN if it is frozen, and no data."""
        _ = self.recipe.model.encoder.is_trained or self._frozen
        piece = super().piece()
        piece.inputs, piece._captions = {}, piece._new_captions()
        return piece

    def drop_unusable(self, split, examples):
        """Read the images, and return the examples whose images can be read."""
        self.inputs[split] = self._visual_inputs(split, examples)
        self.inputs[split].compute(self.invalid)
        return self.inputs[split].inputs

    def columns(self, split):
        """Inputs of the network, those of mirrored images, and the token ids of all captions of an input."""
        numbers, lengths, source_index, *_ = self.encoded[split]
        counts = np.bincount(source_index)
        first = np.cumsum(counts) - counts
        arrays = dict(zip(("inputs", "mirrored"), map(Column, self.inputs[split].arrays)))
        return {
            **arrays,
            "tokens": Column(numbers, np.add.reduceat(lengths, first)),
            "text_lengths": Column(lengths.astype(np.int32), counts),
            "longest": Column(np.maximum.reduceat(lengths, first).astype(np.int32)),
        }

    def encoded_rows(self, store):
        """Return the `References`, whose lengths are those of the longest text of the input."""
        counts, longest = store.index_of("text_lengths"), store.index_of("longest")
        self.inputs[STORED] = StoredInputs(store)
        texts, source_index = NestedRows(store, "tokens", "text_lengths"), np.arange(len(store))
        return References(texts, np.repeat(longest, counts), np.repeat(source_index, counts), [])

    def _stored_inputs(self, split):
        """The inputs of prepared data: of train, those of the examples in memory."""
        of_split = self._prepared.splits[split]
        store = self._shards if split == "train" else None
        store = store or ShardStore(self._prepared.folder, of_split.shards, self._prepared.columns)
        return StoredInputs(store, of_split.raw_rows(), self.splits[split])

    def to_json(self, split, example):
        """Name, names of the images, captions, and for the report the images of test."""
        images = map(png_text, self._read_images(example)) if split == "test" else ()
        return [example.name, list(example.frames), example.captions, list(images)]

    def from_json(self, values):
        """Return the `CaptionedExample`."""
        name, frames, captions, images = values
        return CaptionedExample(name, tuple(frames), captions, images)

    def add_training_split(self, other):
        """Not supported, because all training images would have to be read."""
        return False

    def count(self, split):
        """Return the number of images or clips that can be read."""
        return len(self.inputs[split]) if self._prepared is None else super().count(split)

    def reference_texts(self, split):
        """Return the tokenized captions, joined by spaces."""
        return self._captions[split]

    def images(self, split, number):
        """Return the images of an input, uint8 (images, height, width, 3)."""
        example = self.inputs[split].inputs[number]
        if example.images:
            return np.stack(list(map(pixels_of, example.images)))
        return self._read_images(example)

    def network_inputs(self, split, numbers):
        """Return the features of these inputs."""
        arrays = self.inputs[split][numbers]
        if not self.recipe.model.encoder.is_trained:
            return tf.cast(arrays, tf.float32)
        chunks = np.split(arrays, range(INPUTS_PER_CALL, len(arrays), INPUTS_PER_CALL))
        return tf.concat([self._extract(tf.constant(chunk, tf.float32)) for chunk in chunks], axis=0)

    @cached_property
    def _extract(self):
        extractor = self._extractor
        signature = [tf.TensorSpec([None, *extractor.input_shape[1:]])]

        def extract(pixels):
            return extractor(pixels, training=False)

        return tf.function(extract, input_signature=signature, autograph=False)

    def training_input(self, split):
        """Features or pixels; with `horizontal_flip`, half of the training images are mirrored."""
        inputs, flip = self.inputs[split], self.recipe.model.encoder.horizontal_flip
        flip = flip and split in ("train", STORED)

        def gather(numbers, epoch):
            if not flip or epoch < 0:
                return inputs[numbers]
            rng = np.random.default_rng([self.recipe.seed, epoch, *numbers[:4]])
            return inputs.partly_mirrored(numbers, rng.random(len(numbers)) < 0.5)

        def batch(numbers, epoch):
            epoch = tf.constant(-1 if epoch is None else epoch)
            arrays = tf.numpy_function(gather, [numbers, epoch], inputs.dtype, stateful=False)
            return tf.cast(tf.ensure_shape(arrays, [None, *inputs.shape]), tf.float32)

        return batch

    def baselines(self):
        """The most frequent caption of train, and the caption of the nearest training input."""
        train, known = self._captions["train"], self._vectors("train")
        center = known.mean(axis=0)
        nearest = nearest_captions(self._vectors("test") - center, known - center, train)
        return {
            "most_frequent_caption": [most_frequent_caption(train)] * self.count("test"),
            "nearest_caption": nearest,
        }

    def _vectors(self, split):
        """One vector per input: the mean of its features, or a thumbnail if the CNN is trained."""
        inputs, rows = self.inputs[split], []
        for start in range(0, len(inputs), INPUTS_PER_CALL):
            arrays = inputs[np.arange(start, min(start + INPUTS_PER_CALL, len(inputs)))].astype(np.float32)
            if self.recipe.model.encoder.is_trained:
                flat = arrays.reshape(-1, *arrays.shape[-3:])
                small = tf.image.resize(flat, (THUMBNAIL, THUMBNAIL), antialias=True).numpy()
                rows.append(small.reshape(len(arrays), -1))
            else:
                rows.append(arrays.mean(axis=1))
        return np.concatenate(rows)

    def fingerprint(self, split):
        """The images and their captions."""
        for example, captions in zip(self._examples(split), self._captions[split]):
            yield "\t".join([str(self._fingerprint_of(example)), *captions, "\n"])

    def describe(self):
        """Source and counts, and a digest of a frozen encoder's weights."""
        digest = None if self.recipe.model.encoder.is_trained else digest_of_weights(self._cnn)
        return {**super().describe(), "encoder": digest}

    def settings(self):
        """The tokenizer."""
        return {"tokenizer": TOKENIZER}

    def describe_example(self, split, number):
        """The name of the image or clip."""
        return {"input": self.inputs[split].inputs[number].name}

    def raw_example(self, split, number, record):
        """The images at the network's input size."""
        images = self.images(split, number)
        return {f"picture-{i}.png": encode_png(image) for i, image in enumerate(images, start=1)}

    def input_steps(self, split, number):
        """The frames of a clip."""
        return self.visual.step_names(len(self.images(split, number)))
