"""What the rules have to know of a task: its tiny recipe, its inputs and what its answers say."""

import base64
import json
from pathlib import Path

import numpy as np

import rnn_apps
from rnn_apps.export.formats import FORMATS

TRAINING = {"epochs": 2, "batch_size": 32, "compile": False, "weight_averaging": None}
TRAINING |= {"learning_rate": 0.05, "schedule": "constant", "warmup_steps": 0}
SAMPLE = {"source": "sample", "sample": {"size": 100}}
CNN = {"name": "small_cnn", "weights": None, "options": {}, "image_size": [16, 16], "pooled": False}


class TinyTask:
    """What the rules have to know of one task; a subclass overrides what differs."""

    recipe = ""  # name of a packaged recipe
    settings = {}
    without = ("micro",)  # formats that say that they cannot hold the network
    is_trained_here = True  # or its network comes from elsewhere: without data, history and report
    layers = ("recurrent/layer_0_forward",)  # recurrent layers that the views show
    options = {}  # of `predict`, under which it answers as `serving_default` does
    client_options = {}  # the same of client.py
    demo_facts = {}  # metadata of the network for the demo page
    text = "label"  # the entry of an answer that says it in words

    def overrides(self, **changes):
        """Settings of the tiny recipe, over those of the packaged one."""
        training = {**TRAINING, **self.settings.get("training", {})}
        return {"data": SAMPLE, **self.settings, "training": training, **changes}

    def make(self, folder, console, **changes):
        """Run the tiny recipe with every format."""
        settings = self.overrides(**{"export": list(FORMATS), **changes})
        return rnn_apps.run(self.recipe, out=folder, console=console, **settings)

    def inputs(self, run):
        """Raw inputs of the task: those of the test split that the run has kept."""
        kept = run.folder / "examples"
        return [
            one["text"] if "text" in one else self.path_of([kept / name for name in one["files"]])
            for one in json.loads((kept / "given.json").read_text())
        ]

    def path_of(self, files):
        """What `predict` takes for the files of one example."""
        return str(files[0])

    def request(self, raw):
        """Input name to value for one example of `serving_default`, as JSON."""
        return {"text": raw}

    def served(self, answer):
        """Output name to value that `serving_default` gives where `predict` gives this answer."""
        return answer

    def client_input(self, raw):
        """The argument of client.py."""
        return raw

    def client_answer(self, answer):
        """What client.py gives where `predict` gives this answer."""
        return self.served(answer)

    def lines(self, raw):
        """The lines of a stream that holds the input; None where the task answers whole inputs only."""
        return None

    def whole(self, run, raw):
        """The answer for the whole input, with which that of a stream ends."""
        return run.predict([raw])[0]

    def explained(self, explanation):
        """What an explanation says, name to value, as `explains` has it."""
        raise NotImplementedError

    def explains(self, raw, answer):
        """What an explanation is of: by default the answer."""
        return answer

    def other_data(self, run, folder, part):
        """Write data in the layout of the task, and return its path and the scores that are right for it.

        The one split of the data is named `part`, where the layout names splits.
        """
        raise NotImplementedError

    def scores(self, records):
        """Scores of the test split, counted from the records of a run."""
        return {"accuracy": np.mean([record["label"] == record["prediction"] for record in records])}

    def demo_settings(self):
        """Return settings of the demo page with which it answers as `predict` does."""
        return ()

    def demo_says(self, answer):
        """Return texts that the demo page shows for this answer of `predict`."""
        return [answer[self.text]]


def encoded(path):
    """A file as JSON holds it."""
    return {"b64": base64.b64encode(Path(path).read_bytes()).decode()}
