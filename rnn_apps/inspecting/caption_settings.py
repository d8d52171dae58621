"""Decides settings of captioning from the images and the words of their captions."""

import os
from collections import Counter
from pathlib import Path

from rnn_apps.inspecting.measures import quantile, round_up

_SIDE_WORDS = frozenset(("left", "right", "links", "rechts", "linke", "rechte", "gauche", "droite"))
_MAX_SIZE = {"MobileNetV2": 160, "small_cnn": 64}
_STRIDE = 32  # total stride of MobileNetV2 in pixels


def decide_words(inspection, words):
    """Decide vocabulary and lengths from the captions of train.

    Args:
        inspection: `Inspection`.
        words: List of lists of words.
    """
    counts = Counter(word for caption in words for word in caption)
    min_count = 1 if len(words) < 500 else 2 if len(words) < 5000 else 3
    num_kept = sum(count >= min_count for count in counts.values())
    frequent = "" if min_count == 1 else f", {num_kept:,} of them at least {min_count} times"
    text = f"{len(counts):,} distinct words in the captions of train{frequent}."
    inspection.add("vocabulary", {"words": len(counts), "kept": num_kept}, text)
    inspection.decide("data.min_count", min_count, f"{len(words):,} captions in train")
    size = min(10_000, round_up(num_kept + 4, 100))
    inspection.decide("data.vocabulary_size", size, f"{num_kept:,} words of train are kept")
    length = quantile(list(map(len, words)), 0.98)
    inspection.decide("data.max_length", max(5, length), f"98 % of the captions have at most {length} words")
    inspection.decide("model.decoding.max_length", max(5, length), "as long as the training captions")


def decide_encoder(inspection, pixels, words):
    """Decide the image encoder and the size of its images.

    Args:
        inspection: `Inspection`.
        pixels: The smaller dimension of most images.
        words: List of lists of words, the captions of train.
    """
    name, why = "MobileNetV2", "its ImageNet weights are on this machine"
    if not _has_weights():
        name = "small_cnn"
        why = "no ImageNet weights on this machine; MobileNetV2 is better if they can be downloaded"
        weights_why = "random initialization; for MobileNetV2: imagenet, and image_size [160, 160]"
        inspection.decide("model.encoder.weights", None, weights_why)
    inspection.decide("model.encoder.name", name, why)
    size = max(_STRIDE, min(_MAX_SIZE[name], pixels // _STRIDE * _STRIDE))
    inspection.decide("model.encoder.image_size", [size, size], f"most images have {pixels} pixels or more")
    if name == "small_cnn":
        inspection.decide("model.encoder.pooled", False, "attention over a grid of regions")
    sides = _SIDE_WORDS & {word for caption in words for word in caption}
    why = f"captions say {', '.join(sorted(sides))}" if sides else "no caption says left or right"
    inspection.decide("model.encoder.horizontal_flip", not sides, why)
    if len(words) < 10_000:
        units, embedding = (128, 64) if len(words) < 2000 else (256, 128)
        settings = {"model.units": [units], "model.projection": units, "model.embedding": embedding}
        if inspection.task == "video_captioning":
            settings["model.encoder_units"] = [embedding]
        inspection.decide_all(settings, f"a smaller network for {len(words):,} captions")


def _has_weights():
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return any((home / "models").glob("mobilenet_v2*1.0_160_no_top.h5"))
