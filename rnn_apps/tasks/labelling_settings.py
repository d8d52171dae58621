"""Settings that tasks share which give every step of a sequence a label; no TensorFlow here."""

from collections.abc import Iterator

from pydantic import Field

from rnn_apps.settings import Fraction, SteppedTrainingSettings, TaskSettings
from rnn_apps.tasks.settings import RecurrentLevels


class LabellingModel(RecurrentLevels):
    """A stack of recurrent levels over what is seen of each step, and a classifier at every step."""

    bidirectional: bool = Field(True, description="Read from both ends; one that only looks back can stream.")
    dropout: Fraction = Field(0.3, description="Part dropped of what the levels read and of what they give.")


class LabellingSettings(TaskSettings):
    """A recipe of a task that gives every step a label."""

    training: SteppedTrainingSettings = Field(
        default_factory=SteppedTrainingSettings, description="How to train."
    )

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields windows for a network that reads from both ends."""
        if self.training.tbptt is not None and self.model.bidirectional:
            fix = "Set model.bidirectional to false, or training.tbptt to null."
            yield (
                ("training", "tbptt"),
                f"received windows, but the network reads from both ends and so needs whole sequences. {fix}",
            )
