"""Starts a server process: checks the options, listens, and shuts down on a signal."""

import importlib
import ipaddress
import re
import socket
from collections.abc import Callable
from pathlib import Path

from rnn_apps.errors import Argument, UserError, shown

SHUTDOWN_TIMEOUT = 30  # seconds


def serve(
    folder: str | Path,
    name: str,
    host: str = "127.0.0.1",
    port: int = 8501,
    token: str | None = None,
    log: Callable[[str], object] = print,
    demo: bool = False,
) -> None:
    """Serve the newest complete version of a SavedModel until SIGTERM or SIGINT.

    Args:
        folder: folder of versions, such as ``export/`` of a run.
        name: name of the model in the paths: ``/v1/models/NAME:predict``.
        host: address to listen on; any address but those of this machine itself needs a token.
        port: port to listen on; 0 picks a free one.
        token: token that requests must carry, or None.
        log: function that receives the lines with the addresses.
        demo: serve a demo page as well.

    Raises:
        UserError: there is no complete version, the address needs a token or is in use, or a package is
            missing.
    """
    uvicorn = _import_packages("demo" if demo else "serve")
    from rnn_apps.serving.application import DEMO_PATH, LOCAL_HOSTS, make_application
    from rnn_apps.serving.model import Model

    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name):
        expected = "letters, digits, '.', '_' and '-'"
        raise UserError(received=shown(name), expected=expected, fix="Choose another name.", option="name")
    if not _is_local(host) and not token:
        purpose = "Set a token, which clients send as Authorization: Bearer TOKEN, in RNN_APPS_TOKEN or with"
        problem, fix = f"{shown(host)} can be reached from other machines", Argument(purpose, "token=TOKEN")
        raise UserError(problem=problem, fix=fix, option="host")
    listener = _listen(host, port)  # before the model is loaded, so that a taken port is reported at once
    own_names = () if _is_local(host) else (host, socket.gethostname(), socket.getfqdn())
    model = Model(folder)
    seconds = model.warm_up()
    application = make_application(model, name, (*LOCAL_HOSTS, *own_names), token, demo=demo)
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT - 2,
        server_header=False,
    )
    address = f"http://{host}:{listener.getsockname()[1]}"
    log(f"Serving {name} at {address}/v1/models/{name}:predict")
    if model.num_compiled:
        log(f"Compiled the loops for requests with one example in {seconds:.1f} s")
    server = uvicorn.Server(config)
    if demo:
        log(f"Demo page: {address}{DEMO_PATH}")
        _close_pages_on_exit(server, application, DEMO_PATH)
    server.run(sockets=[listener])


def _import_packages(extra):
    """Return uvicorn if all packages of an extra are installed."""
    try:
        importlib.import_module("fastapi")
        if extra == "demo":
            importlib.import_module("gradio")
        return importlib.import_module("uvicorn")
    except ImportError as error:
        fix = f"pip install 'rnn-apps[{extra}]'"
        where = "the demo page" if extra == "demo" else "serving"
        raise UserError(where, f"needs {error.name}, which is not installed", fix=fix) from error


def _close_pages_on_exit(server, application, path):
    """On a signal, close the connections of open pages, for which the server would wait."""
    from rnn_apps.serving.demo import stop_demo

    default = server.handle_exit

    def handle_exit(number, frame):
        stop_demo(application, path)
        default(number, frame)

    server.handle_exit = handle_exit


def _is_local(host):
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol given, asyncio sets TCP_NODELAY and sends small responses without waiting.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        problem = f"cannot listen on {host}:{port} ({getattr(error, 'strerror', None) or error})"
        fix = "Choose another port; 0 picks a free one."
        raise UserError(problem=problem, fix=fix, option="port") from error
    listener.listen(256)
    return listener
