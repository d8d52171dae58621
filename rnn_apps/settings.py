"""Strict settings on pydantic, and those that every task shares."""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError, ValidationError

from rnn_apps.errors import nearest, shown
from rnn_apps.export_formats import FORMATS

__all__ = [
    "Distinct",
    "Fraction",
    "Settings",
    "SteppedTrainingSettings",
    "TaskSettings",
    "TbpttSettings",
    "TrainingSettings",
    "refusal",
]

Entry = TypeVar("Entry", bound=Hashable)


def refusal(text: str) -> PydanticCustomError:
    """Returns the error that a validator raises when `text` is the whole message to the user."""
    return PydanticCustomError("refused", "{text}", {"text": text})


def _distinct(entries: Sequence[Entry]) -> Sequence[Entry]:
    twice = [shown(entry) for entry, count in Counter(entries).items() if count > 1]
    if twice:
        raise refusal(f"received {', '.join(twice[:5])} more than once, expected entries that all differ.")
    return entries


def _not_a_number(value: object) -> object:
    # Python holds 1 == True, so Literal alone would take 1.
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise refusal(f"received {value}, expected one of auto, true, false.")
    return value


def _known_format(name: str) -> str:
    if name not in FORMATS:
        guess = nearest(name, FORMATS)
        advice = f' Did you mean "{guess}"?' if guess else ""
        raise refusal(f"received {shown(name)}, expected one of {', '.join(FORMATS)}.{advice}")
    return name


def _list_formats(schema: dict) -> None:
    schema["enum"] = list(FORMATS)


Distinct = Annotated[list[Entry], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Automatic = Annotated[Literal["auto", True, False], BeforeValidator(_not_a_number)]
FormatName = Annotated[str, AfterValidator(_known_format), Field(json_schema_extra=_list_formats)]


class Settings(BaseModel):
    """Base of all settings: unknown keys, wrong types and values out of range are refused.

    A whole number is fine where a number is wanted; nothing else is converted.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a path below these settings and a message for every conflict between keys."""
        yield from ()

    @model_validator(mode="after")
    def _hold_cross_checks(self):
        conflicts = [
            {"type": refusal(text), "loc": path, "input": None} for path, text in self.cross_checks()
        ]
        if conflicts:
            raise ValidationError.from_exception_data(type(self).__name__, conflicts)
        return self


class CheckpointSettings(Settings):
    """When a training is written down besides at the end of every epoch."""

    steps: int | None = Field(None, ge=1, le=1_000_000_000, description="Every so many steps.")
    minutes: float | None = Field(10.0, gt=0, le=10_000, description="When so many minutes have passed.")


class TrainingSettings(Settings):
    """How a network is trained, whatever the task."""

    batch_size: int = Field(64, ge=1, le=65_536, description="Examples a step.")
    epochs: int = Field(4, ge=1, le=10_000, description="Passes over the training examples.")
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = Field("adam", description="Update rule.")
    learning_rate: float = Field(0.001, gt=0, le=10, description="Step size, at its highest.")
    schedule: Literal["constant", "cosine", "linear"] = Field(
        "constant", description="Course of the learning rate after warm-up; cosine and linear end at zero."
    )
    warmup_steps: int = Field(
        0, ge=0, le=1_000_000_000, description="Steps over which the learning rate rises from zero."
    )
    epsilon: float = Field(
        1e-7,
        gt=0,
        le=1,
        description="Added to Adam's divisor; a larger one lets rare words learn more slowly.",
    )
    weight_decay: float = Field(0.0, ge=0, le=1, description="Decoupled weight decay.")
    clip_norm: float | None = Field(
        1.0, gt=0, description="Largest norm of the whole gradient; null leaves it as it is."
    )
    weight_averaging: float | None = Field(
        None, gt=0, lt=1, description="Decay of a moving average of the weights that is used in the end."
    )
    early_stopping: int | None = Field(
        None, ge=1, le=10_000, description="Epochs without improvement on validation before training stops."
    )
    label_smoothing: Fraction = Field(0.0, description="Probability spread evenly over all classes.")
    checkpoint_every: CheckpointSettings = Field(
        default_factory=CheckpointSettings,
        description="Checkpoints to go on from, besides one an epoch.",
    )
    recompute_every: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Keep the states of every so many steps only and compute those between again while going "
        "back: the same gradients in less memory, for long sequences.",
    )
    deterministic: bool = Field(False, description="Deterministic operations: bit-equal runs, slower.")
    compile: Automatic = Field("auto", description="XLA for the recurrent loops; auto waits until it pays.")


class TbpttSettings(Settings):
    """Truncated backpropagation through time."""

    steps: int = Field(100, ge=1, le=1_000_000, description="Steps of a window; states are carried on.")


class SteppedTrainingSettings(TrainingSettings):
    """How a network with an output at every step is trained."""

    tbptt: TbpttSettings | None = Field(
        None,
        description="Windows of sequences read side by side, gradients through one window; batch_size is how "
        "many. null goes back through whole sequences.",
    )


class TaskSettings(Settings):
    """The keys at the top of every recipe; a task adds its `data` and `model`.

    Attributes:
        shape: of the recurrence, a name of `rnn_apps.tasks.shapes.SHAPES`, or ``"any"``.
        summary: what goes in and what comes out.
    """

    shape: ClassVar[str]
    summary: ClassVar[str]

    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="Name of the recipe, and of its folder below runs/; by default the file's name.",
        json_schema_extra={"patternErrorMessage": "letters, digits, '.', '_' and '-', at most 100"},
    )
    description: str | None = Field(None, max_length=10_000, description="What the recipe is for.")
    task: str = Field(description="Name of the task.")
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Seed of everything random.")
    training: TrainingSettings = Field(default_factory=TrainingSettings, description="How to train.")
    export: Distinct[FormatName] = Field(["saved_model"], description="Formats written at the end of a run.")
    views: bool = Field(
        True, description="Whether the report looks into the recurrence; without it a run ends sooner."
    )
