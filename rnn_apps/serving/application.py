"""The HTTP application: TensorFlow Serving's paths, health checks, and refusal of invalid requests."""

import asyncio
import base64
import hmac
import json
import logging
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from rnn_apps.serving.model import QUEUE_SIZE, Busy, Worker
from rnn_apps.serving.protocol import BadRequest, Limits, read_request, write_response

DEMO_PATH = "/demo"
MOST_AT_ONCE = 64 << 10  # bytes to read or write between two other requests
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
_log = logging.getLogger("rnn_apps.serving")
_ERRORS = {
    400: "The request is invalid; the message says why.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site.",
    413: "The body is too large.",
    415: "The body is compressed.",
    429: "Too many requests are waiting.",
    503: "The server is starting, stopping or too slow.",
}
_REQUEST_SCHEMA = {
    "type": "object",
    "properties": {
        "signature_name": {"type": "string"},
        "instances": {"type": "array", "minItems": 1, "items": {}},
        "inputs": {},
    },
    "additionalProperties": False,
}


def make_application(
    model, name, hosts=LOCAL_HOSTS, token=None, limits=None, timeout=30.0, queue_size=QUEUE_SIZE, demo=False
):
    """Return the FastAPI application that serves a model.

    Args:
        model: `Model`.
        name: name of the model in the paths.
        hosts: host names that requests may address.
        token: token that requests must carry, or None.
        limits: `Limits`.
        timeout: seconds after which a request fails.
        queue_size: maximum number of waiting requests.
        demo: add a demo page at `DEMO_PATH`; needs gradio.
    """
    limits, worker = limits or Limits(), Worker(model, timeout, queue_size)

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

    application.add_middleware(_Guard, hosts=hosts, token=token)

    @application.exception_handler(HTTPException)
    async def refuse(request, error):
        return _error_response(error)

    @application.exception_handler(404)
    @application.exception_handler(405)
    async def unknown(request, error):
        text = f"no such path or method; send requests to /v1/models/{name}:predict"
        return _error_response(HTTPException(error.status_code, text))

    for path in (f"/v1/models/{name}", f"/v1/models/{name}/versions/{model.version}"):
        _add_predict(application, path, model, worker, limits)
        _add_descriptions(application, path, model, name)
    _add_health(application, worker)
    if demo:
        from rnn_apps.serving.demo import mount_demo

        application.state.uploads = mount_demo(application, DEMO_PATH, worker, limits, name)
    return application


class _Guard:
    """ASGI middleware that refuses senders, and answers with 503 where the application fails."""

    def __init__(self, application, hosts, token):
        self._application, self._hosts, self._token = application, hosts, token

    async def __call__(self, scope, receive, send):
        """Handle one request."""
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        started = False

        async def send_noting(message):
            nonlocal started
            started = True
            await send(message)

        try:
            _check_sender(Request(scope), self._hosts, self._token)
            return await self._application(scope, receive, send_noting)
        except HTTPException as error:
            response = _error_response(error)
        except Exception:
            if started:
                raise
            _log.exception("a request failed")
            response = _error_response(_unavailable("the server could not answer"))
        return await response(scope, receive, send)


def _add_health(application, worker):
    @application.get("/healthz")
    async def healthz():
        return {"status": "alive"}

    @application.get("/readyz", responses={503: {}})
    async def readyz():
        if not (application.state.ready and worker.is_alive):
            raise _unavailable("not ready")
        return {"status": "ready"}


def _add_descriptions(application, path, model, name):
    errors = {code: {"description": _ERRORS[code]} for code in (401, 403)}

    @application.get(path, responses=errors)
    async def status():
        ok = {"error_code": "OK", "error_message": ""}
        state = {"version": str(model.version), "state": "AVAILABLE", "status": ok}
        return {"model_version_status": [state]}

    @application.get(f"{path}/metadata", responses=errors)
    async def metadata():
        return _metadata(model, name)


def _add_predict(application, path, model, worker, limits):
    errors = {code: {"description": text} for code, text in _ERRORS.items()}
    body = {"requestBody": {"required": True, "content": {"application/json": {"schema": _REQUEST_SCHEMA}}}}

    @application.post(f"{path}:predict", responses=errors, openapi_extra=body)
    async def predict(request: Request):
        body = await _read_body(request, limits.body)
        if not application.state.ready:
            raise _unavailable("the server is starting or stopping")
        try:
            parsed = await _call(len(body), read_request, body, model.specs, limits)
            outputs = await asyncio.wait_for(asyncio.wrap_future(worker.submit(parsed)), worker.timeout)
        except BadRequest as error:
            raise HTTPException(400, str(error)) from error
        except Busy:
            raise HTTPException(429, "too many requests are waiting", {"Retry-After": "1"}) from None
        except TimeoutError:
            raise _unavailable(f"no answer within {worker.timeout:g} s", seconds=5) from None
        size = sum(array.nbytes for array in outputs.values())
        return await _call(size, _json_response, outputs, parsed.row_format)


async def _call(size, function, *arguments):
    """Call a function that processes `size` bytes, in a thread if that would keep other requests waiting."""
    if size <= MOST_AT_ONCE:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)


def _unavailable(text, seconds=1):
    return HTTPException(503, text, {"Retry-After": str(seconds)})


def _error_response(error):
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


def _check_sender(request, hosts, token):
    """Refuse requests that other sites' pages make, and requests without the token."""
    if _hostname(f"//{request.headers.get('host', '')}") not in hosts:
        raise HTTPException(403, "the Host of the request is not this server's")
    origin = request.headers.get("origin")
    if origin is not None and _hostname(origin) not in hosts:
        raise HTTPException(403, "the Origin of the request is not this server's")
    if token is None or request.url.path in ("/healthz", "/readyz"):
        return
    authorization = request.headers.get("authorization", "").encode("latin-1", "replace")
    is_demo = f"{request.url.path}/".startswith(f"{DEMO_PATH}/")
    if hmac.compare_digest(authorization, f"Bearer {token}".encode()):
        return
    if not (is_demo and _has_password(authorization, token)):
        scheme = 'Basic realm="rnn-apps: any name, and the token as password"' if is_demo else "Bearer"
        headers = {"WWW-Authenticate": scheme}
        raise HTTPException(401, "expected the header Authorization: Bearer TOKEN", headers)


def _has_password(authorization, token):
    """Whether the header holds the token as the password of a browser's own dialog, with any user name."""
    scheme, _, content = authorization.partition(b" ")
    try:
        decoded = base64.b64decode(content, validate=True)
    except ValueError:
        return False
    return scheme.lower() == b"basic" and hmac.compare_digest(decoded.partition(b":")[2], token.encode())


def _hostname(address):
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


async def _read_body(request, max_bytes):
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        received = f"Content-Encoding: received {encoding[:40]}, expected none"
        raise HTTPException(415, f"{received}; send the JSON without compressing it")
    too_large = HTTPException(413, f"expected a body of at most {max_bytes:,} bytes", {"Connection": "close"})
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > max_bytes:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)


def _json_response(outputs, row_format):
    """Return the outputs as JSON, with NaN, Infinity and -Infinity unquoted as in TensorFlow Serving."""
    text = json.dumps(write_response(outputs, row_format), ensure_ascii=False, separators=(",", ":"))
    return Response(text, media_type="application/json")


def _metadata(model, name):
    definitions = {
        signature: {
            "inputs": {key: _describe(key, spec) for key, spec in model.specs[signature].items()},
            "outputs": {key: _describe(key, spec) for key, spec in model.outputs[signature].items()},
            "method_name": "tensorflow/serving/predict",
        }
        for signature in model.specs
    }
    spec = {"name": name, "signature_name": "", "version": str(model.version)}
    return {"model_spec": spec, "metadata": {"signature_def": {"signature_def": definitions}}}


def _describe(name, spec):
    sizes = [{"size": str(-1 if size is None else size), "name": ""} for size in spec.shape]
    dtype = {"float32": "FLOAT", "float64": "DOUBLE"}.get(spec.dtype.name, spec.dtype.name.upper())
    return {"dtype": f"DT_{dtype}", "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": name}
