"""Captioning of images and clips: network, objective and predictor."""

import io
from functools import cached_property, partial

import numpy as np
from PIL import Image

from rnn_apps.metrics.generation import caption_scores, corpus_bleu_scores, sentence_cider_d
from rnn_apps.models.encoder_decoder import encoder_decoder, with_feature_extractor
from rnn_apps.tasks.caption_dataset import CaptionDataset, CaptionPreprocessing
from rnn_apps.tasks.decoder import make_decoder
from rnn_apps.tasks.generation import GenerationPredictor
from rnn_apps.tasks.objectives.objective import Monitor
from rnn_apps.tasks.objectives.tokens import GenerationObjective
from rnn_apps.tasks.task import Network, Task

SHOWN_WIDTH = 240  # pixels of an image in the report


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


def _jpeg(pixels):
    image = Image.fromarray(pixels)
    scale = SHOWN_WIDTH / image.width
    resample = Image.Resampling.BICUBIC if scale < 2 else Image.Resampling.NEAREST
    stream = io.BytesIO()
    image.resize((SHOWN_WIDTH, round(image.height * scale)), resample).save(stream, "JPEG", quality=85)
    return stream.getvalue()
