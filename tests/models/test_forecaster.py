"""The forecasting network: starts as the seasonal naive, sees no future, and takes raw and missing values."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.baselines.naive import seasonal_naive
from rnn_apps.layers import StackedRNN
from rnn_apps.models.forecaster import (
    SeriesScaling,
    SeriesSizes,
    SlidingWindow,
    forecaster,
    seasonal_kernel,
    window_forecaster,
)
from rnn_apps.models.plain_keras import plain_model

SIZES = SeriesSizes(2, 1, 1, (24.0,), lags=6, horizon=4, quantiles=(0.1, 0.25, 0.5, 0.75, 0.9))
SCALING = SeriesScaling((3.0,) * 5, (2.0,) * 5, (1.5, 0.5))
ONE = SeriesSizes(1, 0, 0, (), lags=6, horizon=4, quantiles=(0.1, 0.5, 0.9))


@functools.cache
def network(sizes=SIZES, scaling=SCALING, period=3, noise=0.0):
    recurrent = StackedRNN((5,), cell="gru", return_sequences=True, compile=False, seed=1)
    model = forecaster(recurrent, sizes, scaling, period, seed=1)
    if noise:
        rng = np.random.default_rng(5)
        model.set_weights([w + rng.normal(0, noise, w.shape) for w in model.get_weights()])
    return model


def inputs(batch=3, steps=12, sizes=SIZES, seed=0):
    rng = np.random.default_rng(seed)
    given = [rng.uniform(1, 9, (batch, steps, sizes.features)).astype("float32")]
    if sizes.known:
        given.append(rng.normal(size=(batch, sizes.horizon, sizes.known)).astype("float32"))
    return given


def answer(model, given):
    return model(given if len(given) > 1 else given[0]).numpy()


@pytest.mark.parametrize(
    "scaling", [SCALING, SCALING._replace(by_window=True), SCALING._replace(offset=(0.5, 0))]
)
def test_before_training_it_forecasts_as_the_seasonal_naive(scaling):
    given = inputs()
    middle = answer(network(scaling=scaling), given)[..., 2]
    for row in range(3):
        for target in range(2):
            wanted = seasonal_naive(given[0][row, :, target].astype(float), 4, 3)
            np.testing.assert_allclose(middle[row, -1, :, target], wanted, rtol=1e-4)


def test_a_season_longer_than_the_lags_begins_with_their_mean():
    given = inputs()
    middle = answer(network(period=50), given)[..., 2]
    np.testing.assert_allclose(middle[:, -1, 1], given[0][:, -6:, :2].mean(1), rtol=1e-4)
    assert seasonal_kernel(6, 4, 50).sum() == 0


@pytest.mark.parametrize(
    "scaling", [SCALING, SCALING._replace(offset=(0.5, 0.0)), SCALING._replace(by_window=True)]
)
def test_no_quantile_is_above_the_next(scaling):
    found = answer(network(scaling=scaling, noise=0.3), inputs())
    assert found.shape == (3, 12, 4, 2, 5)
    assert (np.diff(found, axis=-1) >= 0).all()


def test_what_comes_later_changes_nothing_before_but_what_is_known():
    model, (series, known) = network(noise=0.3), inputs()
    before = answer(model, [series, known])
    changed = series.copy()
    changed[:, 8:, :4] += 5
    after = answer(model, [changed, known])
    # The known column of step 8 is seen from 4 steps before it on, the others from step 8 on.
    np.testing.assert_allclose(after[:, :4], before[:, :4], atol=1e-5)
    changed = series.copy()
    changed[:, 8:, [0, 1, 2, 4]] += 5
    after = answer(model, [changed, known])
    np.testing.assert_allclose(after[:, :8], before[:, :8], atol=1e-5)
    assert np.abs(after[:, 8:] - before[:, 8:]).max() > 0.1
    later = answer(model, [series, known + 1])
    np.testing.assert_allclose(later[:, :8], before[:, :8], atol=1e-5)
    assert np.abs(later[:, 8:] - before[:, 8:]).max() > 1e-3


@pytest.mark.parametrize(
    "scaling", [SCALING, SCALING._replace(offset=(0.5, 0.0)), SCALING._replace(by_window=True)]
)
def test_missing_values_leave_forecasts_and_gradients_finite(scaling):
    model, (series, known) = network(scaling=scaling, noise=0.2), inputs()
    series[0, 3:6] = np.nan
    series[1] = np.nan
    known[2] = np.nan
    with tf.GradientTape() as tape:
        outputs = model([series, known])
        loss = tf.reduce_mean(outputs)
    assert np.isfinite(outputs).all()
    assert all(
        np.isfinite(tf.convert_to_tensor(g)).all() for g in tape.gradient(loss, model.trainable_weights)
    )


def test_a_missing_value_is_not_taken_for_the_level():
    model, (series, known) = network(noise=0.3), inputs()
    gone, there = series.copy(), series.copy()
    gone[:, -1, 0] = np.nan
    there[:, -1, 0] = series[:, -6:-1, 0].mean(1)  # the level without it
    assert np.abs(answer(model, [gone, known]) - answer(model, [there, known]))[:, -1].max() > 1e-3


def test_forecasts_of_series_scaled_by_their_lags_grow_with_them():
    scaling = SeriesScaling((3.0,), (2.0,), (1.0,), by_window=True, level_feature=False)
    model, (series,) = network(ONE, scaling, noise=0.3), inputs(sizes=ONE)
    np.testing.assert_allclose(answer(model, [1000 * series]), 1000 * answer(model, [series]), rtol=1e-3)


def test_logarithms_make_the_network_blind_to_size():
    scaling = SeriesScaling((3.0,), (2.0,), (1.0,), offset=(0.0,), level_feature=False)
    model, (series,) = network(ONE, scaling, noise=0.3), inputs(sizes=ONE)
    np.testing.assert_allclose(answer(model, [50 * series]), 50 * answer(model, [series]), rtol=1e-3)


def test_frames_hold_the_step_and_those_before_it():
    series = np.arange(5, dtype="float32").reshape(1, 5, 1)
    padded = SlidingWindow(3)(series).numpy()[0, :, :, 0]
    nan = np.nan
    np.testing.assert_array_equal(padded, [[nan, nan, 0], [nan, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]])
    np.testing.assert_array_equal(
        SlidingWindow(3, padded=False)(series)[0, :, :, 0], [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    )


def test_it_is_the_same_saved_and_on_plain_layers(tmp_path):
    model, given = network(noise=0.2), inputs()
    given[0][0, 2] = np.nan
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(answer(loaded, given), answer(model, given))
    np.testing.assert_allclose(answer(plain_model(loaded), given), answer(model, given), atol=1e-5)


def test_windows_with_carried_states_are_the_whole_series():
    model, (series, known) = network(noise=0.2), inputs(batch=2, steps=12)
    whole, windows = answer(model, [series, known]), window_forecaster(model, SIZES, streams=2)
    padded = np.concatenate([np.full((2, 5, SIZES.features), np.nan, "float32"), series], axis=1)
    ahead = np.concatenate([series[:, :, SIZES.known_columns], known], axis=1)
    found = []
    for begin in (0, 4, 8):
        given = [padded[:, begin : begin + 9], ahead[:, begin + 4 : begin + 8], np.full(2, begin == 0)]
        found.append(windows([tf.constant(one) for one in given]))
    np.testing.assert_allclose(np.concatenate(found, axis=1), whole, rtol=1e-4)
    forgotten = windows([*map(tf.constant, given[:2]), tf.constant([True, False])]).numpy()
    assert np.abs(forgotten[0] - whole[0, 8:]).max() > 1e-3
