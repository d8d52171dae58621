"""Fake exports of every task: their signatures, canned answers, demo metadata and examples."""

import io
import json

import numpy as np
import tensorflow as tf
from PIL import Image

WORDS = ["a", "red", "dot"]
BEAM = {"beam": tf.int32, "nbest": tf.int32, "temperature": tf.float32, "seed": tf.int32}


def spec(dtype, *shape):
    return tf.TensorSpec(shape, dtype)


TEXT, PICTURES, CLIPS = spec(tf.string, None), spec(tf.string, None), spec(tf.string, None, None)
SCALARS = {name: spec(dtype) for name, dtype in BEAM.items()}


def strings(values):
    return np.array(values, object)


def png(colour=(200, 30, 30), size=(32, 24)):
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


class FakeModel:
    """Redemos `Model` behind a server.

    Args:
        folder: folder of the demo metadata.
        signatures: name to (specs of inputs, specs of outputs, function of arrays).
    """

    version = 1

    def __init__(self, folder, signatures):
        self.path, self._signatures, self.requests = folder, signatures, []
        self.specs = {name: specs for name, (specs, _, _) in signatures.items()}
        self.outputs = {name: outputs for name, (_, outputs, _) in signatures.items()}

    def answer(self, signature, inputs):
        self.requests.append((signature, inputs))
        return self._signatures[signature][2](**inputs)


def fake(folder, signatures, facts=None, files=()):
    """Return a `FakeModel` with demo metadata and example files."""
    demo = folder / "assets.extra" / "demo"
    demo.mkdir(parents=True)
    for name, content in files:
        (demo / name).write_bytes(content)
    if facts is not None:
        (demo / "facts.json").write_text(json.dumps(facts))
    return FakeModel(folder, signatures)


def _probability(text):
    good, bad = (text.lower().count(word) for word in (b"good", b"bad"))
    return (1 + good) / (2 + good + bad)


def sentiment(folder, **facts):
    def classify(text):
        high = np.array([_probability(one) for one in text])
        names = strings([b"positive" if p >= 0.5 else b"negative" for p in high])
        return {
            "label": names,
            "score": np.maximum(high, 1 - high),
            "probabilities": np.stack([1 - high, high], 1),
        }

    def explain(text):
        tokens = text[0].split()
        scores = [_probability(b" ".join(tokens[: i + 1])) for i in range(len(tokens))]
        return {
            "label": strings([b"positive"]),
            "tokens": strings([tokens]) if tokens else np.zeros((1, 0), object),
            "scores": np.array([scores]),
            "lengths": np.array([len(tokens)]),
        }

    outputs = {name: spec(tf.float32, None) for name in ("label", "score", "probabilities")}
    signatures = {
        "serving_default": ({"text": TEXT}, outputs, classify),
        "explain": ({"text": TEXT}, {}, explain),
    }
    known = {"class_names": ["negative", "positive"], "examples": [{"text": "a good film"}, {"text": "bad"}]}
    return fake(folder, signatures, {**known, **facts})


def _writer(name, given, answer, demos, sources=None):
    texts = ["a red dot", "one dot", "red"]

    def found(count):
        return {
            answer: strings([texts[0].encode()]),
            "candidates": strings([[one.encode() for one in texts[:count]]]),
            "scores": np.array([[-0.5, -1.0, -2.0][:count]]),
        }

    def explain(**inputs):
        several = demos(inputs[name])
        weights = np.array([[np.roll(np.linspace(1, 0, several), i) for i in range(3)]])
        told = {"sources": sources(inputs[name])} if sources else {}
        tokens = strings([[word.encode() for word in WORDS]])
        return {**found(1), "tokens": tokens, "weights": weights, "lengths": np.array([3]), **told}

    outputs = dict.fromkeys((answer, "candidates", "scores"), TEXT)
    return {
        "serving_default": ({name: given}, outputs, lambda **inputs: found(3)),
        "generate": ({name: given, **SCALARS}, outputs, lambda nbest, **inputs: found(int(nbest))),
        "explain": ({name: given}, outputs, explain),
    }


def picture(folder):
    facts = {"beam": 3, "grid": [2, 2], "image_size": [24, 32], "examples": [{"files": ["one.png"]}]}
    return fake(folder, _writer("image", PICTURES, "caption", lambda _: 4), facts, [("one.png", png())])


def clip(folder):
    names = ["1.png", "2.png", "3.png"]
    facts = {"beam": 3, "frames": 4, "image_size": [24, 32], "examples": [{"files": names}]}
    signatures = _writer("frames", CLIPS, "caption", lambda frames: frames.shape[1])
    return fake(folder, signatures, facts, [(name, png()) for name in names])


def translation(folder):
    def read(texts):
        return [*texts[0].split(), b""]

    signatures = _writer("text", TEXT, "text", lambda t: len(read(t)), lambda t: strings([read(t)]))
    facts = {"languages": ["en", "de"], "examples": [{"text": "ein roter Punkt"}]}
    return fake(folder, signatures, facts)


def prompt(folder):
    given = {"prompt": TEXT, "length": spec(tf.int32), "temperature": spec(tf.float32)}
    more = {"seed": spec(tf.int32), "top_k": spec(tf.int32), "top_p": spec(tf.float32)}

    def write(prompt, length, temperature, **_):
        rows = [one + b" on" * int(length) + b" %d" % i for i, one in enumerate(prompt)]
        return {"text": strings(rows), "log_probability": -np.arange(1.0, len(rows) + 1)}

    outputs = {"text": TEXT, "log_probability": TEXT}
    signatures = {"serving_default": (given, outputs, write), "generate": ({**given, **more}, outputs, write)}
    return fake(folder, signatures, {"length": 4, "unit": "token", "examples": [{"text": "once upon"}]})


def tags(folder):
    def tag(text):
        tokens = text[0].split()
        names = [b"NOUN" if i % 2 else b"DET" for i in range(len(tokens))]
        return {
            "tokens": strings([tokens]),
            "tags": strings([names]),
            "scores": np.full((1, len(tokens)), 0.9),
            "lengths": np.array([len(tokens)]),
        }

    outputs = dict.fromkeys(("tokens", "tags", "scores", "lengths"), TEXT)
    facts = {"class_names": ["DET", "NOUN"], "examples": [{"text": "the dog"}]}
    return fake(folder, {"serving_default": ({"text": TEXT}, outputs, tag)}, facts)


SERIES = "time,value\n" + "".join(f"2024-01-{day:02},{day}\n" for day in range(1, 11))
ROWS = "x,y\n" + "".join(f"{i},{-i}\n" for i in range(6))


def forecast(folder):
    def ahead(series):
        last = series[:, -1:, :1] + np.arange(1, 4)[None, :, None]
        return {"forecast": last, "lower": last - 1, "upper": last + 1}

    columns = {"targets": ["value"], "covariates": [], "known": [], "time": ["time"], "series": None}
    facts = {"table_columns": {**columns, "time_format": None}, "step": {"kind": "second", "size": 86400}}
    facts |= {"window": 8, "calendar": [], "examples": [{"files": ["series.csv"]}]}
    outputs = {name: spec(tf.float32, None, 3, 1) for name in ("forecast", "lower", "upper")}
    signatures = {"serving_default": ({"series": spec(tf.float32, None, None, 1)}, outputs, ahead)}
    return fake(folder, signatures, facts, [("series.csv", SERIES.encode())])


def _labels(given):
    count = given.shape[1]
    names = [b"rest" if i < count // 2 else b"walk" for i in range(count)]
    return {"labels": strings([names]), "scores": np.full((1, count), 0.8), "lengths": np.array([count])}


LABELS = dict.fromkeys(("labels", "scores", "lengths"), TEXT)


def frame_labels(folder):
    facts = {
        "class_names": ["rest", "walk"],
        "image_size": [24, 32],
        "examples": [{"files": ["1.png", "2.png"]}],
    }
    signatures = {"serving_default": ({"frames": CLIPS}, LABELS, lambda frames: _labels(frames))}
    return fake(folder, signatures, facts, [("1.png", png()), ("2.png", png((0, 0, 0)))])


def row_labels(folder):
    facts = {"class_names": ["rest", "walk"], "features": ["x", "y"], "examples": [{"files": ["steps.csv"]}]}
    given = {"features": spec(tf.float32, None, None, 2)}
    signatures = {"serving_default": (given, LABELS, lambda features: _labels(features))}
    return fake(folder, signatures, facts, [("steps.csv", ROWS.encode())])


def numbers(folder):
    given = {"x": spec(tf.float32, None, 3)}
    return fake(folder, {"serving_default": (given, {"y": TEXT}, lambda x: {"y": x})})


FAKES = (sentiment, picture, clip, translation, prompt, tags, forecast, frame_labels, row_labels)
