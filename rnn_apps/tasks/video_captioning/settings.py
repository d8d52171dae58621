"""Settings of the video captioning task. Does not import TensorFlow."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from rnn_apps.settings import TaskSettings
from rnn_apps.tasks.image_captioning.settings import CaptionsData, VisualEncoderSettings
from rnn_apps.tasks.settings import (
    DecoderSettings,
    LocalSource,
    SampleSettings,
    Units,
    recurrent_weights,
    sample_field,
)


class ClipsSample(SampleSettings):
    """Synthetic clips of one moving or changing shape."""

    name: Literal["clips"] = Field("clips", description="Kind of synthetic data.")


class VideoCaptionsData(CaptionsData):
    """Source of the captioned clips."""

    source: LocalSource = "sample"
    sample: ClipsSample | None = sample_field(
        ClipsSample, "Synthetic clips; null: fail instead of using them."
    )


class VideoCaptioningModel(DecoderSettings):
    """A CNN over frames, a recurrent encoder, and a decoder with attention over its outputs."""

    encoder: VisualEncoderSettings = Field(
        default_factory=lambda: VisualEncoderSettings(pooled=True),
        description="The CNN that turns frames into features.",
    )
    frames: int = Field(16, ge=1, le=4096, description="Frames per clip, evenly spaced.")
    frame_order: Literal["kept", "shuffled"] = Field(
        "kept", description="shuffled: random order in training and scoring, to measure what order is worth."
    )
    projection: int = Field(512, ge=1, le=16_384, description="Features per frame after the projection.")
    encoder_units: Units = [256]


class VideoCaptioningSettings(TaskSettings):
    """A recipe for the video captioning task."""

    shape: ClassVar[str] = "many-to-many"
    summary: ClassVar[str] = "the frames of a clip in, a sentence about it out"

    task: Literal["video_captioning"] = Field("video_captioning", description="Name of the task.")
    data: VideoCaptionsData = Field(description="Source of the captioned clips.")
    model: VideoCaptioningModel = Field(default_factory=VideoCaptioningModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a conflict if the network is too large for any machine."""
        model = self.model
        before = recurrent_weights(model.cell, model.encoder_units, model.projection, directions=2)
        yield from model.too_large(self.data.vocabulary_size, before)
