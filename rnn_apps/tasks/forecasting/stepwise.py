"""One step of a forecasting network, for devices without TensorFlow."""

import numpy as np
import tensorflow as tf

from rnn_apps.metrics.forecasting import forecast_metrics
from rnn_apps.models.forecaster import MAX_LOG, MIN_RELATIVE_SPREAD, TINY, forecast_head_of, network_of
from rnn_apps.models.per_step import PerStepNetwork
from rnn_apps.tasks.forecasting.scaling import scaling_of
from rnn_apps.tasks.stepwise import EXAMPLE_STEPS, StepwiseNetwork, one_step


def stepwise_forecaster(predictor, dataset):
    """Return the `StepwiseNetwork` of a `ForecastPredictor`.

    The lags, their scaling and the linear part of the forecast are computed outside of it.

    Args:
        predictor: `ForecastPredictor` without known covariates.
        dataset: `SeriesDataset` of its data.
    """
    network = PerStepNetwork(network_of(predictor.model))
    structure, scaling = network.zero_states(1), scaling_of(predictor.recipe, dataset)
    mean, deviation = (np.float32(values) for values in (scaling.mean, scaling.deviation))
    steps = np.random.default_rng(0).normal(size=(EXAMPLE_STEPS, len(mean)))

    def answers(sequence):
        return predictor.model(sequence[None]).numpy()[0]

    return StepwiseNetwork(
        kind="forecasts",
        constants=_constants(predictor, scaling),
        function=one_step(network.recurrent.forward_from_state, network.head, structure),
        width=network.extractor.outputs[0].shape[-1],
        states=tuple(state.shape[1] for state in tf.nest.flatten(structure)),
        sequences=lambda split: _sequences(dataset, split),
        answers=answers,
        score=lambda answers: ("mase", _mase(dataset, answers)),
        example=_example(predictor.sizes, scaling, mean + deviation * steps),
    )


def _example(sizes, scaling, values):
    """Made-up values, which are positive where logarithms are taken, and in the periods of the calendar."""
    count = sizes.targets
    if scaling.offset is not None:
        values[:, :count] = np.exp(values[:, :count]) - np.float32(scaling.offset)
    for place, period in enumerate(sizes.calendar, start=sizes.features - len(sizes.calendar)):
        values[:, place] = np.arange(len(values)) % period
    return values.astype(np.float32)


def _constants(predictor, scaling):
    sizes, columns = predictor.sizes, predictor.columns
    kernel, bias = forecast_head_of(predictor.model).get_layer("linear").get_weights()
    return {
        "columns": [*columns.features, *predictor.recipe.data.calendar],
        "targets": list(columns.targets),
        "periods": list(sizes.calendar),
        "lags": sizes.lags,
        "horizon": sizes.horizon,
        "quantiles": list(sizes.quantiles),
        "missing": list(columns.missing),
        "scaling": scaling._asdict(),
        "linear": {"kernel": kernel.tolist(), "bias": bias.tolist()},
        "tiny": TINY,
        "min_relative_spread": MIN_RELATIVE_SPREAD,
        "max_log": MAX_LOG,
    }


def _sequences(dataset, split):
    """The series of a split; that of test begins with the steps that the network reads before it."""
    window = dataset.recipe.model.window if split == "test" else 0
    ranges = [(max(0, start - window), stop) for start, stop in dataset.splits[split]]
    return [one.values[slice(*steps)].astype(np.float32) for one, steps in zip(dataset.series, ranges)]


def _mase(dataset, answers):
    """MASE over all origins of the test split whose whole horizon is in it."""
    horizon, pairs, forecasts = dataset.recipe.data.horizon, [], []
    for number, ((start, stop), quantiles) in enumerate(zip(dataset.splits["test"], answers)):
        origins = range(start, stop - horizon + 1)
        pairs += [(number, origin) for origin in origins]
        first = len(quantiles) - (stop - start)  # the answer at step t - 1 forecasts from origin t
        forecasts.append(quantiles[first - 1 : first - 1 + len(origins)])
    truth, scales = dataset.truth_at(pairs), dataset.scales_at(pairs)
    metrics = forecast_metrics(truth, np.concatenate(forecasts), dataset.recipe.model.quantiles, scales)
    return float(metrics["mase"])
