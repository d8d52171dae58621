"""Saves checkpoints during training and restores from them."""

import time

from rnn_apps.checkpoint import Checkpoint
from rnn_apps.errors import UserError, shown


class Checkpointer:
    """Saves checkpoints of a training when they are due.

    Args:
        checkpoints: `Checkpoints`, locked.
        every: `CheckpointSettings`.

    Attributes:
        resumes: number of times that this training was resumed.
        seconds: training time before this process.
    """

    def __init__(self, checkpoints, every):
        self._checkpoints, self._every = checkpoints, every
        self.resumes, self.seconds = 0, 0.0
        self._start = self._last = time.monotonic()

    def restore(self, trainer):
        """Restore a trainer from the newest checkpoint; return whether there is one.

        Raises:
            UserError: if all checkpoints are damaged, or they are of another network.
        """
        newest = self._checkpoints.newest()
        if newest is None:
            return False
        facts = newest.facts
        try:
            trainer.restore(facts["progress"], newest.state, newest.best)
        except ValueError as error:
            fix = "Resume with the original recipe, or run this one in another folder."
            raise UserError(
                str(self._checkpoints.folder), f"of another network ({error})", fix=fix
            ) from error
        self.resumes, self.seconds = facts["resumes"] + 1, facts["seconds"]
        return True

    def __call__(self, trainer, required):
        """Save a checkpoint if it is required or due."""
        if required or self._is_due(trainer.step):
            facts = {
                "progress": trainer.progress(),
                "resumes": self.resumes,
                "seconds": self.seconds + time.monotonic() - self._start,
            }
            self._checkpoints.save(Checkpoint(trainer.step, facts, trainer.arrays(), trainer.best_weights))
            self._last = time.monotonic()

    def _is_due(self, step):
        steps, minutes = self._every.steps, self._every.minutes
        by_time = minutes is not None and time.monotonic() - self._last >= 60 * minutes
        return by_time or (steps is not None and step % steps == 0)


def check_unchanged(where, what, before, now, fix):
    """Check that recipe or data have not changed since the run was started.

    Args:
        where: path of the run.
        what: "the recipe" or "the data".
        before, now: dicts of dotted paths to values.
        fix: `fix` of the error.

    Raises:
        UserError: if there are differences, with all of them.
    """
    missing = object()
    paths = [p for p in {**before, **now} if before.get(p, missing) != now.get(p, missing)]
    if paths:
        lines = [f"{path} was {shown(before.get(path))}, is {shown(now.get(path))}" for path in paths]
        raise UserError(where, f"{what} has changed: {'; '.join(lines)}", fix=fix)
