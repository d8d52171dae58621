"""Settings of the forecasting task; no TensorFlow here."""

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
    RecurrentLevels,
    SampleSettings,
    SourceSettings,
    Units,
    recurrent_weights,
    too_many_weights,
)

Column = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[Distinct[Column], Field(max_length=1000)]
Probability = Annotated[float, Field(gt=0, lt=1)]


def _with_a_middle(quantiles: list[float]) -> list[float]:
    if len(quantiles) % 2 == 0 or quantiles != sorted(set(quantiles)):
        received = shown(quantiles)
        raise refusal(f"received {received}, expected an odd number of them, each above the one before.")
    return quantiles


class SeasonsSample(SampleSettings):
    """A generated series with a season, a trend that changes direction, and days off."""

    name: Literal["seasons"] = Field("seasons", description="Which generated data.")
    size: int = Field(4800, ge=600, le=1_000_000, description="Steps of the series.")


class ForecastingData(SourceSettings):
    """Where the series come from, which columns are what, and from where it is forecast."""

    time: Names | Column | None = Field(
        None,
        description="Column of the time, or several: date and time of day, or year, month, day, ...; "
        "null: a date in the first column.",
    )
    time_format: str | None = Field(
        None,
        max_length=100,
        description="How times are written, as of strptime, several columns with a blank between them; "
        "null finds it.",
    )
    series: Column | None = Field(None, description="Column that says which series a row belongs to.")
    targets: Names | None = Field(
        None, min_length=1, description="Columns to forecast; null takes every other column of numbers."
    )
    covariates: Names = Field([], description="Columns that help and are known of the past alone.")
    known: Names = Field([], description="Columns that are known of the steps to come as well.")
    calendar: Distinct[Literal["hour", "weekday", "day_of_month", "day_of_year", "month"]] = Field(
        [], description="What the network is told of the time of a step."
    )
    period: int = Field(24, ge=1, le=100_000, description="Steps of a season; 1 for none.")
    horizon: int = Field(24, ge=1, le=10_000, description="Steps that are forecast.")
    on_missing: Literal["mask", "fill", "fail"] = Field(
        "mask",
        description="A missing value: the network is told, the value before is repeated, or it is refused.",
    )
    on_gap: Literal["fail", "fill", "ignore"] = Field(
        "fail",
        description="Steps without a row: refused, put in as missing, or each row is the next step.",
    )
    missing_values: Annotated[Distinct[float], Field(max_length=100)] = Field(
        [], description="Numbers that stand for a missing value, such as -200."
    )
    sort: bool = Field(False, description="Sort rows by time in place of refusing those that are not sorted.")
    test_fraction: float = Field(
        0.2,
        gt=0,
        lt=0.9,
        description="Last part of each series that is tested on, where there is no test part.",
    )
    origins: int = Field(
        5,
        ge=1,
        le=10_000,
        description="Steps of the test part of a series from which it is forecast, evenly apart.",
    )
    windows: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Windows an epoch; null for as many as cover train, 8 batches at least.",
    )
    sample: SeasonsSample | None = Field(
        default_factory=SeasonsSample, description="Generated series to try a recipe on."
    )

    @property
    def time_columns(self) -> tuple[str, ...] | None:
        """The columns of the time; None where a date may be found in the first."""
        if isinstance(self.time, str):
            return (self.time,)
        return tuple(self.time) if self.time else None

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields sources that hold no series, and columns that are two things at once."""
        yield from super().cross_checks()
        if self.source.startswith("tfds:"):
            received = f"received {shown(self.source)}, expected files or sample"
            yield ("source",), f"{received}: a series comes in CSV files. Name yours in data.path."
        if self.time_format is not None and not self.time:
            yield ("time_format",), "received a format, but data.time names no column, expected null."
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
                        f"received {shown(twice[0])}, which is in {others[0]} too, expected one of them.",
                    )


class ForecastingModel(RecurrentLevels):
    """A recurrent network beside a linear one, and quantiles of every step ahead."""

    units: Units = [64]
    window: int = Field(168, ge=2, le=100_000, description="Steps that are read before a forecast.")
    lags: int | None = Field(
        None, ge=1, le=10_000, description="Last steps that are seen at once; null for a season, at most 48."
    )
    transform: Literal["none", "log"] = Field(
        "none", description="log where a season grows with the level and nothing is below zero."
    )
    spread: Literal["auto", "train", "lags"] = Field(
        "auto",
        description="What values are scaled by: train or the last lags; auto is lags for several series.",
    )
    level_feature: bool = Field(
        True, description="Tell the network the level itself; false where it leaves what train has shown."
    )
    quantiles: Annotated[list[Probability], AfterValidator(_with_a_middle)] = Field(
        [0.1, 0.5, 0.9],
        min_length=3,
        max_length=99,
        description="The middle one is the forecast, the outer ones its interval.",
    )
    dropout: Fraction = Field(0.1, description="Part of the features dropped before the output.")

    def lags_of(self, period: int) -> int:
        """Returns how many of the last steps are seen at once."""
        return self.lags or min(period, 48, self.window)

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections between levels of different sizes, and lags beyond the window."""
        yield from super().cross_checks()
        if self.lags is not None and self.lags > self.window:
            yield ("lags",), f"received {self.lags}, expected at most the window, {self.window}."


class ForecastingSettings(TaskSettings):
    """A recipe for the forecasting task."""

    shape: ClassVar[str] = "many-to-many"
    summary: ClassVar[str] = "the past of a series in, forecasts with intervals out"

    task: Literal["forecasting"] = Field("forecasting", description="Name of the task.")
    data: ForecastingData = Field(description="Where the series come from.")
    model: ForecastingModel = Field(default_factory=ForecastingModel, description="The network.")
    training: SteppedTrainingSettings = Field(
        default_factory=SteppedTrainingSettings, description="How to train."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields networks that no machine could hold."""
        model, data = self.model, self.data
        columns = len(self.data.targets or [0])
        features = (
            columns * (model.lags_of(data.period) + 2)
            + len(data.known) * (data.horizon + 2)
            + 2 * len(data.covariates)
        )
        outputs = columns * data.horizon * len(model.quantiles) * model.units[-1]
        yield from too_many_weights(outputs, recurrent_weights(model.cell, model.units, features))
