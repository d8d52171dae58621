"""Training examples a second of the whole sentiment pipeline, beside stock Keras and torch.

    python benchmarks/imdb.py --data FOLDER            # train.csv.gz, test.csv.gz as recipes/README.md says
    python benchmarks/imdb.py --data FOLDER --cell gru

Every pipeline trains the same network (embedding, bidirectional recurrence, mean and max pooling, dropout,
classifier; Adam, clipped gradient) on the same bucketed batches, in turns, in one process. A turn is timed
after one turn of warming up, so that tracing and compilation are told apart: they are the `first turn`
column. Medians over the turns. torch takes part where it is installed.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from rnn_apps.recipe import apply_overrides, load_recipe, with_data, with_sample
from rnn_apps.tasks import find_task
from rnn_apps.training import Trainer

try:
    import torch
except ImportError:
    torch = None

PLAIN = {
    "model": {"embedding": 128, "word_dropout": 0.0, "layer_dropout": 0.0, "word_vectors": "random"},
    "training": {"weight_averaging": None, "schedule": "constant", "warmup_steps": 0},
}
KERAS_LAYERS = {"vanilla": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


class FixedBatches:
    """The first batches of epoch 0, so that every pipeline trains on the same ones."""

    def __init__(self, batches, count):
        self._batches, self._count = batches, min(count, len(batches))
        plan = batches.plan(0)[: self._count]
        self.num_examples = sum(len(indices) for indices, _ in plan)

    def __len__(self):
        return self._count

    def epoch(self, epoch=0, start=0):
        return self._batches.epoch(0).take(self._count)


def ours(task, batches):
    task.objective.validate = lambda: {"val_loss": 0.0, "val_accuracy": 0.0}
    trainer = Trainer(task.trained, batches, task.objective, task.predictor.recipe.training)
    trainer.model.stop_training = False
    return lambda: trainer._run_epoch(0)


def stock_keras(task, batches, jit_compile):
    recipe, predictor = task.predictor.recipe, task.predictor
    model = recipe.model
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(predictor.encoder.vocabulary_size, model.embedding, mask_zero=True)(inputs)
    for units in model.units:
        layer = KERAS_LAYERS[model.cell](units, return_sequences=True)
        x = keras.layers.Bidirectional(layer)(x)
    pooled = [keras.layers.GlobalAveragePooling1D()(x), keras.layers.GlobalMaxPooling1D()(x)]
    x = keras.layers.Dropout(model.dropout)(keras.layers.Concatenate()(pooled))
    network = keras.Model(inputs, keras.layers.Dense(len(predictor.class_names))(x))
    optimizer = keras.optimizers.Adam(
        recipe.training.learning_rate, global_clipnorm=recipe.training.clip_norm
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit_compile)
    return lambda: network.fit(batches.epoch(0), epochs=1, verbose=0)


def with_torch(task, batches):
    recipe, predictor = task.predictor.recipe, task.predictor
    model = recipe.model
    kinds = {"vanilla": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(
                predictor.encoder.vocabulary_size, model.embedding, padding_idx=0
            )
            shape = {"num_layers": len(model.units), "batch_first": True, "bidirectional": True}
            self.rnn = kinds[model.cell](model.embedding, model.units[0], **shape)
            self.classify = torch.nn.Linear(4 * model.units[0], len(predictor.class_names))

        def forward(self, numbers):
            lengths = (numbers > 0).sum(1).clamp(min=1)
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                self.embedding(numbers), lengths, batch_first=True, enforce_sorted=False
            )
            x, _ = torch.nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
            real = (torch.arange(x.shape[1])[None] < lengths[:, None])[:, :, None]
            mean = (x * real).sum(1) / lengths[:, None]
            highest = x.masked_fill(~real, -3e4).max(1).values
            pooled = torch.cat([mean, highest], 1)
            return self.classify(torch.nn.functional.dropout(pooled, model.dropout, self.training))

    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), recipe.training.learning_rate)

    def turn():
        for numbers, labels in batches.epoch(0).as_numpy_iterator():
            optimizer.zero_grad()
            outputs = network(torch.from_numpy(numbers).long())
            loss = torch.nn.functional.cross_entropy(outputs, torch.from_numpy(labels).long())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.training.clip_norm)
            optimizer.step()
            loss.item()

    return turn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of the reviews; the generated sample without")
    parser.add_argument("--cell", default="vanilla", choices=list(KERAS_LAYERS))
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batches", type=int, default=120)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    recipe = apply_overrides(
        load_recipe("imdb"), {"model": {"cell": arguments.cell, "units": [arguments.units]}}
    )
    recipe = apply_overrides(recipe, PLAIN)
    recipe = with_data(recipe, arguments.data) if arguments.data else with_sample(recipe)[0]
    keras.utils.set_random_seed(1)
    start = time.perf_counter()
    task = find_task("text_classification").prepare(recipe)
    prepared = time.perf_counter() - start
    batches = FixedBatches(task.dataset.training_batches(), arguments.batches)
    pipelines = {
        "rnn-apps": ours(task, batches),
        "keras.layers, model.fit": stock_keras(task, batches, False),
    }
    if torch is not None:
        torch.set_num_threads(os.cpu_count())
        pipelines["torch"] = with_torch(task, batches)
    first = {name: timed(turn) for name, turn in pipelines.items()}
    rounds = [{name: timed(turn) for name, turn in pipelines.items()} for _ in range(arguments.turns)]
    seconds = {name: float(np.median([r[name] for r in rounds])) for name in pipelines}
    reading = timed(lambda: [None for _ in batches.epoch(0)])
    print(
        f"{arguments.cell}, {arguments.units} units, both directions; {batches.num_examples:,} reviews a turn"
    )
    print("\n| pipeline | examples a second | beside rnn-apps | first turn, s |\n|---|---|---|---|")
    for name, s in seconds.items():
        rate = batches.num_examples / s
        print(f"| {name} | {rate:,.0f} | {s / seconds['rnn-apps']:.2f} x its time | {first[name]:.1f} |")
    total = sum(len(part) for part in task.dataset.splits.values())
    print(f"\nFrom disk to word numbers: {total / prepared:,.0f} reviews a second; ", end="")
    print(f"from there to batches: {batches.num_examples / reading:,.0f}.")


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    tf.get_logger().setLevel("ERROR")
    main()
