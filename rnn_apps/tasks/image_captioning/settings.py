"""Settings of the image captioning task; no TensorFlow here."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from rnn_apps.errors import shown
from rnn_apps.settings import Distinct, Settings, TaskSettings
from rnn_apps.tasks.decoder_settings import DecoderSettings, DecodingSettings
from rnn_apps.tasks.settings import SampleSettings, SourceSettings

Column = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=4096)]
Pixels = Annotated[int, Field(ge=16, le=2048)]


class ScenesSample(SampleSettings):
    """Generated pictures of coloured shapes that stand in when the set cannot be had."""

    name: Literal["scenes"] = Field("scenes", description="Which generated data.")


class CaptionsData(SourceSettings):
    """Where inputs with their captions come from, and which words of the captions are learned."""

    captions_file: Name | None = Field(
        None, description="Name of the captions file in the folder; null looks for the usual ones."
    )
    images: Name | None = Field(
        None, description="Folder or zip file of the images in the folder; null looks for the usual ones."
    )
    input_column: Column | None = Field(
        None, description="Column of a CSV file with the names of pictures or clips; null: image, or video."
    )
    caption_columns: Distinct[Column] | None = Field(
        None, min_length=1, max_length=1000, description="Columns with a caption each; null: caption."
    )
    split_column: Column = Field("split", description="Column of a CSV file with the part, if there is one.")
    vocabulary_size: int = Field(10_000, ge=5, le=1_000_000, description="Most frequent words that are kept.")
    min_count: int = Field(2, ge=1, le=1_000_000, description="How often train must have a word to keep it.")
    max_length: int = Field(30, ge=1, le=10_000, description="Words of a caption that are read.")

    @property
    def layout(self) -> tuple:
        """What the recipe says of the data folder, as `CaptionsLayout` of `rnn_apps.data` takes it."""
        columns = self.caption_columns
        captions = tuple(columns) if columns else None
        return self.captions_file, self.images, self.input_column, captions, self.split_column


class ImageCaptionsData(CaptionsData):
    """Where pictures with their captions come from."""

    sample: ScenesSample | None = Field(
        default_factory=ScenesSample, description="Stand-in when the set cannot be had; null allows none."
    )


class VisualEncoderSettings(Settings):
    """The CNN that turns pictures into features."""

    name: str = Field(
        "MobileNetV2",
        min_length=1,
        max_length=100,
        description="A network of keras.applications, or small_cnn, which is trained from scratch.",
        examples=["MobileNetV2", "EfficientNetV2B0", "ResNet50V2", "small_cnn"],
    )
    weights: str | None = Field(
        "imagenet",
        min_length=1,
        max_length=4096,
        description="imagenet, the path of a .weights.h5 file without the top, or null for a random start.",
    )
    options: dict[str, JsonValue] = Field(
        default_factory=dict, description="Further arguments of the network, such as {alpha: 0.35}."
    )
    image_size: list[Pixels] = Field(
        [160, 160],
        min_length=2,
        max_length=2,
        description="Height and width in pixels; the aspect is lost.",
    )
    pooled: bool = Field(False, description="One vector a picture in place of a grid of regions.")
    trainable_from: str | None = Field(
        None, max_length=200, description="Layer of the network from which on it is trained; null freezes it."
    )
    horizontal_flip: bool = Field(True, description="Train on mirrored pictures too.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields what the small CNN does not take."""
        if self.name != "small_cnn":
            return
        if self.weights == "imagenet":
            yield ("weights",), 'received "imagenet", but small_cnn has none; expected null or a file.'
        for key in ("options", "trainable_from"):
            if value := getattr(self, key):
                yield (key,), f"received {shown(value)}, but small_cnn is trained whole and has no options."

    @property
    def is_trained(self) -> bool:
        """Whether any of its weights change in training."""
        return self.name == "small_cnn" or self.trainable_from is not None


class ImageCaptioningModel(DecoderSettings):
    """A CNN, a layer over its regions, and a decoder that looks at them."""

    encoder: VisualEncoderSettings = Field(
        default_factory=VisualEncoderSettings, description="The CNN that turns pictures into features."
    )
    projection: int = Field(512, ge=1, le=16_384, description="Features of a region as the decoder sees it.")
    decoding: DecodingSettings = Field(
        default_factory=DecodingSettings, description="How the trained network writes."
    )


class ImageCaptioningSettings(TaskSettings):
    """A recipe for the image captioning task."""

    shape: ClassVar[str] = "one-to-many"
    summary: ClassVar[str] = "a picture in, a sentence about it out"

    task: Literal["image_captioning"] = Field("image_captioning", description="Name of the task.")
    data: ImageCaptionsData = Field(description="Where pictures with their captions come from.")
    model: ImageCaptioningModel = Field(default_factory=ImageCaptioningModel, description="The network.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields networks that no machine could hold."""
        yield from self.model.too_large(self.data.vocabulary_size)
