"""A server process: what may be asked for at its start, and how it listens and ends."""

import importlib
import ipaddress
import re
import socket

from rnn_apps.errors import Argument, UserError, shown

SECONDS_TO_END = 30


def serve(folder, name, host="127.0.0.1", port=8501, token=None, log=print, demo=False):
    """Serve the newest complete version of a SavedModel until SIGTERM or SIGINT.

    Args:
        folder: that holds versions, ``export/`` of a run.
        name: by which clients ask for it: ``/v1/models/NAME:predict``.
        host: address to listen at; any but this machine's own needs a token.
        port: 0 for a free one.
        token: that requests must bear, or None.
        say: gets the lines that tell the addresses.
        demo: serve a page for visitors as well.

    Raises:
        UserError: no complete version, an address that needs a token or is taken, or a missing package.
    """
    extra = "demo" if demo else "serve"
    uvicorn, _ = _needed("uvicorn", extra), _needed("fastapi", extra)
    if demo:
        _needed("gradio", extra)
    from rnn_apps.serving.application import DEMO, LOCAL, make_application
    from rnn_apps.serving.model import Model

    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name):
        expected = "letters, digits, '.', '_' and '-'"
        raise UserError(received=shown(name), expected=expected, fix="Choose another.", option="name")
    if not _is_local(host) and not token:
        purpose = "Give a token, which clients send as Authorization: Bearer TOKEN, in RNN_APPS_TOKEN or with"
        problem, fix = f"{shown(host)} can be reached from other machines", Argument(purpose, "token=TOKEN")
        raise UserError(problem=problem, fix=fix, option="host")
    listening = _listen(host, port)
    hosts = LOCAL if _is_local(host) else (*LOCAL, host, *_names_of_this_machine())
    application = make_application(Model(folder), name, hosts, token, demo=demo)
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SECONDS_TO_END - 2,
        server_header=False,
    )
    number = listening.getsockname()[1]
    log(f"Serving {name} at http://{host}:{number}/v1/models/{name}:predict")
    server = uvicorn.Server(config)
    if demo:
        log(f"Demo page: http://{host}:{number}{DEMO}")
        _end_pages(server, application, DEMO)
    server.run(sockets=[listening])


def _needed(package, extra):
    try:
        return importlib.import_module(package)
    except ImportError as error:
        fix = f"pip install 'rnn-apps[{extra}]'"
        where = "the demo page" if extra == "demo" else "serving"
        raise UserError(where, f"needs {error.name}, which is not installed", fix=fix) from error


def _end_pages(server, application, path):
    """At a signal, end the connections that open pages hold; the server would wait for them."""
    from rnn_apps.serving.demo import stop_demo

    usual = server.handle_exit

    def handle_exit(number, frame):
        stop_demo(application, path)
        usual(number, frame)

    server.handle_exit = handle_exit


def _is_local(host):
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _names_of_this_machine():
    return (socket.gethostname(), socket.getfqdn())


def _listen(host, port):
    """A listening socket, before the model is loaded, so that a taken port is known at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(
        family, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # or asyncio waits for more to send
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        problem = f"{host}:{port} cannot be listened at ({getattr(error, 'strerror', None) or error})"
        raise UserError(
            problem=problem, fix="Name another one; 0 takes a free one.", option="port"
        ) from error
    listening.listen(256)
    return listening
