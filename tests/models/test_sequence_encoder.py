"""The many-to-one network: pooling against NumPy, word dropout, and a saved network that answers the same."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.models.sequence_encoder import SequencePooling, WordDropout, sequence_encoder

NUMBERS = np.array([[5, 3, 2, 0], [1, 4, 0, 0], [0, 0, 0, 0], [7, 7, 7, 7]], np.int32)


def small_encoder(**changes):
    settings = {"embedding": 3, "units": (4,), "bidirectional": False, "compile": False, "seed": 1}
    return sequence_encoder(9, 2, **{**settings, **changes})


def pooled_by_numpy(sequences, mask, mode):
    rows = []
    for row, real in zip(sequences, mask):
        steps = row[real]
        mean = steps.mean(0) if len(steps) else np.zeros(row.shape[1])
        highest = steps.max(0) if len(steps) else np.zeros(row.shape[1])
        rows.append({"mean": mean, "max": highest, "mean_max": np.concatenate([mean, highest])}[mode])
    return np.array(rows)


@pytest.mark.parametrize("mode", ["mean", "max", "mean_max"])
@pytest.mark.parametrize("masked", [True, False])
def test_pooling_takes_the_real_steps_alone_and_of_none_gives_zeros(mode, masked):
    rng = np.random.default_rng(0)
    sequences = rng.normal(size=(5, 6, 3)).astype("float32") - 2  # all below zero, so that padding would show
    mask = rng.random((5, 6)) < 0.6 if masked else np.ones((5, 6), bool)
    if masked:
        mask[1], mask[2] = False, np.arange(6) == 5
    answer = SequencePooling(mode)(sequences, mask=mask if masked else None)
    np.testing.assert_allclose(answer, pooled_by_numpy(sequences, mask, mode), atol=1e-6)


@pytest.mark.parametrize("mode", ["mean", "max", "mean_max"])
def test_pooling_works_in_half_precision(mode):
    sequences, mask = -np.ones((2, 3, 4), "float16"), np.array([[True, True, False], [False] * 3])
    answer = SequencePooling(mode, dtype="float16")(sequences, mask=mask)
    np.testing.assert_array_equal(answer, pooled_by_numpy(sequences, mask, mode))


def test_no_gradient_flows_into_padded_steps():
    sequences = tf.Variable(np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32"))
    mask = np.array([[True, True, False, False], [False] * 4])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(SequencePooling("mean_max")(sequences, mask=mask) ** 2)
    gradient = tape.gradient(loss, sequences).numpy()
    assert np.isfinite(gradient).all()
    assert not gradient[~mask].any()
    assert gradient[mask].any()


def test_word_dropout_replaces_its_part_of_the_words_while_training_and_never_padding():
    numbers = np.tile(np.array([2, 3, 4, 0, 0], np.int32), (2000, 1))
    layer = WordDropout(0.3, unknown=1, seed=4)
    np.testing.assert_array_equal(layer(numbers, training=False), numbers)
    dropped = np.asarray(layer(numbers, training=True))
    assert not dropped[:, 3:].any()
    assert set(dropped[dropped != numbers]) == {1}
    assert (dropped != numbers).mean() == pytest.approx(0.3 * 3 / 5, abs=0.01)


def test_word_dropout_draws_anew_each_time():
    numbers, layer = np.full((50, 20), 2, np.int32), WordDropout(0.5, seed=4)
    first, second = (np.asarray(layer(numbers, training=True)) for _ in range(2))
    assert (first != second).any()


@pytest.mark.parametrize(
    ("layer_class", "arguments"),
    [(WordDropout, {"rate": 0.25, "unknown": 3, "seed": 7}), (SequencePooling, {"mode": "max"})],
)
def test_a_layer_comes_back_from_its_config_with_the_arguments_that_it_was_given(layer_class, arguments):
    config = layer_class(**arguments, name="given").get_config()
    assert config | arguments | {"name": "given"} == config
    again = layer_class.from_config(json.loads(json.dumps(config)))
    assert {name: getattr(again, name) for name in arguments} == arguments


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match="expected a number from 0 to below 1"):
        WordDropout(rate)


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="received 'sum', expected mean, max or mean_max"):
        SequencePooling("sum")


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "mean_max"])
def test_padding_on_the_right_never_changes_an_answer(pooling):
    model = small_encoder(pooling=pooling, bidirectional=True)
    wider = np.pad(NUMBERS, [(0, 0), (0, 5)])
    np.testing.assert_allclose(model(wider), model(NUMBERS), atol=1e-6)


def test_dropout_of_every_kind_is_for_training_only():
    rates = {"dropout": 0.5, "layer_dropout": 0.5, "recurrent_dropout": 0.5, "word_dropout": 0.5}
    model = small_encoder(**rates)
    np.testing.assert_array_equal(model(NUMBERS), model(NUMBERS))
    np.testing.assert_allclose(model(NUMBERS), small_encoder(**dict.fromkeys(rates, 0.0))(NUMBERS), atol=1e-6)


@pytest.mark.parametrize("rate", ["dropout", "layer_dropout", "recurrent_dropout", "word_dropout"])
def test_each_kind_of_dropout_reaches_the_network(rate):
    model = small_encoder(**{"dropout": 0.0, rate: 0.9})
    answers = np.stack([model(NUMBERS, training=True) for _ in range(4)])
    assert np.ptp(answers, axis=0).max() > 0


def test_the_same_seed_gives_the_same_start_and_another_another():
    def start(seed):
        return [w.numpy() for w in small_encoder(seed=seed).weights]

    for one, same in zip(start(1), start(1)):
        np.testing.assert_array_equal(one, same)
    assert any((one != other).any() for one, other in zip(start(1), start(2)))


@pytest.mark.parametrize(
    "changes", [{}, {"cell": "gru", "units": (3, 3), "residual": True, "pooling": "last"}]
)
def test_a_saved_network_answers_bit_by_bit_the_same(tmp_path, changes):
    model = small_encoder(word_dropout=0.1, bidirectional=True, **changes)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(NUMBERS), model(NUMBERS))


def test_stock_fit_trains_it():
    keras.utils.set_random_seed(0)
    model = small_encoder(dropout=0.0)
    numbers = np.random.default_rng(0).integers(1, 9, (64, 5)).astype("int32")
    labels = (numbers == 2).any(1).astype("int32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.1), loss, jit_compile=False)
    history = model.fit(numbers, labels, epochs=12, verbose=0).history["loss"]
    assert history[-1] < 0.8 * history[0]


def test_word_vectors_are_where_the_embedding_starts():
    vectors = np.random.default_rng(0).normal(size=(9, 3)).astype("float32")
    network = small_encoder(word_vectors=vectors)
    np.testing.assert_array_equal(network.get_layer("embedding").get_weights()[0], vectors)
    assert network.get_layer("embedding").trainable
