"""Middleware that restricts the demo page: security headers, upload limits, no links to other servers."""

import asyncio
import base64
import hashlib
import json
import os
import re
from contextlib import suppress

_TAG = re.compile(rb"<script\b.*?</script>|<(?:meta|link)\b[^>]*>", re.DOTALL)
_EXTERNAL = re.compile(rb"https?://|\"(?:og|twitter):|rel=\"manifest\"")
_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script>", re.DOTALL)
# Gradio renders its own HTML components by evaluating templates; all scripts come from this server.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval' {scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self' blob:; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


class SecurityMiddleware:
    """ASGI middleware for a path: no requests to other servers, no framing, limited bodies and uploads.

    Args:
        application: ASGI application to protect.
        path: path at and below which this applies.
        max_body: maximum bytes of a request body.
        head_html: bytes of HTML to append to the head of the page.
        uploads: folder of the uploaded files.
        max_stored: bytes in that folder above which uploads are refused.
    """

    def __init__(self, application, path, max_body, head_html, uploads, max_stored):
        self.application, self.path, self.max_body, self.head_html = application, path, max_body, head_html
        self.uploads, self.max_stored = uploads, max_stored

    async def __call__(self, scope, receive, send):
        """Handle one request."""
        path = scope["path"] if scope["type"] == "http" else ""
        if not f"{path}/".startswith(f"{self.path}/"):
            await self.application(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.max_body:
            await self._refuse_body(send)
            return
        if path.endswith("/upload") and await asyncio.to_thread(_folder_size, self.uploads) > self.max_stored:
            await _refuse(send, 503, "no space for more uploads; try again in a few minutes")
            return
        if path.rstrip("/") == self.path:  # the page itself, whose HTML is rewritten: not compressed
            headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            scope = {**scope, "headers": headers}
        response = _Response(send, self.head_html)
        try:
            await self.application(scope, _limit_body(receive, self.max_body), response.send)
        except _BodyTooLarge:
            if not response.started:
                await self._refuse_body(send)

    async def _refuse_body(self, send):
        await _refuse(send, 413, f"expected a body of at most {self.max_body:,} bytes")


class _BodyTooLarge(Exception):
    """A request body exceeds the limit."""


def _limit_body(receive, max_body):
    total = 0

    async def limited():
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > max_body:
            raise _BodyTooLarge
        return message

    return limited


def _folder_size(folder):
    total = 0
    for parent, _, names in os.walk(folder):  # skips folders that are removed meanwhile
        for name in (".", *names):
            with suppress(OSError):
                total += os.path.getsize(os.path.join(parent, name))
    return total


async def _refuse(send, status, text):
    body = json.dumps({"error": text}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Response:
    """Forwards a response with the security headers; buffers HTML to remove links to other servers."""

    def __init__(self, send, head_html):
        self._send, self._head_html = send, head_html
        self._html_start, self._body, self.started = None, b"", False

    async def send(self, message):
        """Handle one ASGI message."""
        if message["type"] == "http.response.start":
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            if kinds and kinds[0].startswith(b"text/html"):
                self._html_start = message
            else:
                await self._start(message, message["headers"])
        elif self._html_start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_html()

    async def _start(self, message, headers, scripts=""):
        self.started = True
        headers = [(name, value) for name, value in headers if name.lower() not in _HEADERS]
        policy = (b"content-security-policy", _POLICY.format(scripts=scripts).encode())
        await self._send({**message, "headers": [*headers, *_HEADERS.items(), policy]})

    async def _send_html(self):
        head, end, rest = self._body.partition(b"</head>")
        body = _TAG.sub(_without_external, head) + self._head_html + end + rest
        scripts = [inner for attributes, inner in _SCRIPT.findall(body) if b"src=" not in attributes]
        digests = (base64.b64encode(hashlib.sha256(inner).digest()).decode() for inner in scripts)
        headers = [pair for pair in self._html_start["headers"] if pair[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._start(self._html_start, headers, " ".join(f"'sha256-{digest}'" for digest in digests))
        await self._send({"type": "http.response.body", "body": body})


def _without_external(tag):
    """Return a tag of the head, or nothing if it names another server."""
    return b"" if not tag[0].startswith(b"<script") and _EXTERNAL.search(tag[0]) else tag[0]
