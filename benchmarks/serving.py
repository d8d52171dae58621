"""Requests a second of `rnn-apps serve`, each answer checked, next to its peers.

    python benchmarks/serving.py --run RUN [--before TREE EXPORT] [--rounds 3]
    python benchmarks/serving.py --run RUN --requests 25000 --connections 16 16 16 16

RUN is a finished sentiment run; its test texts are the requests. An asyncio client on the loopback keeps 1,
16 and 256 connections busy, or as many as are named; every answer is compared with the one that the
SavedModel gives directly. The peers, which take turns with it: the server of an earlier commit, checked out
in TREE, with the SavedModel in EXPORT that this commit wrote; and a network of torch with the same shape
behind a plain FastAPI function, if torch is installed. The resident memory of the server is read before and
after.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import httpx
import numpy as np
import tensorflow as tf
from peers import table

NUM_TEXTS = 500
CONNECTIONS = (1, 16, 256)


def resident(process):
    """Megabytes of memory that a process holds."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def ask(reader, writer, path, host, text):
    """One request over a connection that stays open: status and body."""
    body = json.dumps({"instances": [text]}).encode()
    kind = "Content-Type: application/json"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return int(answer[9:12]), await reader.readexactly(int(length.split(b":")[1]))


async def load(address, connections, requests, texts, expected=None):
    """Latencies in seconds, the statuses besides 200, and wrong answers."""
    latencies, others, wrong, numbers = [], {}, 0, iter(range(requests))
    url = urlsplit(address)

    async def work():
        nonlocal wrong
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        for number in numbers:
            index = number % len(texts)
            start = time.perf_counter()
            status, body = await ask(reader, writer, url.path, url.netloc, texts[index])
            if status != 200:
                others[status] = others.get(status, 0) + 1
                await asyncio.sleep(0.1)
                continue
            latencies.append(time.perf_counter() - start)
            if expected is not None:
                found = json.loads(body)["predictions"][0]["probabilities"]
                wrong += not np.allclose(found, expected[index], atol=1e-4)
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return latencies, others, wrong


def directly(signature, texts):
    """Seconds a call of the SavedModel with one text, and with 64."""
    times = {}
    for size in (1, 64):
        batches = [tf.constant(texts[i : i + size]) for i in range(0, 100)]
        signature(text=batches[0])
        start = time.perf_counter()
        for batch in batches[:50]:
            signature(text=batch)
        times[size] = (time.perf_counter() - start) / 50
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True)
    parser.add_argument("--before", nargs=2, metavar=("TREE", "EXPORT"))
    parser.add_argument("--requests", type=int, default=2000, help="at each number of connections")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--torch-port", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.torch_port:
        return serve_torch(arguments.run, arguments.torch_port)
    with open(Path(arguments.run) / "predictions.jsonl", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line, _ in zip(lines, range(NUM_TEXTS))]
    signature = tf.saved_model.load(str(Path(arguments.run) / "export" / "1")).signatures["serving_default"]
    expected = signature(text=tf.constant(texts))["probabilities"].numpy()
    for size, seconds in directly(signature, texts).items():
        print(f"SavedModel directly, {size} a call: {size / seconds:.0f} a second, {1000 * seconds:.1f} ms")
    servers, rows = {"rnn-apps serve": (None, arguments.run, expected)}, {}
    if arguments.before:
        servers["before"] = (*arguments.before, expected)
    if importlib.util.find_spec("torch"):
        servers["torch"] = (None, arguments.run, None)
    for _ in range(arguments.rounds):
        for name, (tree, model, answers) in servers.items():
            with serving(name, tree, model) as (server, address):
                for key, row in measure(server, address, arguments, texts, answers).items():
                    rows.setdefault((key[0], name, key[1]), []).append(row)
    head = ["connections", "server", "answers a second", "p50, ms", "p99, ms", "wrong", "refused", "MB"]
    print(table(head, [[key[0], key[1], *shown(rounds)] for key, rounds in sorted(rows.items())]))


def shown(rounds):
    """The median of every column over the rounds."""
    return [
        f"{np.median(column):.{1 if index in (1, 2) else 0}f}" for index, column in enumerate(zip(*rounds))
    ]


@contextmanager
def serving(name, tree, model):
    """Start a server, and give its process and its address once it is ready."""
    environment = {**os.environ, **({"PYTHONPATH": str(Path(tree).resolve())} if tree else {})}
    command = [sys.executable, "-m", "rnn_apps", "serve", model, "--port", "0"]
    if name == "torch":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, __file__, "--run", model, "--torch-port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        if name == "torch":
            address = f"http://127.0.0.1:{port}/v1/models/torch:predict"
        else:
            address = server.stdout.readline().split()[-1]
        while True:
            try:
                httpx.get(address.partition("/v1/")[0] + "/readyz").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield server, address
        server.terminate()


def measure(server, address, arguments, texts, expected):
    """(connections, repetition) to a row of numbers."""
    asyncio.run(load(address, 4, 200, texts, expected))
    rows = {}
    for repetition, connections in enumerate(arguments.connections):
        start, run = time.perf_counter(), load(address, connections, arguments.requests, texts, expected)
        latencies, others, wrong = asyncio.run(run)
        refused = sum(others.values())
        rate = (arguments.requests - refused) / (time.perf_counter() - start)
        percentiles = np.percentile(latencies, (50, 99)) * 1000
        rows[connections, repetition] = [rate, *percentiles, wrong, refused, resident(server)]
    return rows


def serve_torch(run, port):
    """What one would write without rnn-apps: a network of the same shape in torch, and a FastAPI function."""
    import torch
    import uvicorn
    from fastapi import FastAPI

    from rnn_apps.export.client import tokens_of
    from rnn_apps.runs import open_run

    opened = open_run(run)
    (kernel, *_), model = opened.model.weights, opened.recipe.model
    cls = {"vanilla": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[model.cell]
    embedding = torch.nn.Embedding(*kernel.shape)
    layer = cls(kernel.shape[1], model.units[0], batch_first=True, bidirectional=model.bidirectional)
    dense = torch.nn.Linear(2 * model.units[0] * (1 + model.bidirectional), 2)
    vocabulary = {f"word {number}": number for number in range(kernel.shape[0])}
    application = FastAPI()

    @application.get("/readyz")
    def ready():
        return {}

    @application.post("/v1/models/torch:predict")
    def predict(body: dict):
        tokens = tokens_of(body["instances"][0], "word")[: opened.recipe.data.max_length]
        numbers = torch.tensor([[vocabulary.get(token, 1) for token in tokens]])
        with torch.inference_mode():
            outputs, _ = layer(embedding(numbers))
            pooled = torch.cat([outputs.mean(1), outputs.amax(1)], -1)
            return {"predictions": [{"probabilities": torch.softmax(dense(pooled), -1)[0].tolist()}]}

    uvicorn.run(application, port=port, log_level="error")


if __name__ == "__main__":
    main()
