"""Signals that stop a training after a step, and the exceptions of trainings that stopped."""

import signal
from contextlib import contextmanager

from rnn_apps.errors import RnnAppsError, Wording

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(RnnAppsError):
    """A training that stopped before its end.

    Args:
        reason: why.
        fix: how to resume the run, a `rnn_apps.errors.Fix`, or None.
    """

    def __init__(self, reason, fix=None):
        super().__init__(reason)
        self.fix = fix

    def __str__(self):
        return self.text(Wording())

    def text(self, wording):
        """Return the message in a given wording."""
        return self.args[0] if self.fix is None else f"{self.args[0]}. {wording.fix(self.fix)}"


class Interrupted(Stopped):
    """A signal stopped the run; its progress is saved.

    Args:
        signal_number: SIGINT or SIGTERM.
        fix: as in `Stopped`.
    """

    def __init__(self, signal_number, fix=None):
        super().__init__(f"stopped by {signal.Signals(signal_number).name}", fix)
        self.signal_number = signal_number


class StopSignal:
    """Notes SIGINT and SIGTERM, so that a run can stop after the current step.

    Attributes:
        number: the signal that was received, or None.
        stops_at_once: whether a signal raises `Interrupted` in place of being noted only.
    """

    def __init__(self):
        self.number, self.stops_at_once = None, False

    @contextmanager
    def raising(self):
        """Context manager in which a signal raises `Interrupted` at once, also one that was noted before."""
        self.stops_at_once = True
        try:
            if self.number:
                raise Interrupted(self.number)
            yield
        finally:
            self.stops_at_once = False

    @contextmanager
    def noting(self):
        """Context manager that handles signals; a second signal stops the process at once.

        Outside the main thread signals are not ours.
        """

        def note(number, frame):
            if self.number:
                raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
            self.number = number
            if self.stops_at_once:
                raise Interrupted(number)

        try:
            previous = {n: signal.signal(n, note) for n in STOP_SIGNALS}
        except ValueError:  # not the main thread
            previous = {}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
