"""Small runs of the tasks that write, and what a process answers that has only TensorFlow."""

import json
import os
import subprocess
import sys

import rnn_apps
from rnn_apps.recipe import load_recipe

DECODER = {"embedding": 8, "units": [12], "dropout": 0.1}
TRAINING = {"epochs": 1, "batch_size": 16, "compile": False}
TRAINING |= {"optimizer": "sgd", "weight_averaging": None}  # the smallest graph of a step
SMALL = {
    "image_captioning": {
        "model": {**DECODER, "projection": 8, "encoder": {"image_size": [32, 32]}, "attention": "additive"},
        "data": {"source": "sample", "sample": {"size": 100}},
    },
    "video_captioning": {
        "model": {**DECODER, "projection": 8, "encoder_units": [6], "encoder": {"image_size": [16, 16]}},
        "data": {"source": "sample", "sample": {"size": 100}},
    },
    "translation": {
        "model": {**DECODER, "encoder_units": [6]},
        "data": {"source": "sample", "vocabulary_size": 300, "sample": {"size": 100}},
    },
}

LANGUAGE_MODEL = {
    "model": {"embedding": 4, "units": [8], "generation": {"length": 12}},
    "data": {"source": "sample", "sample": {"size": 100}},
    "training": {"tbptt": {"steps": 20}},
}

CLIENT = """
import base64, json, sys
import tensorflow as tf

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # each graph runs once
few = {"beam": 2, "nbest": 2, "seed": 3}
asked = {
    "serving_default": {},
    "explain": {},
    "generate": {**{k: tf.constant(v) for k, v in few.items()}, "temperature": tf.constant(0.0)},
}
for folder, name, inputs in json.load(sys.stdin):
    given = {name: tf.constant(tf.nest.map_structure(base64.b64decode, inputs))}
    loaded, answers = tf.saved_model.load(folder), {}
    for signature, options in asked.items():
        answer = loaded.signatures[signature](**given, **options)
        answers[signature] = {key: value.numpy().tolist() for key, value in answer.items()}
    print(json.dumps(answers, default=bytes.decode))
assert not any(module.partition(".")[0] == "rnn_apps" for module in sys.modules)
"""


class Silence:
    """A console that says nothing."""

    def log(self, text):
        pass

    def step(self, *arguments):
        pass

    def close(self):
        pass


def small_recipe(task, **changes):
    """The recipe of that name, small enough for a test."""
    settings = SMALL.get(task) or LANGUAGE_MODEL
    decoding = {"decoding": {"beam": 3, "max_length": 9}} if task in SMALL else {}
    model = {**settings["model"], **decoding, **changes.pop("model", {})}
    data = {**settings["data"], **changes.pop("data", {})}
    training = {**TRAINING, **settings.get("training", {}), **changes.pop("training", {})}
    return load_recipe(task, {"model": model, "data": data, "training": training, "views": False, **changes})


def small_run(task, folder, console, **changes):
    """A whole run of seconds."""
    return rnn_apps.run(small_recipe(task, **changes), out=folder, console=console)


def answers_elsewhere(asked):
    """What exports answer in a process without rnn_apps: a list of (run, name of the input, base64 texts)."""
    given = json.dumps([(str(run.folder / "export" / "1"), name, inputs) for run, name, inputs in asked])
    command, quiet = [sys.executable, "-c", CLIENT], {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(command, input=given, capture_output=True, text=True, env=quiet)
    assert process.returncode == 0, process.stderr
    return [json.loads(line) for line in process.stdout.splitlines()]
