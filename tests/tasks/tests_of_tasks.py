"""Small runs of the tasks that generate text."""

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
