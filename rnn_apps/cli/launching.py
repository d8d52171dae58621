"""Starts the processes of one machine that train together, and ends them together."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager

import click

from rnn_apps.cli.wording import STARTED_AS
from rnn_apps.cluster import DEVICE, VARIABLE, Cluster, on_this_machine

INVALID_INPUT = 2  # exit code
_GRACE = {INVALID_INPUT: 5}  # seconds for the others to end, by the exit code of the first that failed
_LONGEST_GRACE = 30
_SHOWN = 2000  # last characters of the messages of a process that failed


def clusters_of(count):
    """Return the `Cluster` of each of `count` processes of this machine.

    With TF_CONFIG, they are the devices of one of its workers, and join those of the other machines.
    """
    cluster = Cluster.from_environment()
    return on_this_machine(count) if cluster is None else cluster.with_devices(count)


def launch(clusters, arguments, started_as, program=None):
    """Start ``rnn-apps run`` once per cluster, wait for all processes, and return the exit code.

    The first process writes to the terminal. If one fails, the others stop by themselves, or are stopped.
    Ctrl-C and SIGTERM reach all processes, which then stop after the same step.

    Args:
        clusters: list of `Cluster`, one per process.
        arguments: arguments of rnn-apps.
        started_as: what the user typed in place of ``run``, for advice on how to resume.
        program: command that starts rnn-apps.
    """
    program, cores = program or [sys.executable, "-m", "rnn_apps"], _divide_cores(len(clusters))
    with ExitStack() as stack:
        logs = [stack.enter_context(tempfile.TemporaryFile()) for _ in clusters]
        processes = stack.enter_context(_together())
        for index, cluster in enumerate(clusters):
            variables = {VARIABLE: cluster.config(), DEVICE: str(index), STARTED_AS: started_as}
            streams = (subprocess.DEVNULL, logs[index]) if index else (sys.stdout, sys.stderr)
            options = {"env": os.environ | variables, "start_new_session": True}
            options |= dict(zip(("stdout", "stderr"), streams))
            processes.append(subprocess.Popen([*program, *arguments], **options))
            if cores:
                os.sched_setaffinity(processes[-1].pid, cores[index])
        failed = _wait(processes)
        codes = [process.returncode for process in processes]
        if failed and not codes[0] == codes[failed] == INVALID_INPUT:  # the first has said the same
            reason = _reason(processes[failed], logs[failed])
            click.echo(f"Process {clusters[failed].number}: {reason}", err=True)
        code = codes[failed or 0]
        return 128 - code if code < 0 else code


@contextmanager
def _together():
    """Context manager with a list of processes, which receive all signals and are stopped at the end."""
    processes, numbers = [], (signal.SIGINT, signal.SIGTERM)
    previous = {n: signal.signal(n, lambda received, frame: _send(processes, received)) for n in numbers}
    try:
        yield processes
    finally:
        _send(processes, signal.SIGKILL)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _reason(process, log):
    """Why a process failed: the signal that ended it, or its last messages."""
    if process.returncode < 0:
        return f"ended by {signal.Signals(-process.returncode).name}"
    log.seek(0)
    return log.read().decode(errors="replace").strip()[-_SHOWN:]


def _wait(processes):
    """Wait for all processes; return the index of the first that failed, or None."""
    failed, deadline = None, None
    while any(process.poll() is None for process in processes):
        if failed is None:
            failed = next((i for i, process in enumerate(processes) if process.poll()), None)
            if failed is not None:
                grace = _GRACE.get(processes[failed].returncode, _LONGEST_GRACE)
                deadline = time.monotonic() + grace
        if deadline is not None and time.monotonic() > deadline:
            _send(processes, signal.SIGKILL)
        time.sleep(0.05)
    if failed is None:
        failed = next((i for i, process in enumerate(processes) if process.returncode), None)
    return failed


def _send(processes, number):
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _divide_cores(count):
    """The cores of each process: parts of those of this process, or a single one if there are fewer."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < count:
        return [{cores[index % len(cores)]} for index in range(count)]
    return [set(cores[len(cores) * i // count : len(cores) * (i + 1) // count]) for i in range(count)]
