"""Scores of forecasts against hand counts and scikit-learn's pinball loss."""

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

from rnn_apps.metrics.forecasting import forecast_metrics, pinball, seasonal_error


def test_the_seasonal_error_is_the_mean_change_over_a_season():
    values = np.array([[1.0], [5.0], [2.0], [9.0], [4.0]])
    assert seasonal_error(values, 2).tolist() == [(1 + 4 + 2) / 3]
    values[2] = np.nan
    assert seasonal_error(values, 2).tolist() == [4.0]


def test_where_no_season_is_there_the_scale_is_the_change_from_step_to_step():
    assert seasonal_error(np.array([[1.0], [3.0], [6.0]]), 12).tolist() == [2.5]
    assert seasonal_error(np.array([[1.0], [2.0], [1.0], [2.0]]), 2).tolist() == [1.0]
    assert seasonal_error(np.array([[3.0], [3.0]]), 1).tolist() == [1.0]
    assert seasonal_error(np.full((4, 1), np.nan), 1).tolist() == [1.0]


TRUTH = np.array([[[10.0], [20.0]], [[0.0], [np.nan]]])
FORECASTS = np.array([[[[8.0, 12.0, 13.0]], [[21.0, 22.0, 30.0]]], [[[0.0, 0.0, 1.0]], [[1.0, 2.0, 3.0]]]])
SCALES = np.array([[2.0], [4.0]])


def test_scores_by_hand():
    scores = forecast_metrics(TRUTH, FORECASTS, (0.1, 0.5, 0.9), SCALES)
    assert scores["mase"] == pytest.approx((1 + 1 + 0) / 3)
    assert scores["mae"] == pytest.approx((2 + 2 + 0) / 3)
    assert scores["coverage"] == pytest.approx(2 / 3)  # 20 lies below 21 to 30; the ends belong to it
    assert scores["smape"] == pytest.approx((200 * 2 / 22 + 200 * 2 / 42 + 0) / 3)
    by_hand = [0.1 * 2 + 0.5 * 2 + 0.1 * 3, 0.9 * 1 + 0.5 * 2 + 0.1 * 10, 0.1 * 1]
    losses = [by_hand[0] / 3 / 2, by_hand[1] / 3 / 2, by_hand[2] / 3 / 4]
    assert scores["quantile_loss"] == pytest.approx(np.mean(losses))


def test_a_truth_that_is_missing_altogether_has_no_score():
    scores = forecast_metrics(TRUTH * np.nan, FORECASTS, (0.1, 0.5, 0.9), SCALES)
    assert all(map(np.isnan, scores.values()))


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.95])
def test_the_pinball_loss_is_that_of_scikit_learn(quantile):
    rng = np.random.default_rng(0)
    truth, forecast = rng.normal(size=(2, 50))
    wanted = mean_pinball_loss(truth, forecast, alpha=quantile)
    assert pinball(truth, forecast, quantile).mean() == pytest.approx(wanted)
