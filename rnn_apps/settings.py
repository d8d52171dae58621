"""Base class of settings (strict pydantic models), and the settings that all tasks share."""

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
    """Base class of all settings: rejects unknown keys, wrong types and values out of range.

    An integer is accepted where a float is expected; nothing else is converted.
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
    """When checkpoints are saved, in addition to the end of every epoch."""

    steps: int | None = Field(None, ge=1, le=1_000_000_000, description="Save every N steps.")
    minutes: float | None = Field(10.0, gt=0, le=10_000, description="Save every N minutes.")


class TrainingSettings(Settings):
    """Training settings that all tasks share."""

    batch_size: int = Field(64, ge=1, le=65_536, description="Examples per step.")
    epochs: int = Field(4, ge=1, le=10_000, description="Passes over the training examples.")
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = Field("adam", description="Optimizer.")
    learning_rate: float = Field(0.001, gt=0, le=10, description="Peak learning rate.")
    schedule: Literal["constant", "cosine", "linear"] = Field(
        "constant", description="Learning rate after warm-up; cosine and linear decay to zero."
    )
    warmup_steps: int = Field(
        0,
        ge=0,
        le=1_000_000_000,
        description="Steps over which the learning rate increases linearly from zero.",
    )
    epsilon: float = Field(
        1e-7,
        gt=0,
        le=1,
        description="Adam's epsilon; a larger value slows the learning of rare words.",
    )
    weight_decay: float = Field(0.0, ge=0, le=1, description="Decoupled weight decay.")
    clip_norm: float | None = Field(
        1.0, gt=0, description="Clip the gradient to this global norm; null for no clipping."
    )
    weight_averaging: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Decay of an exponential moving average of the weights, which the final model uses.",
    )
    early_stopping: int | None = Field(
        None, ge=1, le=10_000, description="Stop after this many epochs without improvement on validation."
    )
    label_smoothing: Fraction = Field(0.0, description="Probability mass spread evenly over all classes.")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        "float32",
        description="Precision of computations in training; weights, validation and exports are float32.",
    )
    accumulate_steps: int = Field(
        1,
        ge=1,
        le=65_536,
        description="Compute the gradients of a batch in this many parts, one after another. Same gradients, "
        "less memory.",
    )
    checkpoint_every: CheckpointSettings = Field(
        default_factory=CheckpointSettings,
        description="Extra checkpoints, in addition to one per epoch.",
    )
    recompute_every: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Gradient checkpointing: store the states of every Nth step and recompute the others in "
        "the backward pass. Same gradients, less memory, for long sequences.",
    )
    deterministic: bool = Field(
        False, description="Use deterministic operations: runs are bit-identical, but slower."
    )
    compile: Automatic = Field(
        "auto", description="Compile the recurrent loops with XLA; auto: once shapes recur."
    )


class TbpttSettings(Settings):
    """Truncated backpropagation through time."""

    steps: int = Field(
        100, ge=1, le=1_000_000, description="Steps per window; states carry over to the next window."
    )


class SteppedTrainingSettings(TrainingSettings):
    """Training settings of networks with an output at every step."""

    tbptt: TbpttSettings | None = Field(
        None,
        description="Truncated backpropagation: batch_size sequences are read in parallel, window by window. "
        "null: backpropagate through whole sequences.",
    )


class TaskSettings(Settings):
    """The top-level keys of every recipe; a task adds `data` and `model`.

    Attributes:
        shape: of the recurrence, a name of `rnn_apps.tasks.shapes.SHAPES`, or ``"any"``.
        summary: what goes in and what comes out.
    """

    shape: ClassVar[str]
    summary: ClassVar[str]

    name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="Name of the recipe and of its folder in runs/; by default the file name.",
        json_schema_extra={"patternErrorMessage": "letters, digits, '.', '_' and '-', at most 100"},
    )
    description: str | None = Field(None, max_length=10_000, description="What the recipe is for.")
    task: str = Field(description="Name of the task.")
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Random seed.")
    training: TrainingSettings = Field(default_factory=TrainingSettings, description="How to train.")
    export: Distinct[FormatName] = Field(
        ["saved_model"], description="Export formats, written at the end of a run."
    )
    views: bool = Field(
        True, description="Show states, gradients and attention in the report; false makes runs shorter."
    )
