"""Series split by time, with windows for training and origins for evaluation."""

import json
from dataclasses import asdict
from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.naive import NAIVE, naive_quantiles
from rnn_apps.data.files import csv_bytes
from rnn_apps.data.series import Columns
from rnn_apps.data.series_splits import evenly_spaced_origins
from rnn_apps.data.series_windows import (
    SeriesStreams,
    SeriesWindows,
    future_covariates,
    future_targets,
    past_window,
)
from rnn_apps.data.time_steps import CALENDAR, TimeStep
from rnn_apps.metrics.forecasting import seasonal_error
from rnn_apps.models.forecaster import SeriesSizes
from rnn_apps.tasks.dataset import Dataset
from rnn_apps.tasks.forecasting.reading import SeriesSet
from rnn_apps.tasks.preprocessing import Preprocessing
from rnn_apps.tasks.viewing import NUM_EXAMPLES, ViewExamples

SEASONS_READ = 2  # before the first forecast of other data, which scale its errors
MIN_HISTORY, MAX_HISTORY = 24, 400  # steps of the past in a record
EXAMPLE_STEPS = 64  # steps of train that example requests are taken from


def lags_of(recipe):
    """Return the number of lags of the network."""
    return recipe.model.lags_of(recipe.data.period)


def sizes_of(recipe, columns):
    """Return the `SeriesSizes` of a recipe's network for given `Columns`."""
    counts = [len(names) for names in (columns.targets, columns.covariates, columns.known)]
    calendar = tuple(CALENDAR[name] for name in recipe.data.calendar)
    horizon, quantiles = recipe.data.horizon, tuple(recipe.model.quantiles)
    return SeriesSizes(*counts, calendar, lags_of(recipe), horizon, quantiles)


def json_number(value):
    """Return a value for JSON, rounded to seven digits; None if it is missing."""
    return None if np.isnan(value) else float(f"{value:.7g}")


def json_numbers(values):
    """Return a list of `json_number`."""
    return [json_number(value) for value in values]


class SeriesPreprocessing(Preprocessing):
    """The columns and the time step of the series; the scaling of values is part of the network.

    Args:
        columns: `Columns` with all names.
        step: `TimeStep`.
        examples: float (steps, features), raw values from train.
    """

    def __init__(self, columns, step, examples):
        super().__init__()
        self.columns, self.step, self.examples = columns, step, examples

    def save(self, folder):
        """Save columns, step and examples."""
        examples = [
            [None if np.isnan(value) else float(value) for value in row] for row in np.float32(self.examples)
        ]
        content = {"columns": asdict(self.columns), "step": self.step._asdict(), "seen": examples}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (folder / "series.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder, model):
        """Load the preprocessing that `save` saved."""
        content = json.loads((folder / "series.json").read_text(encoding="utf-8"))
        columns = {k: tuple(v) if isinstance(v, list) else v for k, v in content["columns"].items()}
        examples = np.array(content["seen"], np.float64)
        return cls(Columns(**columns), TimeStep(**content["step"]), examples)


class SeriesDataset(Dataset):
    """All series of a recipe; a split holds the (start, stop) steps of each series.

    Attributes:
        series_set: `SeriesSet`.
    """

    def read(self, request):
        """Read the series, with the columns of a trained network, and split them by time."""
        data, known = self.recipe.data, self.preprocessing
        columns, step = (known.columns, known.step) if known else (None, None)
        self.series_set = SeriesSet(data, self.recipe.seed, columns, step, request.required_split)
        self.source_name, self.invalid = self.series_set.name, self.series_set.invalid
        if request.use_all_for_test and not self.series_set.has_test:
            self.series_set.cut_whole(max(lags_of(self.recipe), SEASONS_READ * data.period))
        else:
            self.series_set.cut(lags_of(self.recipe))
        self.splits = {
            split: [getattr(cuts, split) for cuts in self.series_set.cuts]
            for split in ("train", "validation", "test")
        }

    def learn(self):
        """Return the columns and the time step of the data."""
        examples = self.training_values()[0][-EXAMPLE_STEPS:]
        return SeriesPreprocessing(self.series_set.columns, self.series_set.step, examples)

    @property
    def series(self):
        """List of `Series`."""
        return self.series_set.series

    @property
    def columns(self):
        """The `Columns`."""
        return self.preprocessing.columns

    @property
    def sizes(self):
        """The `SeriesSizes` of the network."""
        return sizes_of(self.recipe, self.columns)

    def training_values(self):
        """Return the training values of each series, a list of arrays (steps, features)."""
        return [one.values[slice(*cuts.train)] for one, cuts in zip(self.series, self.series_set.cuts)]

    @cached_property
    def scales(self):
        """Error of the seasonal naive forecast in train for each series, a list of arrays (targets,)."""
        count, period = len(self.columns.targets), self.recipe.data.period
        return [seasonal_error(values[:, :count], period) for values in self.training_values()]

    def batches(self, split, batch_size, seed=None):
        """Windows of train at positions that depend on (seed, epoch), or consecutive windows."""
        data, model, sizes, tbptt = (
            self.recipe.data,
            self.recipe.model,
            self.sizes,
            self.recipe.training.tbptt,
        )
        shared = {
            "known": sizes.known_columns if sizes.known else None,
            "skipped": sizes.lags - 1,
            "seed": seed,
        }
        series = (self.training_values(), self.scales)
        if tbptt is not None:
            lengths = (tbptt.steps, sizes.horizon, sizes.lags - 1)
            return SeriesStreams(*series, *lengths, streams=batch_size, **shared)
        count = {"batch_size": batch_size, "count": data.windows}
        return SeriesWindows(*series, model.window, sizes.horizon, **count, **shared)

    def count(self, split):
        """Return the number of steps over all series."""
        return sum(stop - start for start, stop in self.splits[split])

    def origins(self, split, limit=None):
        """Return evenly spaced (series index, origin) pairs of a split.

        Args:
            split: name of the split.
            limit: maximum number of pairs over all series; None for `data.origins` per series.
        """
        count = self.recipe.data.origins if limit is None else -(-limit // len(self.series))
        horizon = self.recipe.data.horizon
        return [
            (number, int(origin))
            for number, (start, stop) in enumerate(self.splits[split])
            for origin in evenly_spaced_origins(start, stop, horizon, count)
        ]

    def inputs_at(self, pairs):
        """Return the network's inputs at these origins, a list of float32 arrays."""
        window, sizes = self.recipe.model.window, self.sizes
        values = [(self.series[number].values, origin) for number, origin in pairs]
        inputs = [np.asarray([past_window(v, origin, window) for v, origin in values], np.float32)]
        if sizes.known:
            known = [future_covariates(v, origin, sizes.horizon, sizes.known_columns) for v, origin in values]
            inputs.append(np.asarray(known, np.float32))
        return inputs

    def truth_at(self, pairs):
        """Return the true values after these origins: (origins, horizon, targets)."""
        horizon, count = self.recipe.data.horizon, len(self.columns.targets)
        return np.stack([future_targets(self.series[n].values, o, horizon, count) for n, o in pairs])

    def scales_at(self, pairs):
        """Return the scale of each origin's series: (origins, targets)."""
        return np.stack([self.scales[number] for number, _ in pairs])

    def naive_quantiles(self, name, pairs):
        """Return the quantiles of a naive forecast: (origins, horizon, targets, quantiles)."""
        data, train = self.recipe.data, self.training_values()
        count, quantiles = len(self.columns.targets), self.recipe.model.quantiles
        result = np.zeros((len(pairs), data.horizon, count, len(quantiles)))
        for number in {number for number, _ in pairs}:
            rows = [row for row, (index, _) in enumerate(pairs) if index == number]
            values = self.series[number].values
            for target in range(count):
                histories = [values[: pairs[row][1], target] for row in rows]
                options = (histories, data.horizon, data.period, quantiles)
                result[rows, :, target] = naive_quantiles(NAIVE[name], train[number][:, target], *options)
        return result

    def baselines(self):
        """Forecasts from the same origins: last value, previous season, and a straight line."""
        return {name: self.naive_quantiles(name, self.origins("test")) for name in NAIVE}

    def add_training_split(self, other):
        """Nothing to add, because the baselines use the series that they forecast."""
        return True

    def fingerprint(self, split):
        """Times and values of the series."""
        for one, (start, stop) in zip(self.series, self.splits[split]):
            times, values = one.times[start:stop], one.values[start:stop]
            yield f"{one.name}\n{times.tobytes().hex()}{values.tobytes().hex()}"

    def describe(self):
        """Source, number of steps in every split, and number of series, time step and targets."""
        return {
            **super().describe(),
            "series": len(self.series),
            "step": str(self.preprocessing.step),
            "targets": list(self.columns.targets),
        }

    def settings(self):
        """Horizon, period, origins, and scaling of errors."""
        data, quantiles = self.recipe.data, self.recipe.model.quantiles
        return {
            "horizon": data.horizon,
            "period": data.period,
            "origins": len(self.origins("test")),
            "interval": round(quantiles[-1] - quantiles[0], 6),
            "scaled_by": "error of the seasonal naive forecast in train",
        }

    def forecast_record(self, pair, quantiles, naive, scores):
        """Return the record of one origin for ``predictions.jsonl``.

        Args:
            pair: series index and origin.
            quantiles: quantiles of the network, (horizon, targets, quantiles).
            naive: quantiles of the seasonal naive forecast.
            scores: scores of this origin.
        """
        (number, origin), horizon, period = pair, self.recipe.data.horizon, self.recipe.data.period
        series = self.series[number]
        past = min(MAX_HISTORY, max(MIN_HISTORY, 2 * horizon, min(period, 4 * horizon)))
        start, middle = max(0, origin - past), quantiles.shape[-1] // 2
        targets = {}
        for index, name in enumerate(self.columns.targets):
            values = series.values[:, index]
            targets[name] = {
                "history": json_numbers(values[start:origin]),
                "truth": json_numbers(values[origin : origin + horizon]),
                "forecast": json_numbers(quantiles[:, index, middle]),
                "lower": json_numbers(quantiles[:, index, 0]),
                "upper": json_numbers(quantiles[:, index, -1]),
                "seasonal_naive": json_numbers(naive[:, index, middle]),
            }
        return {
            "series": series.name,
            "origin": self.preprocessing.step.text(series.times[origin]),
            "horizon": horizon,
            "mase": json_number(scores["mase"]),
            "coverage": json_number(scores["coverage"]),
            "targets": targets,
        }

    def raw_example(self, split, number, record):
        """A CSV file of what was known at an origin; None if times have several columns or a format."""
        series_number, origin = self.origins(split)[number]
        series, columns, sizes = self.series[series_number], self.columns, self.sizes
        if len(columns.time) > 1 or columns.time_format:
            return None
        start, ahead = max(0, origin - min(self.recipe.model.window, MAX_HISTORY)), 0
        if columns.known:
            ahead = sizes.horizon
        rows = []
        for place in range(start, min(origin + ahead, len(series))):
            values = series.values[place, : len(columns.features)].copy()
            if place >= origin:
                values[: sizes.targets + sizes.covariates] = np.nan
            times = [self.preprocessing.step.text(series.times[place])] if columns.time else []
            names = [series.name] if columns.series else []
            rows.append([*times, *names, *("" if np.isnan(v) else f"{v:.7g}" for v in values)])
        header = [*columns.time, *([columns.series] if columns.series else []), *columns.features]
        return {"series.csv": csv_bytes(header, rows)}

    def view_examples(self, predictor):
        """Origins of the test split with their past."""
        pairs = self.origins("test")[:NUM_EXAMPLES]
        inputs = [tf.constant(array) for array in self.inputs_at(pairs)]
        steps, horizon = inputs[0].shape[1], self.recipe.data.horizon
        truth, scales = self.truth_at(pairs), self.scales_at(pairs)
        targets = np.zeros((len(pairs), steps, horizon, len(self.columns.targets), 2), np.float32)
        known = np.isfinite(truth)
        targets[:, -1, ..., 0] = np.where(known, truth, 0.0)
        targets[:, -1, ..., 1] = np.where(known, 1 / scales[:, None], 0.0)
        names = [[str(step) for step in range(1 - steps, 1)]] * len(pairs)
        inputs = inputs[0] if len(inputs) == 1 else inputs
        return ViewExamples(predictor.model, inputs, tf.constant(targets), {"": names})
