"""Settings of imported models. Does not import TensorFlow."""

from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import Settings, TaskSettings


class ImportedData(Settings):
    """Data that the model is scored on."""

    source: Literal["files"] = Field("files", description="Your own file.")
    path: str | None = Field(
        None, min_length=1, max_length=4096, description="An .npz file with inputs and targets."
    )


class ImportedModel(Settings):
    """Origin of the model."""

    origin: str = Field("", max_length=4096, description="Name of the file that was imported.")
    sha256: str = Field("", max_length=64, description="SHA-256 of that file.")
    classes: list[str] = Field(
        [],
        max_length=1000,
        description="Custom classes and functions in the model, as module:registered name.",
    )
    steps: int = Field(12, ge=1, le=10_000, description="Steps of the inputs that verify exports.")


class ImportedSettings(TaskSettings):
    """A Keras model imported by `rnn-apps import`: arrays in, arrays out."""

    shape: ClassVar[str] = "any"
    summary: ClassVar[str] = "an imported Keras model: numbers in, numbers out"

    task: Literal["imported"] = Field("imported", description="Name of the task.")
    data: ImportedData = Field(default_factory=ImportedData, description="Data that the model is scored on.")
    model: ImportedModel = Field(default_factory=ImportedModel, description="Origin of the model.")
