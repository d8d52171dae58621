"""The objective of forecasting: quantiles of future values."""

import numpy as np
import tensorflow as tf

from rnn_apps.metrics.forecasting import forecast_metrics
from rnn_apps.tasks.objectives.objective import Objective

ORIGINS_PER_CALL = 64
VALIDATION_ORIGINS = 256  # over all series


class QuantileObjective(Objective):
    """Pinball loss of quantiles, scaled by the error of the seasonal naive forecast in train.

    The dataset is a `SeriesDataset`; ``predictor.quantiles`` returns the quantiles after the last step.
    """

    record_kind = "forecasts"
    baselines_learn = False

    def loss(self, outputs, targets):
        """Mean pinball loss over all quantiles."""
        truth, weight = targets[..., 0], targets[..., 1]
        quantiles = tf.constant(self.recipe.model.quantiles, tf.float32)
        error = truth[..., None] - outputs
        losses = tf.reduce_mean(tf.maximum(quantiles * error, (quantiles - 1) * error), axis=-1)
        return tf.reduce_sum(losses * weight) / tf.maximum(self.count(targets), 1.0)

    def count(self, targets):
        """Number of known values."""
        return tf.reduce_sum(tf.cast(targets[..., 1] > 0, tf.float32))

    def batch_metrics(self, outputs, targets):
        """Absolute error of the point forecast, in the same units."""
        middle = len(self.recipe.model.quantiles) // 2
        error = tf.abs(targets[..., 0] - outputs[..., middle])
        return {"mase": tf.reduce_sum(error * targets[..., 1])}

    def quantiles_at(self, pairs):
        """Return the quantiles after each origin: float (origins, horizon, targets, quantiles).

        Args:
            pairs: list of (series number, origin).
        """
        chunks = []
        for start in range(0, len(pairs), ORIGINS_PER_CALL):
            inputs = self.dataset.inputs_at(pairs[start : start + ORIGINS_PER_CALL])
            chunks.append(self.predictor.quantiles(*map(tf.constant, inputs)).numpy())
        return np.concatenate(chunks).astype(np.float64)

    def _scores(self, pairs, quantiles):
        truth, scales = self.dataset.truth_at(pairs), self.dataset.scales_at(pairs)
        return forecast_metrics(truth, quantiles, self.recipe.model.quantiles, scales)

    def validate(self):
        """Quantile loss and MASE over evenly spaced origins."""
        pairs = self.dataset.origins("validation", VALIDATION_ORIGINS)
        scores = self._scores(pairs, self.quantiles_at(pairs))
        return {"val_loss": scores["quantile_loss"], "val_mase": scores["mase"]}

    def evaluate(self, split):
        """Scores over the origins of a split, and one record per origin."""
        dataset, pairs = self.dataset, self.dataset.origins(split)
        quantiles, naive = self.quantiles_at(pairs), dataset.naive_quantiles("seasonal_naive", pairs)
        records = [
            dataset.forecast_record(pair, own, other, self._scores([pair], own[None]))
            for pair, own, other in zip(pairs, quantiles, naive)
        ]
        return self._scores(pairs, quantiles), records

    def baselines(self):
        """The naive forecasts."""
        pairs = self.dataset.origins("test")
        return {name: self._scores(pairs, quantiles) for name, quantiles in self.dataset.baselines().items()}
