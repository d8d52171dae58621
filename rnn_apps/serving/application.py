"""The HTTP side: TensorFlow Serving's paths, health, and everything that a client may do wrong."""

import asyncio
import base64
import hmac
import json
import logging
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from rnn_apps.serving.model import Busy, Worker
from rnn_apps.serving.protocol import BadRequest, Limits, read_request, write_answer

DEMO = "/demo"
LOCAL = ("127.0.0.1", "localhost", "::1")
_log = logging.getLogger("rnn_apps.serving")


class _Refusal(Exception):
    """An answer with a status of 4xx or 503."""

    def __init__(self, status, text, **headers):
        super().__init__(text)
        self.status, self.text = status, text
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def make_application(model, name, hosts=LOCAL, token=None, limits=None, seconds=30.0, waiting=64, demo=False):
    """Return the FastAPI application that serves a model.

    Args:
        model: `Model`.
        name: by which it is asked for.
        hosts: names under which clients may reach the server.
        token: that requests must bear, or None.
        limits: `Limits`.
        seconds: after which a request is given up.
        waiting: requests that may wait.
        demo: whether there is a page for visitors at `DEMO`; it needs gradio.
    """
    limits, worker = limits or Limits(), Worker(model, seconds, waiting)

    @asynccontextmanager
    async def lifespan(application):
        application.state.ready = True
        yield
        application.state.ready = False
        await asyncio.to_thread(worker.stop)
        if demo:
            application.state.uploads.cleanup()

    application = FastAPI(title=f"rnn-apps: {name}", lifespan=lifespan, docs_url=None, redoc_url=None)
    application.state.ready = False

    @application.middleware("http")
    async def guarded(request, call_next):
        try:
            _check_caller(request, hosts, token)
            return await call_next(request)
        except _Refusal as refusal:
            return _refused(refusal)
        except Exception:
            _log.exception("a request failed")
            return _refused(_Refusal(503, "the server could not answer", Retry_After="1"))

    @application.exception_handler(_Refusal)
    async def refuse(request, refusal):
        return _refused(refusal)

    @application.exception_handler(404)
    @application.exception_handler(405)
    async def unknown(request, error):
        text = f"no such path or method; models are asked at /v1/models/{name}:predict"
        return _refused(_Refusal(error.status_code, text))

    paths = [f"/v1/models/{name}", f"/v1/models/{name}/versions/{model.version}"]
    for path in paths:
        _add_predict(application, path, model, worker, limits, seconds)
        _add_descriptions(application, path, model, name)
    _add_health(application, worker)
    if demo:
        from rnn_apps.serving.demo import mount_demo

        application.state.uploads = mount_demo(application, DEMO, worker, limits, name)
    return application


def _add_health(application, worker):
    @application.get("/healthz")
    async def healthz():
        return {"status": "alive"}

    @application.get("/readyz", responses={503: {}})
    async def readyz():
        if not (application.state.ready and worker.is_alive):
            raise _Refusal(503, "not ready", Retry_After="1")
        return {"status": "ready"}


def _add_descriptions(application, path, model, name):
    """State and metadata."""
    errors = {code: {"description": _ERRORS[code]} for code in (401, 403)}

    @application.get(path, responses=errors)
    async def status():
        return _status(model)

    @application.get(f"{path}/metadata", responses=errors)
    async def metadata():
        return _metadata(model, name)


def _add_predict(application, path, model, worker, limits, seconds):
    """What the server is there for."""

    errors = {code: {"description": text} for code, text in _ERRORS.items()}
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": _schema()}}}}

    @application.post(f"{path}:predict", responses=errors, openapi_extra=body)
    async def predict(request: Request):
        body = await _body(request, limits.body)
        if not application.state.ready:
            raise _Refusal(503, "the server is starting or stopping", Retry_After="1")
        try:
            given = await asyncio.to_thread(read_request, body, model.specs, limits)
            outputs = await asyncio.wait_for(asyncio.wrap_future(worker.submit(given)), seconds)
        except BadRequest as error:
            raise _Refusal(400, str(error)) from error
        except Busy:
            raise _Refusal(429, "too many requests wait", Retry_After="1") from None
        except TimeoutError:
            raise _Refusal(503, f"no answer within {seconds:g} s", Retry_After="5") from None
        return await asyncio.to_thread(_written, outputs, given.rows)


_ERRORS = {
    400: "The request is wrong; the text says how.",
    401: "The token is missing or wrong.",
    403: "The request comes from elsewhere.",
    413: "The body is too large.",
    415: "The body is compressed.",
    429: "Too many requests wait.",
    503: "The server is starting, stopping, or too slow.",
}


def _schema():
    return {
        "type": "object",
        "properties": {
            "signature_name": {"type": "string"},
            "instances": {"type": "array", "minItems": 1, "items": {}},
            "inputs": {},
        },
        "additionalProperties": False,
    }


def _refused(refusal):
    return JSONResponse({"error": refusal.text}, refusal.status, headers=refusal.headers)


def _check_caller(request, hosts, token):
    """Refuse requests that a page of elsewhere made, and those without the token."""
    if _name_of(f"//{request.headers.get('host', '')}") not in hosts:
        raise _Refusal(403, "the Host of the request is not this server's")
    origin = request.headers.get("origin")
    if origin is not None and _name_of(origin) not in hosts:
        raise _Refusal(403, "the Origin of the request is not this server's")
    if token is not None and request.url.path not in ("/healthz", "/readyz"):
        given = request.headers.get("authorization", "").encode("latin-1", "replace")
        of_page = f"{request.url.path}/".startswith(f"{DEMO}/")
        if not (_bears(given, token) or (of_page and _answers(given, token))):
            how = 'Basic realm="rnn-apps: any name, and the token as password"' if of_page else "Bearer"
            raise _Refusal(401, "expected the header Authorization: Bearer TOKEN", WWW_Authenticate=how)


def _bears(given, token):
    return hmac.compare_digest(given, f"Bearer {token}".encode())


def _answers(given, token):
    """Whether a browser's own dialog was answered with the token as password, whatever the name."""
    kind, _, content = given.partition(b" ")
    try:
        decoded = base64.b64decode(content, validate=True)
    except ValueError:
        return False
    return kind.lower() == b"basic" and hmac.compare_digest(decoded.partition(b":")[2], token.encode())


def _name_of(address):
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def _body(request, most):
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        received = f"Content-Encoding: received {encoding[:40]}, expected none"
        raise _Refusal(415, f"{received}; send the JSON without compressing it")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        raise _Refusal(413, f"expected a body of at most {most:,} bytes", Connection="close")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise _Refusal(413, f"expected a body of at most {most:,} bytes", Connection="close")
    return bytes(body)


def _written(outputs, rows):
    """The answer as JSON, in which TensorFlow Serving writes NaN, Infinity and -Infinity as bare words."""
    text = json.dumps(write_answer(outputs, rows), ensure_ascii=False, separators=(",", ":"))
    return Response(text, media_type="application/json")


def _status(model):
    fine = {"error_code": "OK", "error_message": ""}
    state = {"version": str(model.version), "state": "AVAILABLE", "status": fine}
    return {"model_version_status": [state]}


def _metadata(model, name):
    definitions = {
        signature: {
            "inputs": {key: _described(key, spec) for key, spec in model.specs[signature].items()},
            "outputs": {key: _described(key, spec) for key, spec in model.outputs[signature].items()},
            "method_name": "tensorflow/serving/predict",
        }
        for signature in model.specs
    }
    spec = {"name": name, "signature_name": "", "version": str(model.version)}
    return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": definitions}}}


def _described(name, spec):
    sides = [{"size": str(-1 if side is None else side), "name": ""} for side in spec.shape]
    kind = {"float32": "FLOAT", "float64": "DOUBLE"}.get(spec.dtype.name, spec.dtype.name.upper())
    return {"dtype": f"DT_{kind}", "tensor_shape": {"dim": sides, "unknown_rank": False}, "name": name}
