"""Our own step and loop, on a network of one matrix, of which every number can be made by hand."""

import json
import math
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.errors import UserError
from rnn_apps.settings import TrainingSettings
from rnn_apps.tasks.objectives.objective import Monitor
from rnn_apps.training import Interrupted, Trainer, TrainingFailed, WeightAverage, learning_rate_schedule
from rnn_apps.training.precision import LossScale

INPUTS = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
TARGETS = np.random.default_rng(1).normal(size=(12, 2)).astype("float32")
START = np.random.default_rng(2).normal(size=(3, 2)).astype("float32")
SIZES = (5, 5, 2)  # the last batch is smaller


class Batches:
    """The same three batches in every epoch."""

    num_examples = 12

    def __len__(self):
        return len(SIZES)

    def epoch(self, epoch, start=0):
        ends = np.cumsum(SIZES)
        for end, size in list(zip(ends, SIZES))[start:]:
            yield tf.constant(INPUTS[end - size : end]), tf.constant(TARGETS[end - size : end])


def trainer_of(task, *arguments, **options):
    return Trainer(task.model, Batches(), task, task.training, *arguments, **options)


class LinearTask:
    """A linear network and its objective, a squared loss; validation scores are those it is given."""

    monitor = Monitor("val_score", higher_is_better=True)

    def __init__(self, scores=None, **settings):
        settings = {
            "epochs": 2,
            "batch_size": 5,
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "clip_norm": None,
        } | settings
        self.training = TrainingSettings(**settings)
        dense = keras.layers.Dense(2, use_bias=False)
        self.model = keras.Sequential([keras.Input((3,)), dense])
        dense.kernel.assign(START)
        self.scores = iter(scores or range(1000))
        self.validated = []

    def count(self, targets):
        return tf.shape(targets)[0]

    def loss(self, outputs, targets):
        return tf.reduce_mean(tf.reduce_sum((outputs - targets) ** 2, axis=1))

    def batch_metrics(self, outputs, targets):
        return {"count": tf.cast(tf.shape(outputs)[0], tf.float32)}

    def validate(self):
        self.validated.append(self.kernel)
        return {"val_score": next(self.scores)}

    @property
    def kernel(self):
        return self.model.get_weights()[0]


def by_hand(steps, rate=lambda step: 0.1, clip=None):
    """Plain gradient descent in NumPy: for each of `steps`, (kernel after it, loss before it)."""
    kernel, course, ends = START.astype("float64"), [], np.cumsum(SIZES)
    for step in range(steps):
        end, size = ends[step % len(SIZES)], SIZES[step % len(SIZES)]
        x, y = INPUTS[end - size : end], TARGETS[end - size : end]
        error = x @ kernel - y
        gradient = 2 * x.T @ error / size
        norm = np.sqrt((gradient**2).sum())
        if clip and norm > clip:
            gradient = gradient * clip / norm
        kernel = kernel - rate(step) * gradient
        course.append((kernel, (error**2).sum(1).mean()))
    return course


def trained(task, **options):
    trainer = trainer_of(task, **options)
    trainer.train()
    return trainer


@pytest.mark.parametrize("clip", [None, 0.3])
def test_the_weights_after_an_epoch_are_those_of_the_steps_made_by_hand(clip):
    task = LinearTask(epochs=1, clip_norm=clip)
    trained(task)
    np.testing.assert_allclose(task.kernel, by_hand(3, clip=clip)[-1][0], atol=1e-6)


def test_a_gradient_below_the_norm_is_left_as_it_is():
    task = LinearTask(epochs=1, clip_norm=1e6)
    trained(task)
    np.testing.assert_allclose(task.kernel, by_hand(3)[-1][0], atol=1e-6)


def test_penalties_of_layers_are_part_of_what_is_minimised():
    task = LinearTask(epochs=1)
    task.model.layers[0].kernel_regularizer = keras.regularizers.L2(0.5)
    task.model.layers[0].kernel.regularizer = keras.regularizers.L2(0.5)
    first = START - 0.1 * (2 * INPUTS[:5].T @ (INPUTS[:5] @ START - TARGETS[:5]) / 5 + 2 * 0.5 * START)
    trainer_of(task)._train_step((tf.constant(INPUTS[:5]), tf.constant(TARGETS[:5])), [])
    np.testing.assert_allclose(task.kernel, first, atol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "stock"),
    [
        ("adam", lambda: keras.optimizers.Adam(0.1)),
        ("adamw", lambda: keras.optimizers.AdamW(0.1, weight_decay=0.01)),
        ("rmsprop", lambda: keras.optimizers.RMSprop(0.1)),
    ],
)
def test_two_epochs_are_those_of_stock_fit(optimizer, stock):
    task = LinearTask(optimizer=optimizer, weight_decay=0.01 if optimizer == "adamw" else 0.0)
    trained(task)
    peer = LinearTask()
    peer.model.compile(stock(), loss=lambda y, x: tf.reduce_sum((x - y) ** 2, axis=1))
    peer.model.fit(INPUTS, TARGETS, batch_size=5, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(task.kernel, peer.kernel, atol=1e-5)


def test_history_holds_means_over_examples_and_what_belongs_to_an_epoch():
    trainer = trained(LinearTask(scores=[0.5, 0.7]))
    losses = [loss for _, loss in by_hand(6)]
    for epoch, row in enumerate(trainer.history):
        assert row["epoch"] == epoch + 1
        assert row["step"] == 3 * (epoch + 1)
        assert row["loss"] == pytest.approx(
            np.average(losses[3 * epoch : 3 * epoch + 3], weights=SIZES), rel=1e-5
        )
        assert row["count"] == pytest.approx(1.0)
        assert row["val_score"] == [0.5, 0.7][epoch]
        assert row["learning_rate"] == pytest.approx(0.1)
        assert row["examples_per_second"] == pytest.approx(12 / row["seconds"])
    assert (trainer.step, trainer.total_steps) == (6, 6)


HALF_COSINE = [1.0, 0.5 + 0.5 * math.cos(math.pi / 4), 0.5, 0.5 + 0.5 * math.cos(3 * math.pi / 4), 0.0]


@pytest.mark.parametrize(
    ("schedule", "warmup", "total", "expected"),
    [
        ("constant", 4, 8, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]),
        ("linear", 0, 4, [1, 0.75, 0.5, 0.25, 0]),
        ("linear", 2, 6, [0.5, 1, 1, 0.75, 0.5, 0.25, 0]),
        ("cosine", 0, 4, HALF_COSINE),
        ("cosine", 1, 5, [1, *HALF_COSINE]),
        ("linear", 8, 4, [0.125, 0.25, 0.375, 0.5]),
    ],
)
def test_the_learning_rate_follows_its_course(schedule, warmup, total, expected):
    settings = TrainingSettings(schedule=schedule, warmup_steps=warmup, learning_rate=0.2)
    rate = learning_rate_schedule(settings, total)
    assert [float(rate(step)) for step in range(len(expected))] == pytest.approx(
        [0.2 * e for e in expected], abs=1e-7
    )


def test_a_constant_rate_is_a_number_so_that_callbacks_can_change_it():
    assert learning_rate_schedule(TrainingSettings(learning_rate=0.2), 10) == 0.2


def test_the_schedule_is_what_the_steps_use():
    task = LinearTask(schedule="linear", warmup_steps=2)
    trained(task)
    rates = [0.05, 0.1, 0.1, 0.075, 0.05, 0.025]
    np.testing.assert_allclose(task.kernel, by_hand(6, rates.__getitem__)[-1][0], atol=1e-6)


def test_a_schedule_comes_back_from_its_config():
    rate = learning_rate_schedule(TrainingSettings(schedule="cosine", warmup_steps=3), 10)
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(rate))
    assert [float(again(step)) for step in range(10)] == [float(rate(step)) for step in range(10)]


def test_the_averaged_weights_are_validated_and_kept():
    task = LinearTask(scores=[1, 2], weight_averaging=0.3)
    trained(task)
    average, seen = START.astype("float64"), []
    for step, (kernel, _) in enumerate(by_hand(6), start=1):
        decay = min(0.3, step / (step + 10))
        average = decay * average + (1 - decay) * kernel
        seen += [average] if step % 3 == 0 else []
    np.testing.assert_allclose(task.validated, seen, atol=1e-5)
    np.testing.assert_allclose(task.kernel, average, atol=1e-5)


def test_training_goes_on_from_the_weights_not_from_their_average():
    weight = keras.Variable(1.0)
    average = WeightAverage([weight], 0.9)
    weight.assign(3.0)
    average.update()
    with average.in_place():
        assert float(weight.value) == pytest.approx(1 + 2 * (1 - 1 / 11))
    assert float(weight.value) == 3.0


def test_the_best_weights_are_kept_not_the_last():
    task = LinearTask(scores=[0.5, 0.9, 0.7], epochs=3)
    trainer = trained(task)
    assert trainer.best_epoch == 2
    np.testing.assert_allclose(task.kernel, by_hand(6)[-1][0], atol=1e-5)


def test_of_equal_scores_the_lowest_loss_is_the_best():
    task, losses = LinearTask(scores=[0.5, 0.9, 0.9, 0.9, 0.9], epochs=5), iter([1.0, 0.4, 0.2, 0.2, 0.3])
    validate = task.validate
    task.validate = lambda: {**validate(), "val_loss": next(losses)}
    assert trained(task).best_epoch == 3


def test_a_score_that_is_better_when_lower_is_understood():
    task = LinearTask(scores=[0.5, 0.9, 0.7], epochs=3)
    task.monitor = Monitor("val_score", higher_is_better=False)
    assert trained(task).best_epoch == 1


def test_training_stops_after_so_many_epochs_without_improvement():
    trainer = trained(LinearTask(scores=[0.5, 0.9, 0.9, 0.8, 1.0], epochs=5, early_stopping=2))
    assert [row["epoch"] for row in trainer.history] == [1, 2, 3, 4]
    assert trainer.best_epoch == 2


class Recorder(keras.callbacks.Callback):
    """Writes down each hook, and raises a signal or asks for a stop where it is told to."""

    def __init__(self, at=None, action=lambda recorder: None):
        super().__init__()
        self.hooks, self.at, self.action = [], at, action

    def note(self, name, logs=None):
        self.hooks.append((name, sorted(logs or {})))
        if self.at == name:
            self.action(self)

    def on_train_begin(self, logs=None):
        self.note("train begins", logs)

    def on_train_end(self, logs=None):
        self.note("train ends")

    def on_epoch_begin(self, epoch, logs=None):
        self.note(f"epoch {epoch} begins", logs)

    def on_epoch_end(self, epoch, logs=None):
        self.note(f"epoch {epoch} ends", logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.note(f"batch {batch} begins", logs)

    def on_train_batch_end(self, batch, logs=None):
        self.note(f"batch {batch} ends", logs)


def test_callbacks_are_driven_as_stock_fit_drives_them():
    ours, stock, task, peer = Recorder(), Recorder(), LinearTask(), LinearTask()
    trained(task, callbacks=[ours])
    peer.model.compile("sgd", "mse")
    peer.model.fit(INPUTS, TARGETS, batch_size=5, epochs=2, callbacks=[stock], verbose=0)
    assert [name for name, _ in ours.hooks] == [name for name, _ in stock.hooks]
    logs = dict(ours.hooks)
    assert logs["batch 0 ends"] == ["count", "loss"]
    assert logs["epoch 0 ends"] == ["count", "loss", "val_score"]
    assert ours.model is task.model


def test_a_callback_may_stop_training_in_the_middle_of_an_epoch():
    def stop(recorder):
        recorder.model.stop_training = True

    trainer = trained(LinearTask(epochs=5), callbacks=[Recorder("batch 1 ends", stop)])
    assert (trainer.step, len(trainer.history)) == (2, 1)


def test_a_callback_may_change_the_learning_rate():
    plateau = keras.callbacks.ReduceLROnPlateau("val_score", factor=0.5, patience=1, mode="max")
    task = LinearTask(scores=[3, 2, 1], epochs=3)
    trainer = trained(task, callbacks=[plateau])
    assert [row["learning_rate"] for row in trainer.history] == pytest.approx([0.1, 0.1, 0.05])
    task.model.set_weights([START])


def test_progress_is_told_after_each_step():
    told = []
    trained(LinearTask(), on_step=lambda step, total, logs: told.append((step, total, sorted(logs))))
    assert told == [(step, 6, ["count", "loss"]) for step in range(1, 7)]


def test_a_loss_that_is_no_number_fails_and_names_the_step_and_the_best_weights_stay():
    task = LinearTask(epochs=3)
    original = task.loss
    task.calls = tf.Variable(0)

    def loss(outputs, targets):
        return tf.where(task.calls.assign_add(1) < 5, original(outputs, targets), float("nan"))

    task.loss = loss
    with pytest.raises(TrainingFailed) as caught:
        trained(task)
    assert str(caught.value) == (
        "training: the loss became nan at step 5 (epoch 2, batch 2). "
        "Try a lower training.learning_rate (now 0.1) or training.clip_norm."
    )
    np.testing.assert_allclose(task.kernel, by_hand(3)[-1][0], atol=1e-6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", ["batch 1 ends", "epoch 1 ends"])
def test_a_signal_ends_training_after_the_step_with_the_best_weights(number, at):
    before = signal.getsignal(number)
    task = LinearTask(scores=[0.9, 0.8], epochs=2)
    recorder = Recorder(at, lambda recorder: signal.raise_signal(number))
    trainer = trainer_of(task, [recorder])
    with pytest.raises(Interrupted) as caught:
        trainer.train()
    assert caught.value.signal_number == number
    assert str(caught.value) == f"stopped by {number.name}"
    assert trainer.step == {"batch 1 ends": 2, "epoch 1 ends": 6}[at]
    steps = {"batch 1 ends": 2, "epoch 1 ends": 3}[at]  # no epoch was finished, or the first was the best
    np.testing.assert_allclose(task.kernel, by_hand(steps)[-1][0], atol=1e-6)
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("number", "end"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_second_signal_ends_at_once(number, end):
    def twice(recorder):
        signal.raise_signal(number)
        signal.raise_signal(number)

    with pytest.raises(end):
        trained(LinearTask(), callbacks=[Recorder("batch 0 ends", twice)])


# Taken up again


class Crash(Exception):
    """The process is gone."""


class DropoutTask(LinearTask):
    """With all that a step may depend on besides the weights: dropout, momenta, a schedule, an average."""

    def __init__(self, **settings):
        keras.utils.set_random_seed(1)
        usual = {"optimizer": "adam", "schedule": "cosine", "weight_averaging": 0.5, "early_stopping": 2}
        super().__init__(**{"epochs": 5, **usual, **settings})
        layers = [keras.Input((3,)), keras.layers.Dropout(0.5, seed=3), self.model.layers[0]]
        self.model = keras.Sequential(layers)

    def validate(self):
        """Best after two epochs, so that training stops early after four."""
        epoch = len(self.trainer.history)
        return {"val_score": 1 / (1 + abs(epoch - 1))}


class Kept:
    """Keeps what a checkpoint holds, through JSON, and crashes where it is told to."""

    def __init__(self, crash_at=()):
        self.crash_at, self.last = list(crash_at), None

    def __call__(self, trainer, needed):
        if trainer.step in self.crash_at:
            self.crash_at.remove(trainer.step)
            raise Crash
        taken = trainer.progress(), trainer.arrays(), trainer.best_weights
        self.last = (json.loads(json.dumps(taken[0])), *taken[1:])


def carried_out(crash_at=(), **settings):
    """The last thing kept of a training that crashes at these steps and is taken up each time."""
    kept, crashes = Kept(crash_at), 0
    while True:
        task = DropoutTask(**settings)
        task.trainer = trainer_of(task, checkpoint=kept)
        if kept.last:
            task.trainer.restore(*kept.last)
        try:
            task.trainer.train()
            return kept.last, task, crashes
        except Crash:
            crashes += 1


def assert_bit_equal(one, other):
    for ours, theirs in zip(one[1:], other[1:]):
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    for position in (one[0], other[0]):
        position["history"] = [
            {k: v for k, v in row.items() if k not in ("seconds", "examples_per_second")}
            for row in position["history"]
        ]
    assert one[0] == other[0]


@pytest.mark.slow
@pytest.mark.parametrize("crash_at", [[1], [2], [3], [5, 5, 6], [4, 5, 6, 7, 8], [12]])
def test_a_training_taken_up_again_is_bit_equal_to_one_that_never_stopped(crash_at):
    whole, task, _ = carried_out()
    killed, resumed, crashes = carried_out(crash_at)
    assert crashes == len(crash_at)
    assert_bit_equal(killed, whole)
    assert resumed.trainer.step == task.trainer.step == 12  # of 15: it stopped early, and no step came twice
    assert [row["epoch"] for row in resumed.trainer.history] == [1, 2, 3, 4]
    np.testing.assert_array_equal(resumed.kernel, task.kernel)


def test_a_signal_in_validation_ends_it_at_once_and_nothing_is_lost(monkeypatch):
    whole, _, _ = carried_out()
    kept, said = Kept(), []
    task = DropoutTask()
    task.trainer = trainer_of(task, checkpoint=kept)

    def validate():
        signal.raise_signal(signal.SIGTERM)
        said.append("went on")

    with monkeypatch.context() as patched:
        patched.setattr(task, "validate", validate)
        with pytest.raises(Interrupted):
            task.trainer.train()
    assert (said, kept.last[0]["step"], kept.last[0]["history"]) == ([], 3, [])
    again = DropoutTask()
    again.trainer = trainer_of(again, checkpoint=kept)
    again.trainer.restore(*kept.last)
    again.trainer.train()
    assert_bit_equal(kept.last, whole)


def test_forgetting_the_seed_of_dropout_would_be_seen():
    whole, _, _ = carried_out()
    kept = Kept([5])
    task = DropoutTask()
    task.trainer = trainer_of(task, checkpoint=kept)
    with pytest.raises(Crash):
        task.trainer.train()
    position, arrays, best = kept.last
    models = {name: array for name, array in arrays.items() if name.startswith("model.")}
    seeds = [name for name, array in models.items() if array.dtype.kind in "iu"]
    assert len(seeds) == 1
    again = DropoutTask()
    again.trainer = trainer_of(again, checkpoint=(other := Kept()))
    again.trainer.restore(position, {**arrays, seeds[0]: arrays[seeds[0]] + 1}, best)
    again.trainer.train()
    with pytest.raises(AssertionError):
        assert_bit_equal(other.last, whole)


def test_arrays_of_another_network_are_refused_and_nothing_changes():
    kept, _, _ = carried_out(epochs=1)
    task = DropoutTask()
    trainer = trainer_of(task)
    before = trainer.arrays()
    for wrong in (
        {name: array for name, array in kept[1].items() if name != "model.0"},
        {**kept[1], "model.0": np.zeros((9, 9), "float32")},
    ):
        with pytest.raises(ValueError, match=r"received others than expected: model\.0"):
            trainer.restore(kept[0], wrong, kept[2])
    for name, array in trainer.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_rate_that_was_restored_gives_way_to_the_recipes_where_that_is_wanted():
    first = trainer_of(LinearTask(learning_rate=0.1))
    second = trainer_of(LinearTask(learning_rate=0.02))
    second.restore(first.progress(), first.arrays(), {})
    assert float(second.optimizer.learning_rate) == pytest.approx(0.1)
    second.reset_learning_rate()
    assert float(second.optimizer.learning_rate) == pytest.approx(0.02)


def test_a_weight_that_is_no_number_is_never_kept():
    task = LinearTask()
    trainer = trainer_of(task)
    task.model.set_weights([np.full((3, 2), np.inf)])
    with pytest.raises(TrainingFailed, match="a weight became infinite or NaN at step 0"):
        trainer.arrays()


def test_weights_that_the_last_step_of_an_epoch_spoils_are_never_the_best():
    task = LinearTask()

    def spoil(recorder):
        task.model.set_weights([np.full((3, 2), np.nan)])

    trainer = trainer_of(task, [Recorder("batch 2 ends", spoil)])
    with pytest.raises(
        TrainingFailed, match=r"a weight became infinite or NaN at step 3 \(epoch 1, batch 3\)"
    ):
        trainer.train()
    assert (trainer.best_epoch, task.validated) == (0, [])


def test_a_score_that_is_no_number_is_never_the_best():
    trainer = trained(LinearTask(scores=[math.nan, 0.5, 0.4], epochs=3))
    assert trainer.best_epoch == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_the_very_step_at_which_it_came(number):
    recorder, kept = Recorder("batch 1 ends", lambda recorder: signal.raise_signal(number)), []
    trainer = trainer_of(
        LinearTask(), [recorder], checkpoint=lambda t, required: kept.append((t.step, required))
    )
    with pytest.raises(Interrupted):
        trainer.train()
    assert kept == [(1, False), (2, True)]


# Parts of a batch, and lower precision


class DataSetBatches(Batches):
    """The same batches as a data set."""

    def epoch(self, epoch, start=0):
        shapes = (tf.TensorSpec([None, 3]), tf.TensorSpec([None, 2]))
        return tf.data.Dataset.from_generator(
            lambda: Batches.epoch(self, epoch, start), output_signature=shapes
        )


def trained_on(batches, **settings):
    task = LinearTask(epochs=2, clip_norm=0.3, **settings)
    trainer = Trainer(task.model, batches, task, task.training)
    trainer.train()
    return trainer, task


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_a_batch_in_parts_gives_the_weights_of_the_whole(parts):
    (whole, task), (divided, own) = (trained_on(DataSetBatches(), accumulate_steps=n) for n in (1, parts))
    for row, expected in zip(divided.history, whole.history, strict=True):
        assert row["loss"] == pytest.approx(expected["loss"], abs=1e-6)
        assert row["count"] == expected["count"]
    np.testing.assert_allclose(own.kernel, task.kernel, atol=1e-6)
    np.testing.assert_allclose(task.kernel, by_hand(6, clip=0.3)[-1][0], atol=1e-6)


def test_batches_that_are_no_data_set_are_not_divided():
    with pytest.raises(UserError, match=r"Batches.epoch returns no tf.data.Dataset, so batches cannot be"):
        trained_on(Batches(), accumulate_steps=2)


def test_tensors_of_different_sizes_are_not_divided():
    class TimeMajor(Batches):
        def epoch(self, epoch, start=0):
            return tf.data.Dataset.from_tensors((tf.zeros([3, 4]), tf.zeros([4, 2])))

    with pytest.raises(UserError, match="TimeMajor has tensors with different numbers of rows"):
        trained_on(TimeMajor(), accumulate_steps=2)


@pytest.mark.parametrize(("precision", "atol"), [("mixed_bfloat16", 0.02), ("mixed_float16", 0.002)])
def test_lower_precision_ends_close_to_float32(monkeypatch, precision, atol):
    monkeypatch.setattr("rnn_apps.training.precision._START", 2.0**8)  # these gradients are large
    (trainer, task), (_, whole) = trained_on(Batches(), precision=precision), trained_on(Batches())
    assert 0 < np.abs(task.kernel - whole.kernel).max() < atol
    assert trainer.skipped_steps == (0 if precision == "mixed_float16" else None)


def test_a_step_whose_gradient_is_not_finite_is_skipped_and_counted():
    scale, taken = LossScale(is_dynamic=True), []
    for gradient in (1.0, np.inf, np.nan, 2.0):
        scale.apply([tf.constant(gradient)], lambda gradients: taken.append(float(gradients[0])))
    assert taken == [2.0**-15, 2.0**-12]
    assert scale.skipped == 2
    factor, steps, _ = (float(variable) for variable in scale.variables)
    assert (factor, steps) == (2.0**13, 1.0)


def test_the_loss_scale_grows_after_many_steps_and_is_part_of_the_state(monkeypatch):
    monkeypatch.setattr("rnn_apps.training.precision._START", 2.0**8)
    monkeypatch.setattr("rnn_apps.training.precision._GROW_AFTER", 4)
    trainer, _ = trained_on(Batches(), precision="mixed_float16")
    arrays = trainer.arrays()
    assert [float(arrays[f"loss_scale.{i}"]) for i in range(3)] == [2.0**9, 2.0, 0.0]
