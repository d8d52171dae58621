"""Settings of the frame labelling task. Does not import TensorFlow."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import Distinct
from rnn_apps.tasks.image_captioning.settings import VisualEncoderSettings
from rnn_apps.tasks.settings import (
    Column,
    LabellingModel,
    LabellingSettings,
    LocalSource,
    SampleSettings,
    SourceSettings,
    sample_field,
)


class StreamsSample(SampleSettings):
    """Synthetic streams: clips of moving shapes, or the vibration of a machine."""

    name: Literal["events", "vibration"] = Field(
        "events",
        description="events: clips of shapes that appear, move, collide and vanish; "
        "vibration: accelerations of a machine that is off, normal, unbalanced or worn.",
    )


class FrameLabellingData(SourceSettings):
    """Source of labelled streams: tables of sensor values, or of image paths."""

    source: LocalSource = "sample"
    label: Column = Field("label", description="Column with the label of each step.")
    stream: Column | None = Field(
        None, description="Column with the name of each row's stream; null: one stream per file."
    )
    features: Distinct[Column] | None = Field(
        None, min_length=1, max_length=10_000, description="Numeric columns; null: all other columns."
    )
    frames: Column | None = Field(
        None, description="Column of image paths, relative to the file's folder, instead of numbers."
    )
    on_missing: Literal["fail", "previous"] = Field(
        "fail", description="Empty cells: fail, or repeat the previous value."
    )
    sample: StreamsSample | None = sample_field(
        StreamsSample, "Synthetic streams; null: fail instead of using them."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields numeric columns in a table of images."""
        yield from super().cross_checks()
        if self.frames is not None and self.features is not None:
            yield ("features",), "received columns, but frames names a column of images; expected null."

    @property
    def are_pictures(self) -> bool:
        """Whether steps are images."""
        if self.source == "sample":
            return self.sample is None or self.sample.name == "events"
        return self.frames is not None


class FrameEncoderSettings(VisualEncoderSettings):
    """The CNN that turns frames into features."""

    pooled: bool = Field(True, description="One vector per frame instead of a grid of regions.")
    horizontal_flip: Literal[False] = Field(
        False, description="Always off: a mirrored frame may need another label."
    )


class FrameLabellingModel(LabellingModel):
    """A CNN over frames (or the numbers as they are), recurrent layers, and a classifier at every step."""

    bidirectional: bool = Field(
        False, description="Read in both directions; a network that only reads forward can stream."
    )
    encoder: FrameEncoderSettings = Field(
        default_factory=FrameEncoderSettings,
        description="The CNN that turns frames into features, if steps are images.",
    )


class FrameLabellingSettings(LabellingSettings):
    """A recipe for the frame labelling task."""

    shape: ClassVar[str] = "one output at every step"
    summary: ClassVar[str] = "the frames of a clip or a sensor's numbers in, a label at every step out"

    task: Literal["frame_labelling"] = Field("frame_labelling", description="Name of the task.")
    data: FrameLabellingData = Field(description="Source of the labelled streams.")
    model: FrameLabellingModel = Field(default_factory=FrameLabellingModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields conflicting keys, and sizes that synthetic clips cannot have."""
        yield from super().cross_checks()
        size = self.model.encoder.image_size
        if self.data.source == "sample" and self.data.are_pictures and size[0] != size[1]:
            path = ("model", "encoder", "image_size")
            yield path, f"received {size}, but synthetic clips are square; expected the same number twice."
