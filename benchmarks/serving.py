"""Requests a second of `rnn-apps serve`, each answer checked, beside the SavedModel called directly.

    python benchmarks/serving.py --run RUN
    python benchmarks/serving.py --run RUN --requests 25000 --connections 16 16 16 16

RUN is a finished sentiment run. An asyncio client on the loopback keeps 1, 16 and 256 connections busy, or as
many as are named, with texts that differ; every answer is held against the one that the SavedModel gives
directly. The resident memory of the server is read before and after.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import httpx
import numpy as np
import tensorflow as tf
from peers import table

WORDS = ["a", "film", "to", "remember", "dull", "bright", "slow", "actors", "story", "boring", "lovely"]
TEXTS = [" ".join(np.random.default_rng(i).choice(WORDS, 20 + i % 60)) for i in range(500)]
CONNECTIONS = (1, 16, 256)


def resident(process):
    """Megabytes of memory that a process holds."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def ask(reader, writer, path, host, text):
    """One request over a connection that stays open: status and body."""
    body = json.dumps({"instances": [text]}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return int(answer[9:12]), await reader.readexactly(int(length.split(b":")[1]))


async def load(address, connections, requests, expected):
    """Latencies in seconds, the statuses besides 200, and wrong answers."""
    latencies, others, wrong, numbers = [], {}, 0, iter(range(requests))
    url = urlsplit(address)

    async def work():
        nonlocal wrong
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        for number in numbers:
            index = number % len(TEXTS)
            start = time.perf_counter()
            status, body = await ask(reader, writer, url.path, url.netloc, TEXTS[index])
            if status != 200:
                others[status] = others.get(status, 0) + 1
                await asyncio.sleep(0.1)
                continue
            latencies.append(time.perf_counter() - start)
            found = json.loads(body)["predictions"][0]["probabilities"]
            wrong += not np.allclose(found, expected[index], atol=1e-4)
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return latencies, others, wrong


def directly(signature):
    """Seconds a call of the SavedModel with one text, and with 64."""
    times = {}
    for size in (1, 64):
        batches = [tf.constant(TEXTS[i : i + size]) for i in range(0, 100)]
        signature(text=batches[0])
        start = time.perf_counter()
        for batch in batches[:50]:
            signature(text=batch)
        times[size] = (time.perf_counter() - start) / 50
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True)
    parser.add_argument("--requests", type=int, default=2000, help="at each number of connections")
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    arguments = parser.parse_args()
    loaded = tf.saved_model.load(str(Path(arguments.run) / "export" / "1"))
    signature = loaded.signatures["serving_default"]
    expected = signature(text=tf.constant(TEXTS))["probabilities"].numpy()
    times = directly(signature)
    command = [sys.executable, "-m", "rnn_apps", "serve", arguments.run, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().split()[-1]
        while True:
            try:
                httpx.get(address.partition("/v1/")[0] + "/readyz").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        asyncio.run(load(address, 4, 100, expected))
        rows, before = [], resident(server)
        for connections in arguments.connections:
            start = time.perf_counter()
            latencies, others, wrong = asyncio.run(load(address, connections, arguments.requests, expected))
            rate = (arguments.requests - sum(others.values())) / (time.perf_counter() - start)
            p50, p99 = (1000 * float(np.percentile(latencies, q)) for q in (50, 99))
            refused = ", ".join(f"{code}: {count}" for code, count in others.items()) or "none"
            after = resident(server)
            rows.append(
                [connections, f"{rate:.0f}", f"{p50:.1f}", f"{p99:.1f}", wrong, refused, f"{after:.0f}"]
            )
        server.terminate()
    head = ["connections", "answers a second", "p50, ms", "p99, ms", "wrong", "refused", "memory after, MB"]
    print(table(head, rows))
    for size, seconds in times.items():
        print(f"SavedModel directly, {size} a call: {size / seconds:.0f} a second, {1000 * seconds:.1f} ms")
    requests = len(arguments.connections) * arguments.requests
    print(f"Memory of the server: {before:.0f} MB before, {after:.0f} MB after {requests:,} requests")


if __name__ == "__main__":
    main()
