"""A task of one's own in one file: the parity of a text of zeros and ones. ARCHITECTURE.md explains it."""

from typing import ClassVar, Literal

import keras
import numpy as np
import pytest
import tensorflow as tf
from fastapi.testclient import TestClient
from pydantic import Field

import rnn_apps
from rnn_apps import tasks
from rnn_apps.cli import call
from rnn_apps.data.batches import SequenceBatches
from rnn_apps.export import FORMATS
from rnn_apps.export.client import Client
from rnn_apps.serving.application import make_application
from rnn_apps.serving.model import Model
from rnn_apps.settings import Settings, TaskSettings


class ParityData(Settings):
    source: Literal["sample"] = Field("sample", description="Generated bits.")


class ParitySettings(TaskSettings):
    shape: ClassVar[str] = "many-to-one"
    summary: ClassVar[str] = "zeros and ones in, their parity out"
    task: Literal["parity"] = Field("parity", description="Name of the task.")
    data: ParityData = Field(default_factory=ParityData, description="What is generated.")
    model: tasks.RecurrentLayers = Field(default_factory=tasks.RecurrentLayers, description="The network.")


class ParityDataset(tasks.Dataset):
    def read(self, request):
        rng = np.random.default_rng(self.recipe.seed)
        texts = ["".join(rng.choice(["0", "1"], rng.integers(1, 7))) for _ in range(400)]
        self.splits = {"train": texts[:320], "validation": texts[320:360], "test": texts[360:]}
        self.source_name = "parity"

    def learn(self):
        return tasks.Preprocessing(["even", "odd"])

    def encode(self, split):
        numbers = np.array([int(bit) + 1 for text in self.splits[split] for bit in text], np.int32)
        return numbers, [len(text) for text in self.splits[split]]

    def labels(self, split):
        return [text.count("1") % 2 for text in self.splits[split]]

    def batches(self, split, batch_size, seed=None):
        return SequenceBatches(*self.encoded[split], self.labels(split), batch_size, seed)

    def view_examples(self, predictor):
        numbers, lengths = self.encoded["test"]
        targets = tf.constant(self.labels("test")[:3])
        names = {"": [list(text) for text in self.splits["test"][:3]]}
        return tasks.ViewExamples(
            predictor.model, tasks.padded_rows(numbers, lengths, range(3)), targets, names
        )


def parity_network(recipe, dataset):
    numbers = keras.Input((None,), dtype="int32", name="numbers")
    x = keras.layers.Embedding(3, 4, mask_zero=True)(numbers)
    h = tasks.make_recurrent_layers(recipe, name="recurrent")(x)
    return keras.Model(numbers, keras.layers.Dense(2)(h[:, -1]))


class ParityPredictor(tasks.ClassPredictor):
    reads_text = True

    def encode_raw(self, raw):
        bits = tf.strings.to_number(tf.strings.bytes_split(raw), tf.int32) + 1
        return [bits.to_tensor(0)]

    def number_examples(self, batch, steps, seed):
        return [np.random.default_rng(seed).integers(1, 3, (batch, steps)).astype("int32")]

    def example_requests(self):
        return [("serving_default", {"text": tf.constant(texts)}) for texts in (["0110"], ["1", "0111"])]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    tasks.register_task(
        "parity",
        ParitySettings,
        tasks.Task(ParityDataset, parity_network, tasks.ClassObjective, ParityPredictor),
    )
    folder = tmp_path_factory.mktemp("parity")
    recipe = f"task: parity\ntraining: {{epochs: 2}}\nmodel: {{units: [8]}}\nexport: [{', '.join(FORMATS)}]\n"
    (folder / "parity.yaml").write_text(recipe)
    yield rnn_apps.run(folder / "parity.yaml", out=folder / "run")
    del tasks.TASKS["parity"]


def test_a_task_in_one_file_has_all_that_the_tasks_of_the_package_have(run, capsys):
    assert set(run.metrics["not_exported"]) == {"micro"}  # it has one answer to a whole sequence
    assert run.evaluate() == pytest.approx(run.metrics["test"])
    assert set(run.metrics["baseline"]) == {"majority"}
    assert call(["predict", str(run.folder), "0110", "--text"]) == 0
    (own,) = run.predict(["0110"])
    assert capsys.readouterr().out.split()[0] == own["label"]
    application = make_application(Model(run.folder / "export"), "parity")
    with TestClient(application, base_url="http://localhost") as server:
        answer = server.post("/v1/models/parity:predict", json={"instances": ["0110"]})
    (served,) = answer.json()["predictions"]
    clients = [Client(run.folder / "export" / name) for name in ("onnx", "litert")]
    found = [served["probabilities"], *(one.answer("[1, 2, 2, 1]")["probabilities"] for one in clients)]
    for probabilities in found:
        np.testing.assert_allclose(probabilities, list(own["probabilities"].values()), atol=1e-5)
    page = (run.folder / "report.html").read_text()
    assert all(text in page for text in ("parity", "even", "odd", "majority", "Hidden state of"))
