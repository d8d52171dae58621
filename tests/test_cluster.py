"""TF_CONFIG is read strictly, and the processes of one machine are started and stopped together."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from rnn_apps.cli.launching import clusters_of, launch
from rnn_apps.cli.main import call
from rnn_apps.cluster import VARIABLE, Cluster, on_this_machine
from rnn_apps.errors import UserError

TASK = {"type": "worker", "index": 1}
TWO = {"worker": ["a:2222", "b:2222"]}


def config(cluster=TWO, task=TASK):
    return json.dumps({"cluster": cluster, "task": task})


@pytest.mark.parametrize(
    ("cluster", "task", "addresses", "number"),
    [
        (TWO, TASK, ("a:2222", "b:2222"), 1),
        (TWO, {"type": "worker", "index": "0"}, ("a:2222", "b:2222"), 0),
        ({"worker": ["b:1"], "chief": ["a:1"]}, {"type": "worker", "index": 0}, ("a:1", "b:1"), 1),
        ({"worker": ["b:1"], "chief": ["a:1"]}, {"type": "chief", "index": 0}, ("a:1", "b:1"), 0),
    ],
)
def test_workers_are_numbered_from_the_chief(cluster, task, addresses, number):
    found = Cluster.parse(config(cluster, task))
    assert found == (addresses, number)
    assert Cluster.parse(found.config()) == found


@pytest.mark.parametrize(
    "text", ["", "  ", "{}", config({"worker": ["a:1"]}, {"type": "worker", "index": 0})]
)
def test_one_process_is_no_cluster(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    assert Cluster.from_environment() is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", 'TF_CONFIG: received "{" (Expecting property name'),
        ("[" * 100_000, "TF_CONFIG: received"),
        ("[1]", "TF_CONFIG: received [1], expected a JSON object such as"),
        (" " * 2**21 + "1", "expected at most 1,048,576 characters"),
        (config(["a:1"]), 'TF_CONFIG, cluster: received ["a:1"], expected an object of roles'),
        (config({"ps": ["a:1"]}), 'TF_CONFIG, cluster, role: received "ps", expected chief and worker'),
        (config({"worker": "a:1"}), 'TF_CONFIG, cluster, worker: received "a:1", expected a list'),
        (
            config({"chief": ["a:1", "b:1"]}),
            'TF_CONFIG, cluster, chief: received "2 addresses", expected one',
        ),
        (config({"worker": ["a", "b:1"]}), 'TF_CONFIG, cluster: received "a", expected "host:port"'),
        (config({"worker": ["a:0", "b:1"]}), 'received "a:0", expected "host:port"'),
        (config({"worker": ["a:65536", "b:1"]}), 'received "a:65536", expected "host:port"'),
        (config({"worker": ["a b:1", "b:1"]}), 'received "a b:1", expected "host:port"'),
        (config({"worker": [1, "b:1"]}), 'received 1, expected "host:port"'),
        (config({"worker": ["a:1", "a:1"]}), 'received "a:1", expected each address once'),
        (config({"worker": [f"a:{n}" for n in range(1, 5000)]}), "expected at most 4096 addresses"),
        (config(task=None), "TF_CONFIG, task: received null, expected an object"),
        (
            config(task={"type": "chief", "index": 0}),
            'TF_CONFIG, task, type: received "chief", expected worker',
        ),
        (config(task={"type": "worker", "index": 2}), "TF_CONFIG, task, index: received 2, expected 0 to 1"),
        (
            config(task={"type": "worker", "index": -1}),
            "TF_CONFIG, task, index: received -1, expected 0 to 1",
        ),
        (config(task={"type": ["worker"], "index": 0}), 'TF_CONFIG, task, type: received ["worker"]'),
        (config(task={"type": "worker", "index": "9" * 5000}), "TF_CONFIG, task, index: received"),
        (config({"worker": ["a\0:1", "b:1"]}), 'expected "host:port"'),
        (config(task={"type": "worker", "index": True}), "TF_CONFIG, task, index: received true"),
    ],
    ids=range(23),
)
def test_an_invalid_cluster_is_rejected_in_one_line(text, message):
    with pytest.raises(UserError) as caught:
        Cluster.parse(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_port_that_another_program_uses_is_named():
    with socket.socket() as listener:
        listener.bind(("", 0))
        listener.listen()
        port = listener.getsockname()[1]
        cluster = Cluster((f"127.0.0.1:{port}", "b:1"), 0)
        with pytest.raises(UserError, match=f"TF_CONFIG: port {port} of 127.0.0.1:{port} cannot be used"):
            cluster.check_port()


def test_each_device_of_a_machine_gets_a_port(monkeypatch):
    monkeypatch.setenv(VARIABLE, config())
    addresses = ("a:2222", "a:2223", "b:2222", "b:2223")
    assert clusters_of(2) == [Cluster(addresses, 2), Cluster(addresses, 3)]
    monkeypatch.setenv(VARIABLE, config({"worker": ["a:1", "a:2"]}))
    with pytest.raises(UserError, match="expected 2 free ports from each address on"):
        clusters_of(2)


def test_processes_of_one_machine_get_different_ports(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    first, second, third = clusters_of(3)
    assert [first.number, second.number, third.number] == [0, 1, 2]
    assert first.addresses == second.addresses == third.addresses
    assert len(set(first.addresses)) == 3


def program(text):
    """A command that stands for rnn-apps: Python code that knows its number."""
    number = (
        f"import json, os, signal, sys, time; n = json.loads(os.environ['{VARIABLE}'])['task']['index']; "
    )
    return [sys.executable, "-c", number + text]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", 0, ""),
        ("sys.exit(0 if n else 3)", 3, ""),
        ("sys.exit('no data' if n else 0)", 1, "Process 1: no data\n"),
        ("os.kill(os.getpid(), 9) if n else time.sleep(2)", 137, "Process 1: ended by SIGKILL\n"),
        ("sys.exit(2) if n else time.sleep(60)", 2, "Process 1: \n"),
        ("sys.exit(2)", 2, ""),
    ],
)
def test_the_first_failure_decides_the_exit_code(monkeypatch, capfd, text, code, message):
    monkeypatch.setattr("rnn_apps.cli.launching._GRACE", 0.1)
    assert launch(on_this_machine(2), [], "workers", program(text)) == code
    assert capfd.readouterr().err == message


def test_the_exit_code_is_that_of_the_command(monkeypatch, capfd):
    monkeypatch.setattr("rnn_apps.cli.launching.launch", lambda *arguments: 7)
    assert call(["workers", "imdb", "--workers", "2"]) == 7
    assert call(["run", "imdb", "--devices", "2"]) == 7


def test_devices_are_no_argument_of_the_processes(monkeypatch):
    started = []
    monkeypatch.setattr("rnn_apps.cli.launching.launch", lambda *arguments: started.append(arguments) or 0)
    monkeypatch.delenv(VARIABLE, raising=False)
    call(["run", "imdb", "--devices", "3", "--set", "seed=2"], program=["python", "own.py"])
    call(["run", "--devices=2", "--resume", "r"])
    call(["workers", "--workers", "2", "imdb", "--seeds", "1,2", "--force"])
    assert [(len(clusters), *others) for clusters, *others in started] == [
        (3, ["run", "imdb", "--set", "seed=2"], "run --devices 3", ["python", "own.py"], True),
        (2, ["run", "--resume", "r"], "run --devices 2", None, True),
        (2, ["run", "imdb", "--seeds", "1,2", "--force"], "workers --workers 2", None, False),
    ]


@pytest.mark.parametrize("option", ["--devices=2", "--slurm"])
def test_processes_start_no_others(capsys, option):
    assert call(["workers", "imdb", "--workers", "2", option]) == 2
    assert f"{option.partition('=')[0]}: cannot be combined with --workers." in capsys.readouterr().err


def test_a_signal_reaches_every_process(tmp_path):
    wait = (
        f"signal.signal(15, lambda *_: sys.exit(n + 40)); open(r'{tmp_path}/' + str(n), 'w'); time.sleep(60)"
    )
    started = f"""
from rnn_apps.cli.launching import launch
from rnn_apps.cluster import on_this_machine
raise SystemExit(launch(on_this_machine(2), [], "workers", {program(wait)!r}))
"""
    launcher = subprocess.Popen([sys.executable, "-c", started], env=os.environ, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(30) in (40, 41)
