"""Runs the parts of a job in the workers of an Apache Beam pipeline."""

import importlib.util
import io
import logging
import shlex
from contextlib import contextmanager, redirect_stderr
from typing import NamedTuple

from rnn_apps.errors import Argument, RnnAppsError, UserError, nearest, shown
from rnn_apps.layers.compilation import num_cores

DIRECT = "DirectRunner"
MAX_WORKERS = 10_000
_DASHES = "--"


class BeamJob(NamedTuple):
    """The runner of a pipeline, and the number of its parts.

    Args:
        runner: name of a Beam runner, such as ``"DirectRunner"``, ``"FlinkRunner"``, ``"DataflowRunner"``.
        workers: number of parts, which run at the same time if the runner has as many workers.
        options: options of Beam as on a command line, such as ``["--flink_master=host:8081"]``.
    """

    runner: str
    workers: int
    options: list

    @classmethod
    def of(cls, runner, workers=None, options=None):
        """Return the checked job, or None without a runner.

        Args:
            runner: as of this class; None to run without Beam.
            workers: number of parts; None for the number of cores, which only DirectRunner knows.
            options: as of this class, or one text, which is split as by a shell.

        Raises:
            UserError: if Beam is not installed, or it lacks the runner or an option.
        """
        if runner is None:
            for name, value in (("workers", workers), ("beam_options", options)):
                if value is not None:
                    fix = Argument("Name it", f"runner={DIRECT}")
                    raise UserError(problem="applies only with a runner of Apache Beam", fix=fix, option=name)
            return None
        if importlib.util.find_spec("apache_beam") is None:
            problem, fix = "needs Apache Beam, which is not installed", "pip install 'rnn-apps[beam]'"
            raise UserError(problem=problem, fix=fix, option="runner")
        runner = DIRECT if str(runner).lower() in ("direct", "directrunner") else runner
        with _quiet():
            _check_runner(runner)
            if workers is None and runner == DIRECT:
                workers = num_cores()
            if workers is None:
                fix = Argument("Add it", "workers=16")
                raise UserError(problem=f"{runner} needs a number of workers", fix=fix, option="workers")
            if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MAX_WORKERS:
                expected = f"a whole number from 1 to {MAX_WORKERS:,}"
                raise UserError(received=shown(workers), expected=expected, option="workers")
            job = cls(runner, workers, _split(options))
            job._pipeline_options()
        return job

    def __str__(self):
        return f"{self.workers} worker{'s' if self.workers > 1 else ''} of {self.runner}"

    def _pipeline_options(self):
        """The `PipelineOptions`, after checking that Beam knows them all."""
        from apache_beam.options.pipeline_options import PipelineOptions

        said = io.StringIO()
        try:
            with redirect_stderr(said):
                options = PipelineOptions(self.options)
                known = options.get_all_options()
                given = options.get_all_options(retain_unknown_options=True)
        except SystemExit as error:
            problem = said.getvalue().strip().rpartition("error: ")[2]
            raise UserError(problem=problem, option="beam_options") from error
        for name in sorted({*given} - {*known}):
            close = nearest(name, known)
            fix = f'Did you mean "{close}"?' if close else "Leave it out."
            problem = f"{shown(name)} is not an option of Apache Beam"
            raise UserError(problem=problem, fix=fix, option="beam_options")
        added = {"default_sdk_harness_log_level": "ERROR"}
        if self.runner == DIRECT:
            mode = "in_memory" if self.workers == 1 else "multi_processing"
            added |= {"direct_num_workers": self.workers, "direct_running_mode": mode}
            added["allow_unsafe_triggers"] = True  # there are none; without this it downloads another runner
        chosen = {text.removeprefix(_DASHES).partition("=")[0] for text in self.options}
        return PipelineOptions(self.options, **{k: v for k, v in added.items() if k not in chosen})

    def run(self, build):
        """Run a pipeline to its end.

        Args:
            build: function from the collection of the numbers of all parts to the rest of the pipeline.

        Raises:
            RnnAppsError: if the pipeline fails.
        """
        import apache_beam as beam

        with _quiet():
            try:
                with beam.Pipeline(runner=self.runner, options=self._pipeline_options()) as pipeline:
                    build(pipeline | beam.Create(range(self.workers)) | beam.Reshuffle())
            except Exception as error:  # runners raise all kinds of errors
                *_, reason = str(error).strip().splitlines() or [type(error).__name__]
                text = f"The pipeline of {self.runner} failed: {reason[:300]}"
                raise RnnAppsError(f"{text}\nRun the same command again to continue.") from error


def _check_runner(name):
    """Raise UserError if Beam has no runner of this name, or it cannot be imported."""
    from apache_beam.options.pipeline_options import StandardOptions
    from apache_beam.runners.runner import create_runner

    try:
        create_runner(name)
    except ValueError as error:
        names = StandardOptions.KNOWN_RUNNER_NAMES
        close = nearest(name, names)
        fix = f'Did you mean "{close}"?' if close else None
        expected = f"one of {', '.join(names)}"
        raise UserError(received=shown(name), expected=expected, fix=fix, option="runner") from error
    except (ImportError, AttributeError) as error:
        problem = f"{shown(name)} is not available ({error})"
        raise UserError(problem=problem, fix="Install what it needs.", option="runner") from error


def _split(options):
    """The options of a list or a text as a list, each in one text."""
    try:
        listed = shlex.split(options) if isinstance(options, str) else list(map(str, options or ()))
    except ValueError as error:
        raise UserError(problem=f"cannot be split ({error})", option="beam_options") from error
    for text in listed:
        if not text.startswith(_DASHES) or text == _DASHES:
            expected = f"options such as {_DASHES}flink_master=host:8081"
            raise UserError(received=shown(text), expected=expected, option="beam_options")
    return listed


@contextmanager
def _quiet():
    """Context manager that keeps Beam from writing its log to standard error, except for errors."""
    root, beam = logging.getLogger(), logging.getLogger("apache_beam")
    handler, level = logging.NullHandler(), beam.level
    root.addHandler(handler)  # else Beam adds one that prints the messages of all packages
    beam.setLevel(logging.ERROR)
    try:
        yield
    finally:
        beam.setLevel(level)
        root.removeHandler(handler)
