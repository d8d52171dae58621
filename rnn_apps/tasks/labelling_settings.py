"""Settings of tasks that label every step of a sequence. Does not import TensorFlow."""

from collections.abc import Iterator

from pydantic import Field

from rnn_apps.settings import Fraction, SteppedTrainingSettings, TaskSettings
from rnn_apps.tasks.settings import RecurrentLayers


class LabellingModel(RecurrentLayers):
    """A stack of recurrent layers, and a classifier at every step."""

    bidirectional: bool = Field(True, description="Read in both directions; false can stream.")
    dropout: Fraction = Field(0.3, description="Dropout rate before and after the recurrent layers.")


class LabellingSettings(TaskSettings):
    """A recipe of a task that labels every step."""

    training: SteppedTrainingSettings = Field(
        default_factory=SteppedTrainingSettings, description="How to train."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields truncated backpropagation in a bidirectional network."""
        if self.training.tbptt is not None and self.model.bidirectional:
            fix = "Set model.bidirectional to false, or training.tbptt to null."
            yield (
                ("training", "tbptt"),
                f"received windows, but the network is bidirectional and needs whole sequences. {fix}",
            )
