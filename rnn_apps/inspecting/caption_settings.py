"""Settings of captioning that follow from the images and the words of their captions."""

import os
from collections import Counter
from pathlib import Path

from rnn_apps.inspecting.measures import quantile
from rnn_apps.inspecting.sizes import rounded_up

_MIRRORED = frozenset(("left", "right", "links", "rechts", "linke", "rechte", "gauche", "droite"))
_LARGEST = {"MobileNetV2": 160, "small_cnn": 64}
_STEP = 32  # pixels by which MobileNetV2 shrinks a picture


def decide_words(inspection, words):
    """Decide vocabulary and lengths from the words of the captions of train.

    Args:
        inspection: `Inspection`.
        words: list of lists of words.
    """
    counts = Counter(word for caption in words for word in caption)
    least = 1 if len(words) < 500 else 2 if len(words) < 5000 else 3
    kept = sum(count >= least for count in counts.values())
    often = "" if least == 1 else f", {kept:,} of them at least {least} times"
    text = f"{len(counts):,} distinct words in the captions of train{often}."
    inspection.found("vocabulary", {"words": len(counts), "kept": kept}, text)
    inspection.decide("data.min_count", least, f"{len(words):,} captions in train")
    size = min(10_000, rounded_up(kept + 4, 100))
    inspection.decide("data.vocabulary_size", size, f"{kept:,} words of train are kept")
    longest = quantile(list(map(len, words)), 0.98)
    why = f"98 % of the captions have at most {longest} words"
    inspection.decide("data.max_length", max(5, longest), why)
    inspection.decide("model.decoding.max_length", max(5, longest), "as long as what is learned")


def decide_encoder(inspection, pixels, words):
    """Decide the network that sees, and how large its pictures are.

    Args:
        inspection: `Inspection`.
        pixels: the smaller side of most pictures.
        words: list of lists of words, of the captions of train.
    """
    name = "MobileNetV2" if _has_weights() else "small_cnn"
    side = max(_STEP, min(_LARGEST[name], pixels // _STEP * _STEP))
    if name == "MobileNetV2":
        why = "its ImageNet weights are on this machine"
    else:
        why = "no ImageNet weights on this machine; better, where they can be fetched: MobileNetV2"
        inspection.decide(
            "model.encoder.weights",
            None,
            "a random start; with MobileNetV2: imagenet, and image_size [160, 160]",
        )
    inspection.decide("model.encoder.name", name, why)
    inspection.decide("model.encoder.image_size", [side, side], f"most pictures have {pixels} pixels or more")
    if name == "small_cnn":
        inspection.decide("model.encoder.pooled", False, "a grid of regions to look at")
    mirrored = _MIRRORED & {word for caption in words for word in caption}
    why = f"captions say {', '.join(sorted(mirrored))}" if mirrored else "no caption says left or right"
    inspection.decide("model.encoder.horizontal_flip", not mirrored, why)
    if len(words) < 10_000:
        size, why = (
            (128, 64) if len(words) < 2000 else (256, 128),
            f"a smaller network for {len(words):,} captions",
        )
        for key, value in (("units", [size[0]]), ("projection", size[0]), ("embedding", size[1])):
            inspection.decide(f"model.{key}", value, why)
        if inspection.task == "video_captioning":
            inspection.decide("model.encoder_units", [size[1]], why)


def _has_weights():
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return any((home / "models").glob("mobilenet_v2*1.0_160_no_top.h5"))
