"""Settings of the forecasting task. Does not import TensorFlow."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from rnn_apps.errors import shown
from rnn_apps.settings import (
    Distinct,
    Fraction,
    SteppedTrainingSettings,
    TaskSettings,
    refusal,
)
from rnn_apps.tasks.settings import (
    Column,
    RecurrentLayers,
    SampleSettings,
    SourceSettings,
    Units,
    recurrent_weights,
    sample_field,
    too_many_weights,
)

Names = Annotated[Distinct[Column], Field(max_length=1000)]
Probability = Annotated[float, Field(gt=0, lt=1)]


def _with_a_middle(quantiles: list[float]) -> list[float]:
    if len(quantiles) % 2 == 0 or quantiles != sorted(set(quantiles)):
        received = shown(quantiles)
        raise refusal(f"received {received}, expected an odd number of ascending quantiles.")
    return quantiles


class SeasonsSample(SampleSettings):
    """A synthetic series with a season, a trend that changes direction, and holidays."""

    name: Literal["seasons"] = Field("seasons", description="Kind of synthetic data.")
    size: int = Field(4800, ge=600, le=1_000_000, description="Number of steps in the series.")


class ForecastingData(SourceSettings):
    """Source of the series, roles of the columns, and forecast origins."""

    time: Names | Column | None = Field(
        None,
        description="Time column, or several: date and time of day, or year, month, day, ...; "
        "null: the first column, if it has dates.",
    )
    time_format: str | None = Field(
        None,
        max_length=100,
        description="strptime format of the times, of several columns joined by a space; null: detect it.",
    )
    series: Column | None = Field(None, description="Column with the name of the series of each row.")
    targets: Names | None = Field(
        None, min_length=1, description="Columns to forecast; null: every other numeric column."
    )
    covariates: Names = Field([], description="Columns that help the forecast, known only up to its origin.")
    known: Names = Field([], description="Columns whose future values are known as well.")
    calendar: Distinct[Literal["hour", "weekday", "day_of_month", "day_of_year", "month"]] = Field(
        [], description="Calendar features of each step's time."
    )
    period: int = Field(24, ge=1, le=100_000, description="Steps per season; 1 for no season.")
    horizon: int = Field(24, ge=1, le=10_000, description="Number of steps to forecast.")
    on_missing: Literal["mask", "fill", "fail"] = Field(
        "mask",
        description="Missing values: mask them for the network, fill them with the previous value, or fail.",
    )
    on_gap: Literal["fail", "fill", "ignore"] = Field(
        "fail",
        description="Missing rows: fail, fill with missing values, or ignore (each row is the next step).",
    )
    missing_values: Annotated[Distinct[float], Field(max_length=100)] = Field(
        [], description="Numbers that mean a missing value, such as -200."
    )
    sort: bool = Field(False, description="Sort rows by time; false: fail on unsorted rows.")
    test_fraction: float = Field(
        0.2,
        gt=0,
        lt=0.9,
        description="Fraction at the end of each series to test on, if the data has no test split.",
    )
    origins: int = Field(
        5,
        ge=1,
        le=10_000,
        description="Forecast origins per series in the test split, evenly spaced.",
    )
    windows: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Windows per epoch; null: enough to cover train, at least 8 batches.",
    )
    sample: SeasonsSample | None = sample_field(SeasonsSample, "Synthetic series to try a recipe on.")

    @property
    def time_columns(self) -> tuple[str, ...] | None:
        """The time columns; None to look for dates in the first column."""
        if isinstance(self.time, str):
            return (self.time,)
        return tuple(self.time) if self.time else None

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields sources without series, and columns with two roles."""
        yield from super().cross_checks()
        if self.source.startswith("tfds:"):
            received = f"received {shown(self.source)}, expected files or sample"
            yield ("source",), f"{received}: series are read from CSV files. Set data.path to yours."
        if self.time_format is not None and not self.time:
            yield ("time_format",), "received a format, but data.time does not name a column; expected null."
        if isinstance(self.time, list) and len(self.time) > 6:
            expected = "expected at most 6: year, month, day, hour, minute, second"
            yield ("time",), f"received {len(self.time)} columns, {expected}."
        named: dict[str, Sequence[str]] = {
            "time": self.time_columns or (),
            "series": (self.series,) if self.series else (),
        }
        named |= {"targets": self.targets or (), "covariates": self.covariates, "known": self.known}
        counts = Counter(name for names in named.values() for name in names)
        for key, names in named.items():
            twice = [name for name in names if counts[name] > 1]
            if twice and key != "time":
                others = [k for k, n in named.items() if twice[0] in n and k != key]
                if others:
                    yield (
                        (key,),
                        f"received {shown(twice[0])}, which is also in {others[0]}; expected it in one.",
                    )


class ForecastingModel(RecurrentLayers):
    """A recurrent network next to a linear one, which predict quantiles of every step of the horizon."""

    units: Units = [64]
    window: int = Field(168, ge=2, le=100_000, description="Steps of the past that are read for a forecast.")
    lags: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Most recent steps in each input; null: one season, at most 48.",
    )
    transform: Literal["none", "log"] = Field(
        "none", description="log if seasonal swings grow with the level and no value is negative."
    )
    spread: Literal["auto", "train", "lags"] = Field(
        "auto",
        description="Scale by the spread of train or of the lags; auto: lags if there are several series.",
    )
    level_feature: bool = Field(
        True, description="Give the level to the network; false if it may leave the range seen in train."
    )
    quantiles: Annotated[list[Probability], AfterValidator(_with_a_middle)] = Field(
        [0.1, 0.5, 0.9],
        min_length=3,
        max_length=99,
        description="Quantiles to predict: the middle one is the forecast, the outer ones its interval.",
    )
    dropout: Fraction = Field(0.1, description="Dropout rate before the output.")

    def lags_of(self, period: int) -> int:
        """Returns the number of most recent steps given to the network at each step."""
        return self.lags or min(period, 48, self.window)

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections between layers of different sizes, and lags beyond the window."""
        yield from super().cross_checks()
        if self.lags is not None and self.lags > self.window:
            yield ("lags",), f"received {self.lags}, expected at most the window, {self.window}."


class ForecastingSettings(TaskSettings):
    """A recipe for the forecasting task."""

    shape: ClassVar[str] = "many-to-many"
    summary: ClassVar[str] = "the past of a series in, forecasts with intervals out"

    task: Literal["forecasting"] = Field("forecasting", description="Name of the task.")
    data: ForecastingData = Field(description="Source of the series.")
    model: ForecastingModel = Field(default_factory=ForecastingModel, description="The network.")
    training: SteppedTrainingSettings = Field(
        default_factory=SteppedTrainingSettings, description="How to train."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a conflict if the network is too large for any machine."""
        model, data = self.model, self.data
        columns = len(self.data.targets or [0])
        features = (
            columns * (model.lags_of(data.period) + 2)
            + len(data.known) * (data.horizon + 2)
            + 2 * len(data.covariates)
        )
        outputs = columns * data.horizon * len(model.quantiles) * model.units[-1]
        yield from too_many_weights(outputs, recurrent_weights(model.cell, model.units, features))
