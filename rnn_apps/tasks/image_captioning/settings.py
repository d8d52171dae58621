"""Settings of the image captioning task. Does not import TensorFlow."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from rnn_apps.errors import shown
from rnn_apps.settings import Distinct, Settings, TaskSettings
from rnn_apps.tasks.settings import Column, DecoderSettings, SampleSettings, SourceSettings, sample_field

Name = Annotated[str, Field(min_length=1, max_length=4096)]
Pixels = Annotated[int, Field(ge=16, le=2048)]


class ScenesSample(SampleSettings):
    """Synthetic images of coloured shapes."""

    name: Literal["scenes"] = Field("scenes", description="Kind of synthetic data.")


class CaptionsData(SourceSettings):
    """Source of the captioned images or clips, and the vocabulary of the captions."""

    captions_file: Name | None = Field(
        None, description="Captions file in the folder; null: the usual names."
    )
    images: Name | None = Field(None, description="Folder or zip file of the images; null: the usual names.")
    input_column: Column | None = Field(
        None, description="CSV column with the file names; null: image, or video."
    )
    caption_columns: Distinct[Column] | None = Field(
        None, min_length=1, max_length=1000, description="CSV columns with captions; null: caption."
    )
    split_column: Column = Field("split", description="CSV column with the split, if there is one.")
    vocabulary_size: int = Field(
        10_000, ge=5, le=1_000_000, description="Number of most frequent words to keep."
    )
    min_count: int = Field(
        2, ge=1, le=1_000_000, description="Occurrences in train that a word needs to be kept."
    )
    max_length: int = Field(
        30, ge=1, le=10_000, description="Words of a caption to train on; longer captions are truncated."
    )

    @property
    def layout(self) -> tuple:
        """The arguments of `rnn_apps.data.CaptionsLayout`."""
        columns = self.caption_columns
        captions = tuple(columns) if columns else None
        return self.captions_file, self.images, self.input_column, captions, self.split_column


class ImageCaptionsData(CaptionsData):
    """Source of the captioned images."""

    sample: ScenesSample | None = sample_field(ScenesSample)


class VisualEncoderSettings(Settings):
    """The CNN that turns images into features."""

    name: str = Field(
        "MobileNetV2",
        min_length=1,
        max_length=100,
        description="A model of keras.applications, or small_cnn, which is trained from scratch.",
        examples=["MobileNetV2", "EfficientNetV2B0", "ResNet50V2", "small_cnn"],
    )
    weights: str | None = Field(
        "imagenet",
        min_length=1,
        max_length=4096,
        description="imagenet, the path of a .weights.h5 file (without top), or null for random weights.",
    )
    options: dict[str, JsonValue] = Field(
        default_factory=dict, description="Further arguments of the model, such as {alpha: 0.35}."
    )
    image_size: list[Pixels] = Field(
        [160, 160],
        min_length=2,
        max_length=2,
        description="Height and width in pixels; images are resized without keeping the aspect ratio.",
    )
    pooled: bool = Field(False, description="One vector per image instead of a grid of regions.")
    trainable_from: str | None = Field(
        None, max_length=200, description="First layer to fine-tune; null: the whole CNN is frozen."
    )
    horizontal_flip: bool = Field(True, description="Augment training with mirrored images.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields keys that small_cnn does not take."""
        if self.name != "small_cnn":
            return
        if self.weights == "imagenet":
            yield (
                ("weights",),
                'received "imagenet", but small_cnn has no such weights; expected null or a file.',
            )
        for key in ("options", "trainable_from"):
            if value := getattr(self, key):
                yield (key,), f"received {shown(value)}, but small_cnn is trained whole and has no options."

    @property
    def is_trained(self) -> bool:
        """Whether any of its weights are trained."""
        return self.name == "small_cnn" or self.trainable_from is not None


class ImageCaptioningModel(DecoderSettings):
    """A CNN, a projection of its regions, and a decoder with attention over them."""

    encoder: VisualEncoderSettings = Field(
        default_factory=VisualEncoderSettings, description="The CNN that turns images into features."
    )
    projection: int = Field(512, ge=1, le=16_384, description="Features per region after the projection.")


class ImageCaptioningSettings(TaskSettings):
    """A recipe for the image captioning task."""

    shape: ClassVar[str] = "one-to-many"
    summary: ClassVar[str] = "an image in, a sentence about it out"

    task: Literal["image_captioning"] = Field("image_captioning", description="Name of the task.")
    data: ImageCaptionsData = Field(description="Source of the captioned images.")
    model: ImageCaptioningModel = Field(default_factory=ImageCaptioningModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a conflict if the network is too large for any machine."""
        yield from self.model.too_large(self.data.vocabulary_size)
