"""Settings that tasks share which give every step of a sequence a label; no TensorFlow here."""

from collections.abc import Iterator

from pydantic import Field

from rnn_apps.settings import Fraction, Settings, SteppedTrainingSettings, TaskSettings
from rnn_apps.tasks.settings import CellName, Units

__all__ = ["LabellingModel", "LabellingSettings"]


class LabellingModel(Settings):
    """A stack of recurrent levels over what is seen of each step, and a classifier at every step."""

    cell: CellName = "gru"
    units: Units = [128]
    bidirectional: bool = Field(True, description="Read from both ends; one that only looks back can stream.")
    residual: bool = Field(False, description="Add each level's input to its output.")
    dropout: Fraction = Field(0.3, description="Part dropped of what the levels read and of what they give.")
    level_dropout: Fraction = Field(
        0.0, description="Part of the features dropped from the input of every level."
    )
    recurrent_dropout: Fraction = Field(0.0, description="Part of the state dropped from step to step.")

    def cross_checks(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yields residual connections between levels of different sizes."""
        if self.residual and len(set(self.units)) > 1:
            yield ("residual",), f"received true, but units are {self.units}; expected levels of one size."


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
