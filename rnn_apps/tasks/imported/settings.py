"""Settings of a model that was made elsewhere; no TensorFlow here."""

from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import Settings, TaskSettings


class ImportedData(Settings):
    """What the model is scored on."""

    source: Literal["files"] = Field("files", description="A file of the user's own.")
    path: str | None = Field(
        None, min_length=1, max_length=4096, description="An .npz file with inputs and targets."
    )


class ImportedModel(Settings):
    """Where the model comes from."""

    origin: str = Field("", max_length=4096, description="Name of the file that was imported.")
    sha256: str = Field("", max_length=64, description="Of that file.")
    classes: list[str] = Field(
        [],
        max_length=1000,
        description="Classes and functions of the user's own in it, module:registered name.",
    )
    steps: int = Field(12, ge=1, le=10_000, description="Steps of the inputs by which exports are checked.")


class ImportedSettings(TaskSettings):
    """A model that `rnn-apps import` took in: arrays of numbers in, arrays of numbers out."""

    shape: ClassVar[str] = "any"
    summary: ClassVar[str] = "a Keras model made elsewhere: numbers in, numbers out"

    task: Literal["imported"] = Field("imported", description="Name of the task.")
    data: ImportedData = Field(default_factory=ImportedData, description="What it is scored on.")
    model: ImportedModel = Field(default_factory=ImportedModel, description="Where it comes from.")
