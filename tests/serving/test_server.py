"""Tests the server as a process: answers over HTTP, refused starts, shutdown."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from rnn_apps.cli import call

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(finished):
    """A server of the finished run: (process, address)."""
    command = [sys.executable, "-m", "rnn_apps", "serve", finished.folder, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ)
    line = process.stdout.readline()
    address = line.rpartition(" ")[2].strip()
    base = address.partition("/v1/")[0]
    for _ in range(300):
        try:
            if httpx.get(f"{base}/readyz").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    yield process, address
    process.kill()


def test_it_answers_as_the_run_and_ends_after_what_is_in_flight(served, finished):
    process, address = served
    texts = ["Far from dull!", "", "A mess?"]
    answers = httpx.post(address, json={"instances": texts}).json()["predictions"]
    for answer, own in zip(answers, finished.predict(texts), strict=True):
        assert answer["label"] == own["label"]
        assert answer["score"] == pytest.approx(own["score"], abs=1e-5)
    host = httpx.URL(address)
    body = b'{"instances": ["a film"]}'
    head = f"POST {host.path} HTTP/1.1\r\nHost: {host.netloc.decode()}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host.host, host.port)) as half_sent:
        half_sent.sendall(head.encode() + body[:5])
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        half_sent.sendall(body[5:])
        answer = half_sent.recv(1000)
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
    assert process.wait(30) == 143


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "in RNN_APPS_TOKEN or with: --token TOKEN"),
        (["--name", "a/b"], 'received "a/b", expected letters'),
        (["--host", "256.1.1.1"], "can be reached from other machines"),
    ],
)
def test_a_start_that_is_not_safe_is_refused(arguments, message, finished, capsys, monkeypatch):
    monkeypatch.delenv("RNN_APPS_TOKEN", raising=False)
    assert call(["serve", str(finished.folder), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_and_a_folder_without_an_export_are_named(finished, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert call(["serve", str(finished.folder), "--port", str(port)]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
    assert call(["serve", str(tmp_path)]) == 2
    assert "contains no version" in capsys.readouterr().err
    assert call(["serve", str(tmp_path / "nowhere")]) == 2
    assert "nothing is exported there" in capsys.readouterr().err
