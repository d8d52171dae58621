"""Progress of a run on a terminal."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

STARTING = "preparing the first steps"


class Progress:
    """Prints lines and, on a terminal, a progress bar with remaining time, loss and metrics.

    Args:
        console: a rich `Console`; standard output by default.
    """

    def __init__(self, console=None):
        self._console = console or Console(highlight=False)
        self._bar, self._task = None, None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def log(self, text):
        """Print one line, above the bar if there is one; on a terminal, long lines wrap between words."""
        self._console.print(text, markup=False, soft_wrap=not self._console.is_terminal)

    def step(self, step, total, logs):
        """Move the bar to this training step; step 0 is before the first one."""
        if not self._console.is_terminal:
            return
        if self._bar is None:
            columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, TextColumn("{task.description}"), console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("", total=total)
        text = "  ".join(f"{name} {value:.4f}" for name, value in logs.items()) if step else STARTING
        self._bar.update(self._task, completed=step, description=text)

    def close(self):
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
