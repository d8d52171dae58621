"""Settings of the frame labelling task; no TensorFlow here."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import Distinct
from rnn_apps.tasks.image_captioning.settings import VisualEncoderSettings
from rnn_apps.tasks.labelling_settings import LabellingModel, LabellingSettings
from rnn_apps.tasks.settings import SampleSettings, SourceSettings

Column = Annotated[str, Field(min_length=1, max_length=200)]


class EventsSample(SampleSettings):
    """Generated clips of shapes that appear, move, collide and vanish."""

    name: Literal["events"] = Field("events", description="Which generated data.")


class FrameLabellingData(SourceSettings):
    """Where streams with a label at every step come from: tables of a sensor's numbers, or of pictures."""

    source: str = Field(
        "sample",
        pattern="^(files|sample)$",
        description="The user's own files, or generated data.",
        json_schema_extra={"patternErrorMessage": "files or sample"},
    )
    label: Column = Field("label", description="Column that holds the label of a step.")
    stream: Column | None = Field(
        None, description="Column that names the stream of a row; null: a file is one stream."
    )
    features: Distinct[Column] | None = Field(
        None, min_length=1, max_length=10_000, description="Columns of numbers; null takes all others."
    )
    frames: Column | None = Field(
        None, description="Column with the path of a picture, from the file's folder on, in place of numbers."
    )
    on_missing: Literal["fail", "previous"] = Field(
        "fail", description="What an empty cell does: it is refused, or the number before it is repeated."
    )
    sample: EventsSample | None = Field(
        default_factory=EventsSample, description="Generated clips; null allows none."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields columns of numbers beside pictures."""
        yield from super().cross_checks()
        if self.frames is not None and self.features is not None:
            yield ("features",), "received columns, but frames names one with pictures; expected null."

    @property
    def are_pictures(self) -> bool:
        """Whether a step is a picture."""
        return self.frames is not None or self.source == "sample"


class FrameEncoderSettings(VisualEncoderSettings):
    """The CNN that turns frames into features."""

    pooled: bool = Field(True, description="One vector a frame in place of a grid of regions.")
    horizontal_flip: Literal[False] = Field(
        False, description="Always off: a mirrored frame may need another label."
    )


class FrameLabellingModel(LabellingModel):
    """A CNN for every frame, or the numbers as they are, recurrent levels, and a classifier at every step."""

    bidirectional: bool = Field(
        False, description="Read from both ends; one that only looks back can stream."
    )
    encoder: FrameEncoderSettings = Field(
        default_factory=FrameEncoderSettings,
        description="The CNN that turns frames into features, where steps are pictures.",
    )


class FrameLabellingSettings(LabellingSettings):
    """A recipe for the frame labelling task."""

    shape: ClassVar[str] = "one output at every step"
    summary: ClassVar[str] = "the frames of a clip or a sensor's numbers in, a label at every step out"

    task: Literal["frame_labelling"] = Field("frame_labelling", description="Name of the task.")
    data: FrameLabellingData = Field(description="Where labelled streams come from.")
    model: FrameLabellingModel = Field(default_factory=FrameLabellingModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields what does not go together, and a size that the generated clips cannot have."""
        yield from super().cross_checks()
        size = self.model.encoder.image_size
        if self.data.source == "sample" and size[0] != size[1]:
            path = ("model", "encoder", "image_size")
            yield path, f"received {size}, but generated clips are square; expected the same number twice."
