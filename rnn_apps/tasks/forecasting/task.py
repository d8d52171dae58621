"""Forecasting: many-to-many, the past of a series in, what comes next out, with intervals."""

from functools import cached_property

import numpy as np
import tensorflow as tf

from rnn_apps.baselines.naive import NAIVE, naive_quantiles
from rnn_apps.data.series_parts import origins_between
from rnn_apps.data.series_windows import (
    SeriesStreams,
    SeriesWindows,
    known_ahead,
    past_of,
    truth_ahead,
)
from rnn_apps.data.time_steps import CALENDAR
from rnn_apps.disk import sha256_of_texts
from rnn_apps.metrics.forecasting import forecast_metrics, seasonal_error
from rnn_apps.models.forecaster import SeriesSizes, forecaster, window_forecaster
from rnn_apps.tasks.cell import make_levels, model_errors
from rnn_apps.tasks.forecasting import answers
from rnn_apps.tasks.forecasting.answers import Table, example_table, forecast_record, influence
from rnn_apps.tasks.forecasting.exports import SeriesForecaster, check_forecasts, network_part
from rnn_apps.tasks.forecasting.reading import SeriesSet, load_columns, save_columns
from rnn_apps.tasks.forecasting.scaling import learn_scaling
from rnn_apps.tasks.forecasting.streaming import ForecastStream
from rnn_apps.tasks.task import Monitor, Task
from rnn_apps.tasks.viewing import FEW, ViewExamples

__all__ = ["ForecastingTask"]

ANSWERS_AT_ONCE = 64
SEASONS_READ = 2  # of other data before the first forecast; by them its errors are scaled
VALIDATION_ORIGINS = 256  # over all series
SEEN = 64  # steps of train that examples are made of


class ForecastingTask(Task):
    """The past of a series in, its next steps out; see `ForecastingSettings` for the recipe.

    Args:
        recipe: `Recipe` of the task ``forecasting``.

    Attributes:
        set: `SeriesSet`.
        columns, step: as of a `SeriesSet`; those that the network was trained on.
    """

    monitor = Monitor("val_loss", higher_is_better=False)
    baselines_learn = False

    def __init__(self, recipe):
        super().__init__(recipe)
        self.set = self.columns = self.step = self._windows = None
        self._lags = recipe.model.lags_of(recipe.data.period)

    @property
    def trained(self):
        """The network that carries its states from window to window, or the network itself."""
        return self._windows or self.model

    def prepare(self):
        """Read the series, cut them by time, learn the size of their values from train, make the network."""
        data, model = self.recipe.data, self.recipe.model
        self.set = SeriesSet(data, self.recipe.seed)
        self.bad = self.set.bad
        self.set.cut(self._lags)
        self.columns, self.step = self.set.columns, self.set.step
        by_frame = model.spread == "lags" or (model.spread == "auto" and len(self.set.series) > 1)
        train, places = self._training_values(), [one.place for one in self.set.series]
        facts = (self.columns.targets, self._lags, model.transform, by_frame, model.sees_level)
        self._seen = train[0][-SEEN:]
        self.model = self._make_model(learn_scaling(train, places, *facts))
        if self.recipe.training.tbptt is not None:
            self._windows = window_forecaster(self.model, self.sizes, self.recipe.training.batch_size)

    def prepare_evaluation(self, whole=False):
        """Read the test part anew for a restored network, with the columns that it was trained on."""
        needed = None if whole else "train"
        self.set = SeriesSet(self.recipe.data, self.recipe.seed, self.columns, self.step, needed)
        self.bad = self.set.bad
        if whole and not self.set.has_test:
            self.set.cut_whole(max(self._lags, SEASONS_READ * self.recipe.data.period))
        else:
            self.set.cut(self._lags)

    def _training_values(self):
        return [one.values[slice(*cuts.train)] for one, cuts in zip(self.set.series, self.set.cuts)]

    @property
    def sizes(self):
        """The `SeriesSizes` of the network."""
        data, columns = self.recipe.data, self.columns
        counts = [len(names) for names in (columns.targets, columns.covariates, columns.known)]
        calendar = tuple(CALENDAR[name] for name in data.calendar)
        return SeriesSizes(*counts, calendar, self._lags, data.horizon, tuple(self.recipe.model.quantiles))

    def _make_model(self, scaling):
        recipe, model = self.recipe, self.recipe.model
        with model_errors(model.cell):
            facts = (self.sizes, scaling, recipe.data.period, model.dropout)
            return forecaster(make_levels(recipe), *facts, seed=recipe.seed)

    @cached_property
    def _scales(self):
        """Of each series the error of the seasonal naive within train: list of (targets,)."""
        count, period = len(self.columns.targets), self.recipe.data.period
        return [seasonal_error(values[:, :count], period) for values in self._training_values()]

    def training_batches(self):
        """Windows of train at places that (seed, epoch) decides, or windows that follow one another."""
        recipe, sizes, training = self.recipe, self.sizes, self.recipe.training
        known = sizes.known_columns if sizes.known else None
        shared = {"known": known, "skipped": self._lags - 1, "seed": recipe.seed}
        series = (self._training_values(), self._scales)
        if training.tbptt is not None:
            lengths = (training.tbptt.steps, sizes.horizon, self._lags - 1)
            return SeriesStreams(*series, *lengths, streams=training.batch_size, **shared)
        sizes_of = {"batch_size": training.batch_size, "count": recipe.data.windows}
        return SeriesWindows(*series, recipe.model.window, sizes.horizon, **sizes_of, **shared)

    def loss(self, outputs, targets):
        """Mean pinball loss over all quantiles, in units of the seasonal naive's error within train."""
        truth, weight = targets[..., 0], targets[..., 1]
        quantiles = tf.constant(self.recipe.model.quantiles, tf.float32)
        error = truth[..., None] - outputs
        losses = tf.reduce_mean(tf.maximum(quantiles * error, (quantiles - 1) * error), axis=-1)
        return tf.reduce_sum(losses * weight) / self.count(targets)

    def count(self, targets):
        """Values that are there to be forecast."""
        there = tf.reduce_sum(tf.cast(targets[..., 1] > 0, tf.float32))
        return tf.maximum(there, 1.0)

    def batch_metrics(self, outputs, targets):
        """Absolute error of the point forecast, in the same units."""
        middle = len(self.recipe.model.quantiles) // 2
        error = tf.abs(targets[..., 0] - outputs[..., middle])
        return {"mase": tf.reduce_sum(error * targets[..., 1])}

    def _origins(self, part, most=None):
        """(series number, origin) pairs of a part, as many a series as the recipe says, or `most` of all."""
        count = self.recipe.data.origins if most is None else -(-most // len(self.set.series))
        horizon = self.recipe.data.horizon
        return [
            (number, int(origin))
            for number, cuts in enumerate(self.set.cuts)
            for origin in origins_between(*getattr(cuts, part), horizon, count)
        ]

    def _given(self, pairs):
        """What the network reads: a list of float32 arrays."""
        window, sizes = self.recipe.model.window, self.sizes
        values = [self.set.series[number].values for number, _ in pairs]
        past = [past_of(v, origin, window) for v, (_, origin) in zip(values, pairs)]
        given = [np.asarray(past, np.float32)]
        if sizes.known:
            ahead = zip(values, pairs)
            known = [known_ahead(v, origin, sizes.horizon, sizes.known_columns) for v, (_, origin) in ahead]
            given.append(np.asarray(known, np.float32))
        return given

    @cached_property
    def _answer(self):
        given = self.model.inputs
        specs = [tf.TensorSpec([None, *one.shape[1:]], tf.float32) for one in given]

        def answer(*inputs):
            outputs = self.model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
            return outputs[:, -1]

        return tf.function(answer, input_signature=specs, autograph=False)

    def quantiles_from(self, pairs):
        """Return the quantiles behind each origin: float (origins, horizon, targets, quantiles).

        Args:
            pairs: list of (series number, origin).
        """
        found = []
        for start in range(0, len(pairs), ANSWERS_AT_ONCE):
            given = self._given(pairs[start : start + ANSWERS_AT_ONCE])
            found.append(self._answer(*map(tf.constant, given)).numpy())
        return np.concatenate(found).astype(np.float64)

    def _truth(self, pairs):
        horizon, count = self.recipe.data.horizon, len(self.columns.targets)
        return np.stack([truth_ahead(self.set.series[n].values, o, horizon, count) for n, o in pairs])

    def _scores(self, pairs, quantiles):
        scales = np.stack([self._scales[number] for number, _ in pairs])
        return forecast_metrics(self._truth(pairs), quantiles, self.recipe.model.quantiles, scales)

    def validate(self):
        """Quantile loss and MASE over origins at even distances in the validation part."""
        pairs = self._origins("validation", VALIDATION_ORIGINS)
        scores = self._scores(pairs, self.quantiles_from(pairs))
        return {"val_loss": scores["quantile_loss"], "val_mase": scores["mase"]}

    def evaluate(self, part):
        """Scores over the origins of a part, and one record an origin."""
        pairs = self._origins(part)
        quantiles = self.quantiles_from(pairs)
        usual = self._naive_quantiles("seasonal_naive", pairs)
        records = [
            forecast_record(self, number, origin, own, beside, self._scores([(number, origin)], own[None]))
            for (number, origin), own, beside in zip(pairs, quantiles, usual)
        ]
        return self._scores(pairs, quantiles), records

    def _naive_quantiles(self, name, pairs):
        data, train = self.recipe.data, self._training_values()
        count, quantiles = len(self.columns.targets), self.recipe.model.quantiles
        result = np.zeros((len(pairs), data.horizon, count, len(quantiles)))
        for number in {number for number, _ in pairs}:
            rows = [row for row, (owner, _) in enumerate(pairs) if owner == number]
            values = self.set.series[number].values
            for target in range(count):
                histories = [values[: pairs[row][1], target] for row in rows]
                facts = (histories, data.horizon, data.period, quantiles)
                result[rows, :, target] = naive_quantiles(NAIVE[name], train[number][:, target], *facts)
        return result

    def baselines(self):
        """The last value, that of the season before, and a straight line, from the same origins."""
        pairs = self._origins("test")
        return {name: self._scores(pairs, self._naive_quantiles(name, pairs)) for name in NAIVE}

    def describe_data(self):
        """Source, steps of every part over all series, and what they are of."""
        parts = ("train", "validation", "test")
        lengths = {
            p: sum(end - begin for begin, end in (getattr(c, p) for c in self.set.cuts)) for p in parts
        }
        texts = (
            f"{one.name}\n{one.times.tobytes().hex()}{one.values.tobytes().hex()}" for one in self.set.series
        )
        return {
            "source": self.set.name,
            **lengths,
            "skipped": self.skipped,
            "series": len(self.set.series),
            "step": str(self.step),
            "targets": list(self.columns.targets),
            "fingerprint": sha256_of_texts(texts),
        }

    def settings(self):
        """What has to be known to compare scores."""
        data, quantiles = self.recipe.data, self.recipe.model.quantiles
        return {
            "horizon": data.horizon,
            "period": data.period,
            "origins": len(self._origins("test")),
            "interval": round(quantiles[-1] - quantiles[0], 6),
            "scaled_by": "error of the seasonal naive within train",
        }

    def view_examples(self):
        """Origins of the test part with the past that is read of each."""
        pairs = self._origins("test")[:FEW]
        given = [tf.constant(array) for array in self._given(pairs)]
        steps, horizon = given[0].shape[1], self.recipe.data.horizon
        truth, scales = self._truth(pairs), np.stack([self._scales[number] for number, _ in pairs])
        targets = np.zeros((len(pairs), steps, horizon, len(self.columns.targets), 2), np.float32)
        there = np.isfinite(truth)
        targets[:, -1, ..., 0] = np.where(there, truth, 0.0)
        targets[:, -1, ..., 1] = np.where(there, 1 / scales[:, None], 0.0)
        names = [[str(step) for step in range(1 - steps, 1)]] * len(pairs)
        given = given[0] if len(given) == 1 else given
        return ViewExamples(self.model, given, tf.constant(targets), {"": names})

    def save_preprocessing(self, folder):
        """The columns and the step; how values are scaled is in the network."""
        save_columns(folder / "series.json", self.columns, self.step, self._seen)

    def restore(self, model, folder):
        """Take a trained network, its columns and its step."""
        self.model = model
        self.columns, self.step, self._seen = load_columns(folder / "series.json")

    def predict(self, inputs):
        """Return forecasts with intervals for every series of each CSV file of the past.

        What is known in advance is in rows after the past, whose targets are empty.
        """
        return [answer for path in inputs for answer in Table(self, path).answers()]

    def open_stream(self):
        """Return a `ForecastStream`: rows of one or many series as they come, each with what comes next."""
        return ForecastStream(self)

    def answer_line(self, answer):
        """A table of steps."""
        return Table.lines(answer)

    def explain(self, inputs):
        """Return for each file [time, value, influence] of the last steps of its first series.

        The influence is how much the mean of the first target's forecast changes with that value.
        """
        return [influence(self, path) for path in inputs]

    def make_forecaster(self):
        """Return the `SeriesForecaster` of the network."""
        return SeriesForecaster(self.model, self.sizes, self.recipe.model.window, self.columns)

    def signatures(self):
        """A forecaster with `serving_default` and `step`, traced anew for the export."""
        module = self.make_forecaster()
        return module, module.signatures

    def parts(self):
        """The network: raw values to forecasts."""
        return [network_part(self.model, self.sizes, self.recipe.model.window, self._seen, self.columns)]

    def input_note(self):
        """The columns of a series, and how a missing value is written."""
        return answers.columns_note(self.columns, self.recipe.data.calendar)

    def client_facts(self):
        """What a row of the series holds, and how many are read."""
        columns = [*self.columns.features, *self.recipe.data.calendar]
        return {"kind": "forecast", "columns": columns, "window": self.recipe.model.window}

    def demo_facts(self):
        """What a table must hold, and how much of it is read."""
        return answers.table_facts(self)

    def raw_example(self, part, number, record):
        """A CSV file of what was known at an origin."""
        series_number, origin = self._origins(part)[number]
        return example_table(self, self.set.series[series_number], origin)

    def example_request(self):
        """A few steps of train."""
        whole = np.where(np.isnan(self._seen), np.nanmean(self._seen, axis=0), self._seen)
        part = network_part(self.model, self.sizes, self.recipe.model.window, whole, self.columns)
        given = part.examples(1, min(48, self.recipe.model.window), 0)
        return {name: tf.constant(array) for name, array in zip(part.inputs, given)}

    def check_export(self, loaded):
        """Hold the export's forecasts against our own."""
        check_forecasts(loaded, self._answer, self.parts()[0], self.recipe.model.window)
