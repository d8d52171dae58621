"""Input without end: what a network answers as it comes, in memory that does not grow."""

from abc import ABC, abstractmethod

from rnn_apps.errors import Setting, UserError


class Stream(ABC):
    """A network and the states that it has come to.

    Args:
        step: function of tensors, a chunk of one stream and the states, to a dict of tensors with the states
            after it as ``next_...``, in their order.
        states: list of tensors, those before the first step.

    Attributes:
        cuts_at_blanks: whether a line may come in pieces, cut at blanks.
        reads_paths: whether a line is the path of what is to be read.
    """

    cuts_at_blanks = reads_paths = False

    def __init__(self, step, states):
        self._step, self._states = step, list(states)

    @abstractmethod
    def feed(self, lines):
        """Read further lines.

        Args:
            lines: list of str without their ends, any number.

        Returns:
            The answers (dicts), one for every step in the lines, as an iterable.
        """

    @abstractmethod
    def line(self, answer):
        """Return what the command line prints of an answer."""

    def read(self, *chunk):
        """Take a chunk of steps, keep the states after it, and return what is answered, as NumPy arrays."""
        answer = self._step(*chunk, *self._states)
        after = [name for name in answer if name.startswith("next_")]
        self._states = [answer[name] for name in sorted(after, key=_place)]
        return {name: value.numpy()[0] for name, value in answer.items() if name not in after}


def _place(name):
    """Where a state stands among the arguments: what has no number comes first."""
    number = name.rpartition("_")[2]
    return int(number) if number.isdecimal() else -1


def looks_ahead(key="model.bidirectional"):
    """Return the error of a network that has to see the end before it answers the beginning."""
    problem = "this network reads from both ends, so it needs the whole input"
    fix = Setting("Train one that only looks back", f"{key}=false")
    return UserError(problem=problem, fix=fix, option="stream")
