"""One tiny run of every task. A new task needs one more class, and every rule of this folder covers it."""

import csv
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_task import CNN, SAMPLE, TinyTask, encoded
from tiny_writers import TinyImageCaptioning, TinyLanguageModel, TinyTranslation, TinyVideoCaptioning

import rnn_apps
from rnn_apps.export.formats import FORMATS


def tiny_task(name):
    """The tiny run of a task."""
    if name not in TINY:
        pytest.fail(
            f'The task "{name}" is registered, but no rule of tests/conformance covers it: add a subclass of '
            f"TinyTask to {Path(__file__).name}, with a recipe of seconds, and put it into TINY."
        )
    return TINY[name]


class TinyTextClassification(TinyTask):
    recipe = "imdb"
    demo_facts = {"class_names": ["negative", "positive"]}
    settings = {
        "model": {"embedding": 4, "units": [4], "bidirectional": False},
        "data": {**SAMPLE, "vocabulary_size": 100},
    }

    def served(self, answer):
        return {**answer, "probabilities": list(answer["probabilities"].values())}

    def client_answer(self, answer):
        return answer

    def lines(self, raw):
        words = raw.split()
        return [" ".join(words[:2]), "", *words[2:]]

    def explained(self, explanation):
        return {"score": explanation[-1][1]}

    def other_data(self, run, folder, part):
        texts = self.inputs(run)
        rows = [{"text": text, "label": a["label"]} for text, a in zip(texts, run.predict(texts))]
        (folder / f"{part}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return folder, {"accuracy": 1.0}

    def demo_says(self, answer):
        return [f"{answer['label']}, with a probability of {answer['score']:.3f}"]


class TinyForecasting(TinyTask):
    recipe = "forecasting"
    without = ()
    settings = {
        "model": {"units": [4], "window": 30, "lags": 8},
        "data": {**SAMPLE, "period": 8, "horizon": 4, "windows": 32, "known": [], "sample": {"size": 600}},
        "training": {"early_stopping": None},
    }
    layers = ("per_step/recurrent/layer_0_forward",)

    def request(self, raw):
        with open(raw, newline="") as file:
            values = [row["value"] for row in csv.DictReader(file)]
        return {"series": [[float(value or "nan")] for value in values]}

    def client_input(self, raw):
        return json.dumps([[None if np.isnan(v) else v for v in row] for row in self.request(raw)["series"]])

    def served(self, answer):
        (target,) = answer["targets"].values()
        return {name: [[value] for value in values] for name, values in target.items()}

    def lines(self, raw):
        return Path(raw).read_text().splitlines()

    def explained(self, explanation):
        return {"series": [value for _, value, _ in explanation]}

    def explains(self, raw, answer):
        return {"series": [value for (value,) in self.request(raw)["series"]][-30:]}

    def other_data(self, run, folder, part):
        start = np.datetime64("2030-01-01T00")
        rows = [f"{start + hour},{10 + hour % 8 + hour % 3}" for hour in range(200)]
        (folder / "other.csv").write_text("\n".join(["time,value", *rows]))
        return folder / "other.csv", {}

    def scores(self, records):
        lines = [record["targets"]["value"] for record in records]
        lower, truth, upper = (np.array([line[key] for line in lines]) for key in ("lower", "truth", "upper"))
        return {"coverage": np.mean((lower <= truth) & (truth <= upper))}

    def demo_says(self, answer):
        return [f"{value:.5g}" for (value,) in self.served(answer)["forecast"]] + [answer["times"][-1]]


class TinyTagging(TinyTask):
    recipe = "tagging"
    characters = {"embedding": 3, "units": 3, "max_length": 6}
    settings = {"model": {"embedding": 4, "units": [4], "bidirectional": False, "characters": characters}}
    text = "tags"

    def client_answer(self, answer):
        return {"tokens": answer["tokens"], "tags": answer["tags"]}

    def lines(self, raw):
        return raw.split()

    def explained(self, explanation):
        tokens, tags, scores = zip(*explanation)
        return {"tokens": list(tokens), "tags": list(tags), "scores": list(scores)}

    def other_data(self, run, folder, part):
        answers = run.predict(self.inputs(run))
        rows = [json.dumps({"tokens": answer["tokens"], "tags": answer["tags"]}) for answer in answers]
        (folder / f"{part}.jsonl").write_text("\n".join(rows))
        return folder, {"accuracy": 1.0}

    def scores(self, records):
        return accuracy_of_steps(records)

    def demo_says(self, answer):
        pairs = zip(answer["tokens"], answer["tags"])
        return [f"{len(answer['tags'])} words: {', '.join(' '.join(pair) for pair in pairs)}"[:60]]


class TinyFrameLabelling(TinyTask):
    recipe = "frame_labelling"
    settings = {"model": {"units": [4], "encoder": CNN}, "data": {**SAMPLE, "frames": "frame"}}
    without = ("keras", "micro")
    text = "labels"

    def path_of(self, files):
        return str(files[0].parent)

    def request(self, raw):
        return {"frames": [encoded(path) for path in sorted(Path(raw).iterdir())]}

    def client_answer(self, answer):
        return {"labels": answer["labels"]}

    def lines(self, raw):
        return [str(path) for path in sorted(Path(raw).iterdir())]

    def explained(self, explanation):
        _, labels, scores = zip(*explanation)
        return {"labels": list(labels), "scores": list(scores)}

    def other_data(self, run, folder, part):
        raw = self.inputs(run)[0]
        (answer,) = run.predict([raw])
        rows = [f"{path},{label}" for path, label in zip(self.lines(raw), answer["labels"])]
        (folder / f"{part}.csv").write_text("\n".join(["frame,label", *rows]))
        return folder, {"accuracy": 1.0}

    def scores(self, records):
        return accuracy_of_steps(records)

    def demo_says(self, answer):
        return [f"{len(answer['labels'])} frames: 1", answer["labels"][0]]


class TinyImported(TinyTask):
    """A classifier of word numbers, which was trained elsewhere."""

    is_trained_here = False

    def make(self, folder, console, export=FORMATS, **changes):
        words = keras.Input((None,), name="words")
        states = keras.layers.LSTM(3, name="lstm")(keras.layers.Embedding(11, 4, mask_zero=True)(words))
        model = keras.Model(words, keras.layers.Dense(3, "softmax", name="dense")(states))
        rng = np.random.default_rng(0)
        model.set_weights([w + rng.normal(size=w.shape) for w in model.get_weights()])
        run = rnn_apps.import_model(model, out=folder)
        for name in export:
            if name not in ("saved_model", *self.without):  # the import has written the former
                run.export(name)
        return run

    def inputs(self, run):
        return ["[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2]", "[4, 5, 6, 7, 10, 1, 2, 1, 2, 1, 2, 3]"]

    def request(self, raw):
        return {"words": json.loads(raw)}

    def served(self, answer):
        return answer["output"]

    def other_data(self, run, folder, part):
        words = np.random.default_rng(1).integers(1, 11, (20, 6))
        answers = run.predict([str(row.tolist()) for row in words])
        targets = [int(np.argmax(answer["output"]["dense"])) for answer in answers]
        np.savez(folder / "test.npz", words=words, dense=np.array(targets))
        return folder, {"accuracy": 1.0}


def accuracy_of_steps(records):
    """The share of right labels over all steps of all records."""
    pairs = [pair for record in records for pair in zip(record["labels"], record["predictions"], strict=True)]
    return {"accuracy": np.mean([label == found for label, found in pairs])}


TINY = {
    "text_classification": TinyTextClassification(),
    "image_captioning": TinyImageCaptioning(),
    "video_captioning": TinyVideoCaptioning(),
    "translation": TinyTranslation(),
    "language_model": TinyLanguageModel(),
    "forecasting": TinyForecasting(),
    "tagging": TinyTagging(),
    "frame_labelling": TinyFrameLabelling(),
    "imported": TinyImported(),
}
