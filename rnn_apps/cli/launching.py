"""Starts the processes of one machine that train together, and ends them together."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import partial

import click

from rnn_apps.cli.wording import STARTED_AS
from rnn_apps.cluster import CPU, DEVICE, VARIABLE, Cluster, on_this_machine

INVALID_INPUT = 2  # exit code
_GRACE = 5  # seconds for the others to end after one has rejected its input
_STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)  # exit codes after a signal that all have received
_SHOWN = 2000  # last characters of the messages of a process that failed


def clusters_of(count):
    """Return the `Cluster` of each of `count` processes of this machine.

    With TF_CONFIG, they are the devices of one of its workers, and join those of the other machines.
    """
    cluster = Cluster.from_environment()
    return on_this_machine(count) if cluster is None else cluster.with_devices(count)


def launch(clusters, arguments, started_as, program=None, on_gpus=False):
    """Start ``rnn-apps run`` once per cluster, wait for all processes, and return the exit code.

    The first process writes to the terminal. If one fails, the others stop by themselves, or are stopped.
    Ctrl-C and SIGTERM reach all processes, which then stop after the same step.

    Args:
        clusters: list of `Cluster`, one per process.
        arguments: arguments of rnn-apps.
        started_as: what the user typed in place of ``run``, for advice on how to resume.
        program: command that starts rnn-apps.
        on_gpus: whether each process uses its own GPU, if there are any.
    """
    program, cores = program or [sys.executable, "-m", "rnn_apps"], _divide_cores(len(clusters))
    with ExitStack() as stack:
        logs = [stack.enter_context(tempfile.TemporaryFile()) for _ in clusters]
        processes = stack.enter_context(_together())
        for index, cluster in enumerate(clusters):
            variables = {
                VARIABLE: cluster.config(),
                DEVICE: str(index) if on_gpus else CPU,
                STARTED_AS: started_as,
            }
            streams = (subprocess.DEVNULL, logs[index]) if index else (sys.stdout, sys.stderr)
            options = {"env": os.environ | variables, "start_new_session": True}
            options["preexec_fn"] = _die_with_parent if os.name == "posix" else None
            options |= dict(zip(("stdout", "stderr"), streams))
            processes.append(subprocess.Popen([*program, *arguments], **options))
            if cores:
                os.sched_setaffinity(processes[-1].pid, cores[index])
        failed = _wait(processes, lambda index: _report(clusters[index], processes[index], logs[index]))
        code = processes[failed or 0].returncode
        return 128 - code if code < 0 else code


def _report(cluster, process, log):
    """Print why a process other than the first failed: the signal that ended it, or its last messages."""
    log.seek(0)
    reason = log.read().decode(errors="replace").strip()[-_SHOWN:]
    if process.returncode < 0:
        reason = f"ended by {signal.Signals(-process.returncode).name}"
    click.echo(f"Process {cluster.number}: {reason}", err=True)


@contextmanager
def _together():
    """Context manager with a list of processes, which receive all signals and are stopped at the end."""
    processes, previous = [], {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"):  # Windows has two of them
        number = getattr(signal, name, None)
        forwarded = signal.SIGINT if name == "SIGINT" else signal.SIGTERM
        if number is not None:
            previous[number] = signal.signal(number, partial(_forward, processes, forwarded))
    try:
        yield processes
    finally:
        _send(processes, signal.SIGKILL)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _wait(processes, report):
    """Wait for all processes; return the index of the first that failed, or None.

    While they train, processes notice by themselves that another one has failed. If one has rejected its
    input, the others may wait for it in vain and are stopped.

    Args:
        processes: list of processes.
        report: called with the index of the first process that failed, unless that is the first of all or
            all were stopped by a signal.
    """
    failed, deadline = None, None
    while True:
        is_running = any(process.poll() is None for process in processes)
        if failed is None:
            failed = next((i for i, process in enumerate(processes) if process.poll()), None)
            if failed and processes[failed].returncode not in (*_STOPPED, INVALID_INPUT):
                report(failed)
            if failed is not None and processes[failed].returncode == INVALID_INPUT:
                deadline = time.monotonic() + _GRACE
        if not is_running:
            break
        if deadline is not None and time.monotonic() > deadline:
            _send(processes, signal.SIGKILL)
        time.sleep(0.05)
    if failed and processes[failed].returncode == INVALID_INPUT != processes[0].returncode:
        report(failed)  # else the first process has said the same
    return failed


def _forward(processes, number, received, frame):
    _send(processes, number)


def _die_with_parent():
    """Let the kernel of Linux stop this process, as SIGTERM does, if its parent ends."""
    if sys.platform.startswith("linux"):
        prctl = getattr(ctypes.CDLL(None), "prctl", None)
        if prctl is not None:
            prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


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
