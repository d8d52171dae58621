"""Closes the page towards everything but its own server: headers, the size of what it takes, its HTML."""

import asyncio
import base64
import hashlib
import json
import os
import re
from contextlib import suppress

_TAG = re.compile(rb"<script\b.*?</script>|<(?:meta|link)\b[^>]*>", re.DOTALL)
_ELSEWHERE = re.compile(rb"https?://|\"(?:og|twitter):|rel=\"manifest\"")
_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script>", re.DOTALL)
# Gradio makes its own HTML components by evaluating templates; scripts come from here alone.
_RULES = (
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


class Closed:
    """ASGI: what is below a path calls nobody else, is framed by nobody, and takes no more than a limit.

    Args:
        application: that answers.
        path: below which this holds.
        most: bytes of a request's body.
        added: bytes of HTML that are put at the end of the page's head.
        uploads: folder of what was uploaded.
        room: bytes in it from which nothing more is taken.
    """

    def __init__(self, application, path, most, added, uploads, room):
        self.application, self.path, self.most, self.added = application, path, most, added
        self.uploads, self.room = uploads, room

    async def __call__(self, scope, receive, send):
        """Answer one request."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{self.path}/"):
            await self.application(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.most:
            await _refuse(send, 413, f"expected a body of at most {self.most:,} bytes")
            return
        if scope["path"].endswith("/upload") and await asyncio.to_thread(_bytes_in, self.uploads) > self.room:
            await _refuse(send, 503, "there is no room for more uploads; try again in some minutes")
            return
        if scope["path"].rstrip("/") == self.path:  # the page itself, which is read here
            kept = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            scope = {**scope, "headers": kept}
        answer = _Answer(send, self.added)
        try:
            await self.application(scope, _counted(receive, self.most), answer.send)
        except _TooMuch:
            if not answer.begun:
                await _refuse(send, 413, f"expected a body of at most {self.most:,} bytes")


class _TooMuch(Exception):
    """A body beyond the limit."""


def _counted(receive, most):
    total = 0

    async def counted():
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > most:
            raise _TooMuch
        return message

    return counted


def _bytes_in(folder):
    total = 0
    for place, _, names in os.walk(folder):  # which passes over a folder that has just been removed
        for name in (".", *names):
            with suppress(OSError):
                total += os.path.getsize(os.path.join(place, name))
    return total


async def _refuse(send, status, text):
    body = json.dumps({"error": text}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Answer:
    """Passes an answer on with the headers; of whole HTML, what would call elsewhere is taken out."""

    def __init__(self, send, added):
        self._send, self._added, self._start, self._body, self.begun = send, added, None, b"", False

    async def send(self, message):
        """Take one message."""
        if message["type"] == "http.response.start":
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            if kinds and kinds[0].startswith(b"text/html"):
                self._start = message
                return
            await self._begin(message, message["headers"])
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._whole()

    async def _begin(self, message, headers, scripts=""):
        self.begun = True
        kept = [(name, value) for name, value in headers if name.lower() not in _HEADERS]
        rules = _RULES.format(scripts=scripts).encode()
        added = [*_HEADERS.items(), (b"content-security-policy", rules)]
        await self._send({**message, "headers": [*kept, *added]})

    async def _whole(self):
        body = cleaned(self._body, self._added)
        scripts = [inner for attributes, inner in _SCRIPT.findall(body) if b"src=" not in attributes]
        digests = (base64.b64encode(hashlib.sha256(inner).digest()).decode() for inner in scripts)
        headers = [pair for pair in self._start["headers"] if pair[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._begin(self._start, headers, " ".join(f"'sha256-{digest}'" for digest in digests))
        await self._send({"type": "http.response.body", "body": body})


def cleaned(body, added):
    """Return a page without tags that name other servers, with something added to its head."""
    head, found, rest = body.partition(b"</head>")
    return _TAG.sub(_kept, head) + added + found + rest


def _kept(tag):
    return b"" if not tag[0].startswith(b"<script") and _ELSEWHERE.search(tag[0]) else tag[0]
