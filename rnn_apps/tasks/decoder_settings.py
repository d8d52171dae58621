"""Settings of tasks that generate text. Does not import TensorFlow."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from rnn_apps.settings import Fraction, Settings
from rnn_apps.tasks.settings import RecurrentLayers, Units, recurrent_weights, too_many_weights


class DecodingSettings(Settings):
    """Beam search settings of the trained network."""

    beam: int = Field(5, ge=1, le=100, description="Beam width; 1 is greedy search.")
    length_penalty: float = Field(
        0.7, ge=0, le=10, description="Exponent of the length penalty; 0 favours short texts."
    )
    max_length: int = Field(30, ge=1, le=10_000, description="Maximum number of generated tokens.")


class RecurrentSettings(RecurrentLayers):
    """A recurrent network that predicts the next token."""

    embedding: int = Field(256, ge=1, le=4096, description="Embedding dimension of tokens.")
    units: Units = [512]
    tied: bool = Field(False, description="Share one matrix between embedding and output (weight tying).")
    dropout: Fraction = Field(0.3, description="Dropout rate of the embedded tokens and before the output.")

    def too_large(self, vocabulary_size: int, before: int = 0) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields a conflict if the network is too large; `before`: recurrent weights of an encoder."""
        recurrent = before + recurrent_weights(self.cell, self.units, self.embedding)
        yield from too_many_weights(vocabulary_size * (self.embedding + self.units[-1]), recurrent)


class DecoderSettings(RecurrentSettings):
    """A recurrent decoder that generates text from encoded inputs."""

    attention: Literal["dot", "additive"] | None = Field(
        "additive",
        description="Attention over the encoded input; null: only the initial state depends on it.",
    )
    decoding: DecodingSettings = Field(
        default_factory=DecodingSettings, description="How the trained network generates text."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections that the sizes or the number of layers do not allow."""
        yield from super().cross_checks()
        between = len(self.units) > 2 or self.embedding == self.units[0] or not self.attention
        if self.residual and len(set(self.units)) == 1 and not between:
            expected = "expected at least three layers, because the attention enters the second"
            yield ("residual",), f"received true with attention and {len(self.units)} layers, {expected}."
