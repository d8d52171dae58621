"""What image and video captioning have in common: a CNN, kept features, captions and their scores."""

import hashlib
import io
from abc import abstractmethod
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from rnn_apps.baselines.captions import most_frequent_caption, nearest_captions
from rnn_apps.data.images import encode_png
from rnn_apps.data.records import BadRecords
from rnn_apps.data.text import read_words
from rnn_apps.data.visual_inputs import VisualInputs
from rnn_apps.errors import DataError
from rnn_apps.metrics.generation import caption_scores, corpus_bleu_scores, sentence_cider_d
from rnn_apps.models.encoder_decoder import encoder_decoder, with_front
from rnn_apps.tasks.task import Monitor
from rnn_apps.tasks.visual import make_visual_encoder
from rnn_apps.tasks.writing.decoder import learned, make_decoder
from rnn_apps.tasks.writing.task import WritingTask

__all__ = ["CaptioningTask"]

SHOWN_WIDTH = 240  # pixels of a picture in the report
AT_ONCE = 16  # inputs whose pixels are seen together
THUMBNAIL = 16  # pixels a side, by which the baseline compares where the CNN is trained


class CaptioningTask(WritingTask):
    """Pictures in, a sentence out; a subclass says what an input is.

    Attributes:
        front: the CNN, pixels to regions.
    """

    monitor = Monitor("val_cider_d", higher_is_better=True)
    answer = "caption"
    tokenizer = "words in lower case, ! and ? apart, other punctuation removed, of answers and references"
    frames = None
    references_at_once = 5

    def __init__(self, recipe):
        super().__init__(recipe)
        self.front, self.visual, self.signature = None, {}, None

    @property
    def trained(self):
        """Encoder and decoder, with the CNN where that is trained."""
        return self.model if self.recipe.model.encoder.is_trained else self.network

    @abstractmethod
    def load(self, bad, whole):
        """Return the `CaptionedParts` that the recipe names."""

    @abstractmethod
    def read(self, one):
        """Return the images of an input, uint8 (images, height, width, 3)."""

    @abstractmethod
    def make_encoder(self, places, features):
        """Return what reads the regions of a picture, or the frames of a clip (places None)."""

    def prepare(self):
        """Read pictures and captions, learn the vocabulary from train, make the network."""
        self.register()  # so that a cell that cannot be is known before all images are read
        self._load(whole=False)
        self.front = self._make_front()
        self._open_images()
        data = self.recipe.data
        train = [caption for one in self.visual["train"].inputs for caption in one.captions]
        self.written = learned(train, "word", data.vocabulary_size, data.min_count)
        self._refer()
        decoder = make_decoder(self.recipe, self.written.size, self.recipe.model.attention)
        network = encoder_decoder(self._encoder(), decoder)
        self.network, self.model = network, with_front(self.whole_front(), network)

    def prepare_evaluation(self, whole=False):
        """Read the test part anew for a restored network."""
        self._load(whole)
        self._open_images("test")
        self._refer()

    def _load(self, whole):
        data = self.recipe.data
        self.bad = BadRecords(data.on_bad_record, data.max_bad_records)
        self.source_name, self.splits, self.store = self.load(self.bad, whole)

    def _make_front(self):
        return make_visual_encoder(self.recipe.model.encoder, self.recipe.seed)

    def _encoder(self):
        places, features = self.front.output_shape[1:]
        return self.make_encoder(*((places, features) if self.frames is None else (None, places * features)))

    def whole_front(self):
        """Return the model from the pixels of an input to what the network is given."""
        return self.front

    def _open_images(self, *parts):
        """Read the images of all splits or of these, or take them from the cache; bad ones are left out."""
        encoder = self.recipe.model.encoder
        front = None if encoder.is_trained else self.front
        key = front and [encoder.name, encoder.options, encoder.pooled, _digest(front)]
        used = sum(map(len, self.splits.values()))
        self.splits = {part: self.splits[part] for part in parts or self.splits}
        for part, inputs in self.splits.items():
            mirror = encoder.flips and part == "train"
            settings = (encoder.image_size, self.frames, front, key, mirror, self.store.workers)
            self.visual[part] = VisualInputs(inputs, self.read, self.mark, *settings)
            self.visual[part].fill(self.bad)
            if not len(self.visual[part]):
                raise DataError(self.source_name, f"no usable example for {part}", fix="Give more.")
            used -= len(inputs) - len(self.visual[part])
        self.bad.check_fraction(self.source_name, used)

    def mark(self, one):
        """Return what changes when the images of an input change."""
        return [self.store.mark(frame) for frame in one.frames]

    def _refer(self):
        self.captions = {}
        for part, visual in self.visual.items():
            self.refer(part, [one.captions for one in visual.inputs])
            counts = [len(one.captions) for one in visual.inputs]
            words = iter(read_words([caption for one in visual.inputs for caption in one.captions]))
            self.captions[part] = [[next(words) for _ in range(count)] for count in counts]

    def number_examples(self, batch, steps, seed):
        """Random pixels."""
        sides = [*([steps] if self.frames else []), *self.recipe.model.encoder.image_size, 3]
        return np.random.default_rng(seed).uniform(1, 255, (batch, *sides)).astype("float32")

    @property
    def fixed_steps(self):
        """Frames of a clip."""
        return self.frames or 1

    def client_facts(self):
        """How a text is written, and the size of the pictures."""
        size = list(self.recipe.model.encoder.image_size)
        return {**super().client_facts(), "image_size": size, "frames": self.frames}

    def demo_facts(self):
        """The size of the pictures, the frames of a clip, and the places that are looked at."""
        size = list(self.recipe.model.encoder.image_size)
        return {**super().demo_facts(), "image_size": size, "frames": self.frames, "grid": self._grid}

    def raw_example(self, part, number, record):
        """The pictures, as the network is given them."""
        images = self.visual[part].images(number)
        return {f"picture-{i}.png": encode_png(image) for i, image in enumerate(images, start=1)}

    def num_inputs(self, part):
        """Pictures or clips that can be read."""
        return len(self.visual[part])

    def about(self, part, number):
        """The name of the picture or clip."""
        return {"input": self.visual[part].inputs[number].name}

    def reference_texts(self, part):
        """Captions as the tokenizer reads them."""
        return self.captions[part]

    def given(self, part, numbers):
        """Features, or pixels."""
        return self._as_given(self.visual[part][numbers])

    def _as_given(self, arrays):
        if not self.recipe.model.encoder.is_trained:
            return tf.cast(arrays, tf.float32)
        parts = np.split(arrays, range(AT_ONCE, len(arrays), AT_ONCE))
        return tf.concat([self._seen(tf.constant(part, tf.float32)) for part in parts], axis=0)

    @cached_property
    def _seen(self):
        front = self.whole_front()
        signature = [tf.TensorSpec([None, *front.input_shape[1:]])]

        def seen(pixels):
            return front(pixels, training=False)

        return tf.function(seen, input_signature=signature, autograph=False)

    def input_batch(self, part):
        """Features or pixels, half of them mirrored in training where the recipe wants it."""
        visual, flips = self.visual[part], self.recipe.model.encoder.flips and part == "train"

        def gather(numbers, epoch):
            if not flips or epoch < 0:
                return visual[numbers]
            rng = np.random.default_rng([self.recipe.seed, epoch, *numbers[:4]])
            return visual.partly_mirrored(numbers, rng.random(len(numbers)) < 0.5)

        def batch(numbers, epoch):
            epoch = tf.constant(-1 if epoch is None else epoch)
            arrays = tf.numpy_function(gather, [numbers, epoch], visual.dtype, stateful=False)
            return tf.cast(tf.ensure_shape(arrays, [None, *visual.shape]), tf.float32)

        return batch

    def scores(self, answers, references):
        """CIDEr-D, BLEU, ROUGE-L and chrF of words; CIDEr-D of each."""
        plain = corpus_bleu_scores(answers, references, tokenize="none")
        self.signature = plain["signatures"]["bleu"].replace("smooth:exp", "smooth:none")
        ours = caption_scores(answers, references)
        ordered = {name: ours[name] for name in ("cider_d", "bleu_4", "bleu_3", "bleu_2", *ours)}
        return {**ordered, "chrf": plain["chrf"]}, {"cider_d": sentence_cider_d(answers, references)}

    def baselines(self):
        """The most frequent caption of train, and the caption of the nearest input of train."""
        train, references = self.captions["train"], self.reference_texts("test")
        known = self._vectors("train")
        middle = known.mean(axis=0)
        nearest = nearest_captions(self._vectors("test") - middle, known - middle, train)
        answers = {
            "most_frequent_caption": [most_frequent_caption(train)] * len(references),
            "nearest_caption": nearest,
        }
        return {name: self.scores(texts, references)[0] for name, texts in answers.items()}

    def _vectors(self, part):
        """One vector an input: the mean of its features, or where the CNN is trained a thumbnail."""
        visual, rows = self.visual[part], []
        for start in range(0, len(visual), AT_ONCE):
            arrays = visual[np.arange(start, min(start + AT_ONCE, len(visual)))].astype(np.float32)
            if self.recipe.model.encoder.is_trained:
                flat = arrays.reshape(-1, *arrays.shape[-3:])
                small = tf.image.resize(flat, (THUMBNAIL, THUMBNAIL), antialias=True).numpy()
                rows.append(small.reshape(len(arrays), -1))
            else:
                rows.append(arrays.mean(axis=1))
        return np.concatenate(rows)

    def describe_data(self):
        """Source and counts, and the weights of a frozen encoder, on which every input depends."""

        def marks(part):
            return (str(self.mark(one)) for one in self.visual[part].inputs)

        return {
            "source": self.source_name,
            **{part: len(visual) for part, visual in self.visual.items()},
            "skipped": self.skipped,
            "fingerprint": self.fingerprint(marks),
            "encoder": None if self.recipe.model.encoder.is_trained else _digest(self.front),
        }

    def settings(self):
        """What has to be known to compare scores."""
        scale = "BLEU, ROUGE-L, chrF 0 to 100; CIDEr-D 0 to 10"
        return {"tokenizer": self.tokenizer, **super().settings(), "scale": scale, "bleu": self.signature}

    def restore(self, model, folder):
        """Take a trained network and its vocabulary."""
        super().restore(model, folder)
        self.front = self.front_of(model)

    def front_of(self, model):
        """Return the CNN inside a saved network."""
        return model.get_layer("visual_encoder")

    @cached_property
    def _grid(self):
        """Rows and columns of the places in an image that are looked at."""
        if self.recipe.model.encoder.pooled or self.frames:
            return [1, 1]
        return list(self.front.get_layer("regions").input.shape[1:3])

    def illustrate(self, part, number):
        """Its images, and where the network looked at each word."""
        images = self.visual[part].images(number)
        files = {f"examples/{part}-{number}-{i}.jpg": _jpeg(image) for i, image in enumerate(images)}
        looked = self.attention_of(self.given(part, np.array([number])))
        return {"pictures": list(files), "attention": looked and {**looked, "grid": self._grid}}, files


def _digest(model: keras.Model):
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
