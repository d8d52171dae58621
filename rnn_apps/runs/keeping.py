"""A training written down while it runs, and taken up again where it was."""

import time

from rnn_apps.checkpoint import Checkpoint
from rnn_apps.errors import UserError, shown


class Keeper:
    """Writes checkpoints of a training when they are due.

    Args:
        checkpoints: `Checkpoints`, locked.
        every: `CheckpointSettings`.

    Attributes:
        resumes: how often this training was taken up.
        seconds: that it took before this process.
    """

    def __init__(self, checkpoints, every):
        self._checkpoints, self._every = checkpoints, every
        self.resumes, self.seconds = 0, 0.0
        self._start = self._last = time.monotonic()

    def restore(self, trainer):
        """Let a trainer go on from the newest checkpoint; whether there is one.

        Raises:
            UserError: all are damaged, or they are of another network.
        """
        newest = self._checkpoints.newest()
        if newest is None:
            return False
        facts = newest.facts
        try:
            trainer.restore(facts["position"], newest.state, newest.best)
        except ValueError as error:
            fix = "Go on with the recipe as it was, or run this one in another folder."
            raise UserError(
                str(self._checkpoints.folder), f"of another network ({error})", fix=fix
            ) from error
        self.resumes, self.seconds = facts["resumes"] + 1, facts["seconds"]
        return True

    def __call__(self, trainer, needed):
        """Write a checkpoint if it is needed or due."""
        if needed or self._is_due(trainer.step):
            facts = {
                "position": trainer.position(),
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
    """Refuse to resume with another recipe or other data than the run began with.

    Args:
        where: path of the run.
        what: what has changed: "the recipe" or "the data".
        before, now: dotted path to value.
        fix: what the user can do.

    Raises:
        UserError: with every difference.
    """
    missing = object()
    paths = [p for p in {**before, **now} if before.get(p, missing) != now.get(p, missing)]
    if paths:
        lines = [f"{path} was {shown(before.get(path))}, is {shown(now.get(path))}" for path in paths]
        raise UserError(where, f"{what} has changed since: {'; '.join(lines)}", fix=fix)
