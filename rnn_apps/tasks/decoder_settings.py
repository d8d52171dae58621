"""Settings that tasks share whose answer is a text; no TensorFlow here."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from rnn_apps.settings import Fraction, Settings
from rnn_apps.tasks.settings import RecurrentLevels, Units, recurrent_weights, too_many_weights


class DecodingSettings(Settings):
    """How the trained network writes: beam search, unless it is asked for something else."""

    beam: int = Field(5, ge=1, le=100, description="Beginnings kept by beam search; 1 is greedy.")
    length_penalty: float = Field(
        0.7, ge=0, le=10, description="Exponent of the length penalty; 0 prefers short texts."
    )
    max_length: int = Field(30, ge=1, le=10_000, description="Tokens written at most.")


class RecurrentSettings(RecurrentLevels):
    """A recurrent network that guesses the next token."""

    embedding: int = Field(256, ge=1, le=4096, description="Numbers a token.")
    units: Units = [512]
    tied: bool = Field(False, description="Embedding and output share one matrix.")
    dropout: Fraction = Field(0.3, description="Part dropped of embedded tokens and before the output.")

    def too_large(self, vocabulary_size: int, before: int = 0) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields networks that no machine could hold; `before` are the recurrent weights of an encoder."""
        recurrent = before + recurrent_weights(self.cell, self.units, self.embedding)
        yield from too_many_weights(vocabulary_size * (self.embedding + self.units[-1]), recurrent)


class DecoderSettings(RecurrentSettings):
    """A recurrent network that writes about what it was given."""

    attention: Literal["dot", "additive"] | None = Field(
        "additive", description="How it looks at what it was given; null sees the summary at the start alone."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections between levels of different sizes, and where none could be."""
        yield from super().cross_checks()
        between = len(self.units) > 2 or self.embedding == self.units[0] or not self.attention
        if self.residual and len(set(self.units)) == 1 and not between:
            expected = "expected three levels or more, for what was seen enters the second"
            yield ("residual",), f"received true with attention and {len(self.units)} levels, {expected}."
