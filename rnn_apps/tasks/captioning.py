"""Captioning of images and clips: dataset, network, objective and predictor."""

import hashlib
import io
from functools import cached_property, partial
from typing import ClassVar

import numpy as np
import tensorflow as tf
from PIL import Image

from rnn_apps.baselines.captions import most_frequent_caption, nearest_captions
from rnn_apps.data.images import encode_png
from rnn_apps.data.text import normalize_texts
from rnn_apps.data.tokenizer import Tokenizer
from rnn_apps.data.visual_inputs import VisualInputs
from rnn_apps.errors import DataError
from rnn_apps.metrics.generation import caption_scores, corpus_bleu_scores, sentence_cider_d
from rnn_apps.models.encoder_decoder import encoder_decoder, with_feature_extractor
from rnn_apps.tasks.cell import resolve_cell
from rnn_apps.tasks.decoder import learn_vocabulary, make_decoder
from rnn_apps.tasks.generation import GenerationDataset, GenerationPredictor
from rnn_apps.tasks.objectives.objective import Monitor
from rnn_apps.tasks.objectives.tokens import GenerationObjective
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.task import Network, Task
from rnn_apps.tasks.visual import make_visual_encoder

SHOWN_WIDTH = 240  # pixels of an image in the report
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
        if any(layer.name == "clip_encoder" for layer in model.layers):
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

    def __init__(self, visual, recipe, preprocessing=None):
        super().__init__(recipe, preprocessing)
        self.visual, self.inputs, self._captions = visual(recipe), {}, {}
        self._cnn = preprocessing and preprocessing.cnn
        self._extractor = preprocessing and preprocessing.extractor

    def read(self, request):
        """Read captions, and images or, from a cache, the features that a frozen CNN extracts from them."""
        resolve_cell(self.recipe.model.cell)  # reports an unknown cell before all images are read
        self.invalid = self._new_invalid_records()
        self.source_name, self.splits, self._store = self.visual.load(self._source(), request, self.invalid)
        used = sum(map(len, self.splits.values()))
        if self.preprocessing is None:
            self._cnn = make_visual_encoder(self.recipe.model.encoder, self.recipe.seed)
            self._extractor = self.visual.extractor(self._cnn)
        else:
            self.splits = {"test": self.splits["test"]}
        for split, examples in self.splits.items():
            self.inputs[split] = self._open_images(split, examples)
            used -= len(examples) - len(self.inputs[split])
        self.invalid.check_fraction(self.source_name, used)

    def _open_images(self, split, examples):
        """Open the images of a split, or their cached features, without those that cannot be read."""
        encoder, frames = self.recipe.model.encoder, self.visual.frames
        cnn = None if encoder.is_trained else self._cnn
        key = cnn and [encoder.name, encoder.options, encoder.pooled, _digest(cnn)]
        mirror = encoder.horizontal_flip and split == "train"
        settings = (encoder.image_size, frames, cnn, key, mirror, self._store.workers)
        inputs = VisualInputs(examples, self._read_images, self._fingerprint_of, *settings)
        inputs.fill(self.invalid)
        if not len(inputs):
            raise DataError(self.source_name, f"no valid example for {split}", fix="Give more examples.")
        return inputs

    def _read_images(self, example):
        return self.visual.read(self._store, example)

    def _fingerprint_of(self, example):
        return [*self.visual.fingerprint, *(self._store.fingerprint(frame) for frame in example.frames)]

    def learn(self):
        """Return the vocabulary of the training captions, and the CNN."""
        data = self.recipe.data
        captions = [caption for one in self.inputs["train"].inputs for caption in one.captions]
        vocabulary = learn_vocabulary(captions, "word", data.vocabulary_size, data.min_count)
        return CaptionPreprocessing(vocabulary=vocabulary, cnn=self._cnn, extractor=self._extractor)

    def encode(self, split):
        """Return the `References`."""
        captions = [one.captions for one in self.inputs[split].inputs]
        words = iter(normalize_texts([caption for several in captions for caption in several]))
        self._captions[split] = [[next(words) for _ in several] for several in captions]
        return self.encode_references(captions)

    def add_training_split(self, other):
        """Not supported, because all training images would have to be read."""
        return False

    def count(self, split):
        """Return the number of images or clips that can be read."""
        return len(self.inputs[split])

    def reference_texts(self, split):
        """Return the tokenized captions, joined by spaces."""
        return self._captions[split]

    def images(self, split, number):
        """Return the images of an input, uint8 (images, height, width, 3)."""
        return self.inputs[split].images(number)

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
        inputs, flip = self.inputs[split], self.recipe.model.encoder.horizontal_flip and split == "train"

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
        for example, captions in zip(self.inputs[split].inputs, self._captions[split]):
            yield "\t".join([str(self._fingerprint_of(example)), *captions, "\n"])

    def describe(self):
        """Source and counts, and a digest of a frozen encoder's weights."""
        digest = None if self.recipe.model.encoder.is_trained else _digest(self._cnn)
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


def captioner(recipe, dataset):
    """Return the `Network` from pixels and previous words to logits of the next word.

    If the CNN is frozen, the trained model starts after it.
    """
    preprocessing = dataset.preprocessing
    decoder = make_decoder(recipe, preprocessing.vocabulary.size, recipe.model.attention)
    network = encoder_decoder(dataset.visual.encoder(preprocessing.cnn), decoder)
    model = with_feature_extractor(preprocessing.extractor, network)
    return Network(model, model if recipe.model.encoder.is_trained else network)


class CaptionObjective(GenerationObjective):
    """CIDEr-D, BLEU, ROUGE-L and chrF of words."""

    monitor = Monitor("val_cider_d", higher_is_better=True)

    def text_scores(self, answers, references):
        """CIDEr-D, BLEU, ROUGE-L and chrF of all texts, and CIDEr-D of each text."""
        plain = corpus_bleu_scores(answers, references, tokenize="none")
        signature = plain["signatures"]["bleu"].replace("smooth:exp", "smooth:none")
        self.text_settings = {"scale": "BLEU, ROUGE-L, chrF 0 to 100; CIDEr-D 0 to 10", "bleu": signature}
        own = caption_scores(answers, references)
        ordered = {name: own[name] for name in ("cider_d", "bleu_4", "bleu_3", "bleu_2", *own)}
        return {**ordered, "chrf": plain["chrf"]}, {"cider_d": sentence_cider_d(answers, references)}


class CaptionPredictor(GenerationPredictor):
    """Captions images or clips.

    Args:
        visual: kind of the inputs, the class `Pictures` or `Clips`.
        recipe, model, preprocessing: as in `Predictor`.
    """

    answer = "caption"

    def __init__(self, visual, recipe, model, preprocessing):
        super().__init__(recipe, model, preprocessing)
        self.visual = visual(recipe)
        self.raw_spec = self.visual.raw_spec

    @property
    def core(self):
        """The network, including the CNN if that is trained."""
        return self.model if self.recipe.model.encoder.is_trained else self.network

    def raw_tensor(self, inputs):
        """Return the encoded images of paths."""
        return self.visual.raw_tensor(inputs)

    def read_raw(self, raw):
        """Decode images and extract their features."""
        return self.preprocessing.extractor(self.visual.decode(raw), training=False)

    @cached_property
    def _grid(self):
        """Rows and columns of the regions that attention weights refer to."""
        if self.recipe.model.encoder.pooled or self.visual.frames:
            return [1, 1]
        return list(self.preprocessing.cnn.get_layer("regions").input.shape[1:3])

    def illustrate(self, dataset, split, number):
        """The images, and the attention weights of each word."""
        images = dataset.images(split, number)
        files = {f"examples/{split}-{number}-{i}.jpg": _jpeg(image) for i, image in enumerate(images)}
        attention = self.attention_of(dataset.network_inputs(split, np.array([number])))
        return {"pictures": list(files), "attention": attention and {**attention, "grid": self._grid}}, files

    def network_parts(self):
        """Return the CNN with the encoder, and one decoding step."""
        size, frames = self.recipe.model.encoder.image_size, self.visual.frames

        def pixels(batch, steps, seed):
            shape = (batch, *([steps] if frames else []), *size, 3)
            return np.random.default_rng(seed).uniform(1, 255, shape).astype("float32")

        return self.decoder_parts(pixels, self.preprocessing.extractor, steps=frames or 1)

    def facts(self):
        """Decoding settings, image size, frames per clip, and the grid of regions."""
        size = list(self.recipe.model.encoder.image_size)
        return {**super().facts(), "image_size": size, "frames": self.visual.frames, "grid": self._grid}

    def example_requests(self):
        """Small images of noise."""
        raw = self.visual.example_raw()
        return [("serving_default", {self.raw_spec.name: one}) for one in (raw[1:2], raw)]


def captioning_task(inputs):
    """Return the `Task` that captions one kind of input.

    Args:
        inputs: kind of the inputs, the class `Pictures` or `Clips`.
    """
    return Task(
        partial(CaptionDataset, inputs),
        captioner,
        CaptionObjective,
        partial(CaptionPredictor, inputs),
        CaptionPreprocessing,
    )


def _digest(model):
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _jpeg(pixels):
    image = Image.fromarray(pixels)
    scale = SHOWN_WIDTH / image.width
    resample = Image.Resampling.BICUBIC if scale < 2 else Image.Resampling.NEAREST
    stream = io.BytesIO()
    image.resize((SHOWN_WIDTH, round(image.height * scale)), resample).save(stream, "JPEG", quality=85)
    return stream.getvalue()
