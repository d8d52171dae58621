"""Settings of the video captioning task; no TensorFlow here."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import TaskSettings
from rnn_apps.tasks.decoder_settings import DecoderSettings, DecodingSettings
from rnn_apps.tasks.image_captioning.settings import CaptionsData, VisualEncoderSettings
from rnn_apps.tasks.settings import SampleSettings, Units, recurrent_weights


class ClipsSample(SampleSettings):
    """Generated clips of one moving or changing shape that stand in when the set cannot be had."""

    name: Literal["clips"] = Field("clips", description="Which generated data.")


class VideoCaptionsData(CaptionsData):
    """Where clips with their captions come from."""

    source: str = Field(
        "sample",
        pattern="^(files|sample)$",
        description="The user's own files, or generated data.",
        json_schema_extra={"patternErrorMessage": "files or sample"},
    )
    sample: ClipsSample | None = Field(
        default_factory=ClipsSample, description="Generated clips; null allows none."
    )


class VideoCaptioningModel(DecoderSettings):
    """A CNN for every frame, a recurrent encoder over the frames, and a decoder that looks at them."""

    encoder: VisualEncoderSettings = Field(
        default_factory=lambda: VisualEncoderSettings(pooled=True),
        description="The CNN that turns frames into features.",
    )
    frames: int = Field(16, ge=1, le=4096, description="Frames of a clip, spread evenly over all of it.")
    frame_order: Literal["kept", "shuffled"] = Field(
        "kept", description="shuffled takes the order away in training and scoring, to see what it is worth."
    )
    projection: int = Field(512, ge=1, le=16_384, description="Features of a frame as the encoder reads it.")
    encoder_units: Units = [256]
    decoding: DecodingSettings = Field(
        default_factory=DecodingSettings, description="How the trained network writes."
    )


class VideoCaptioningSettings(TaskSettings):
    """A recipe for the video captioning task."""

    shape: ClassVar[str] = "many-to-many"
    summary: ClassVar[str] = "the frames of a clip in, a sentence about it out"

    task: Literal["video_captioning"] = Field("video_captioning", description="Name of the task.")
    data: VideoCaptionsData = Field(description="Where clips with their captions come from.")
    model: VideoCaptioningModel = Field(default_factory=VideoCaptioningModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields networks that no machine could hold."""
        model = self.model
        before = recurrent_weights(model.cell, model.encoder_units, model.projection, directions=2)
        yield from model.too_large(self.data.vocabulary_size, before)
