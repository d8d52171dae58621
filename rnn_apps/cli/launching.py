"""Starts the processes of one machine that train together, and ends them together."""

import os
import signal
import subprocess
import sys
import tempfile
import time

import click

from rnn_apps.cli.wording import STARTED_AS
from rnn_apps.cluster import DEVICE, VARIABLE, Cluster, on_this_machine

_GRACE = {2: 5}  # seconds for the other processes to end, by the exit code of the first that failed
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
    logs = [tempfile.TemporaryFile() for _ in clusters]
    processes = []
    forwarded = dict.fromkeys((signal.SIGINT, signal.SIGTERM), signal.SIG_DFL)
    for number in forwarded:
        forwarded[number] = signal.signal(number, lambda received, frame: _send(processes, received))
    try:
        for index, cluster in enumerate(clusters):
            variables = {VARIABLE: cluster.config(), DEVICE: str(index), STARTED_AS: started_as}
            streams = {"stdout": sys.stdout, "stderr": sys.stderr}
            if index:
                streams = {"stdout": subprocess.DEVNULL, "stderr": logs[index]}
            process = subprocess.Popen(
                [*program, *arguments], env=os.environ | variables, start_new_session=True, **streams
            )
            processes.append(process)
            if cores:
                os.sched_setaffinity(process.pid, cores[index])
        failed = _wait(processes)
        if failed:
            log = logs[failed]
            log.seek(0)
            reason = log.read().decode(errors="replace").strip()[-_SHOWN:]
            if processes[failed].returncode < 0:
                reason = f"ended by {signal.Signals(-processes[failed].returncode).name}"
            click.echo(f"Process {clusters[failed].number}: {reason}", err=True)
        first = processes[failed or 0].returncode
        return 128 - first if first < 0 else first
    finally:
        _send(processes, signal.SIGKILL)
        for number, handler in forwarded.items():
            signal.signal(number, handler)


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
