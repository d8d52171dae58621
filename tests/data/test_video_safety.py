"""Files that are not videos, or that would make FFmpeg open other files or addresses."""

import contextlib
import io
import os
import socket
import struct
import threading
from fractions import Fraction

import av
import numpy as np
import pytest
from test_video import COUNT, SIZE, numbers, packets, spans, written

from rnn_apps.data import video
from rnn_apps.data.video import InvalidVideo, read_frames


def sound(cover=False):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4" if cover else "matroska") as container:
        speech = container.add_stream("aac" if cover else "pcm_s16le", rate=8000)
        if cover:
            picture = container.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 16, 16, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            container.mux(picture.encode(av.VideoFrame(16, 16, "yuvj420p")))
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), "s16", "mono")
        samples.sample_rate = 8000
        container.mux(speech.encode(samples))
        container.mux(speech.encode())
    return file.getvalue()


def huge_gif():
    data = written(codec="gif", format="gif", count=2)
    return data[:6] + struct.pack("<HH", 20_000, 20_000) + data[10:]


def half_an_index():
    data = written()
    return data[: data.index(b"moov") + 20]


def no_frames():
    """A QuickTime file whose index is whole and whose pictures are zeros."""
    data = bytearray(written(codec="mjpeg", format="mov", count=3))
    for position, size in packets(bytes(data)):
        data[position : position + size] = bytes(size)
    return bytes(data)


BEGINS = "expected an MP4, MOV, AVI, MKV, WebM or GIF video"
HOSTILE = {
    "empty": (lambda: b"", "the file is empty, expected a video"),
    "html": (lambda: b"<html>not found</html>", f"begins with b'<html>not fo', {BEGINS}"),
    "zeros": (lambda: bytes(100), BEGINS),
    "one byte": (lambda: b"G", BEGINS),
    "png": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(50), BEGINS),
    "playlist": (lambda: b"#EXTM3U\n#EXTINF:1,\na.ts\n", r"begins with b'#EXTM3U\\n#EXT', " + BEGINS),
    "sound": (sound, "no video stream, only audio; expected a video"),
    "sound with a cover": (lambda: sound(cover=True), "no video stream, only audio"),
    "header of mp4": (lambda: written()[:100], "its mov container cannot be read .*expected a whole file"),
    "header of mkv": (lambda: written(format="matroska")[:60], "its matroska container cannot be read"),
    "header of avi": (lambda: written(format="avi")[:60], "its avi container cannot be read"),
    "header of gif": (lambda: written(codec="gif", format="gif")[:13], "no frame can be decoded"),
    "mp4 without index": (lambda: written()[:900], "its mov container cannot be read .*expected a whole"),
    "mp4 with half an index": (half_an_index, "its container holds no stream: cut off or damaged"),
    "no frames": (no_frames, "no frame can be decoded, expected some of at most 50,000,000 pixels"),
    "huge gif": (huge_gif, "no frame can be decoded, expected some of at most 50,000,000 pixels"),
    "codec": (lambda: written(format="avi").replace(b"FMP4", b"ZZ9X"), "its codec is unknown to FFmpeg"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_video_is_named(name, tmp_path):
    data, message = HOSTILE[name]
    path = tmp_path / "clip.mp4"
    path.write_bytes(data())
    for source in (path, path.read_bytes()):
        with pytest.raises(InvalidVideo, match=message):
            read_frames(source, SIZE)


@pytest.mark.parametrize(("path", "reason"), [("gone.mp4", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_opened_is_named(path, reason, tmp_path):
    with pytest.raises(InvalidVideo, match=f"cannot be opened: {reason}"):
        read_frames(tmp_path / path, SIZE)


def test_frames_of_too_many_pixels_are_refused_by_the_header(monkeypatch):
    monkeypatch.setattr(video, "MAX_PIXELS", 1000)
    with pytest.raises(InvalidVideo, match="32 x 32 pixels per frame, expected at most 1,000 in all"):
        read_frames(written(codec="libx264"), SIZE)


def test_frames_larger_than_the_header_says_are_not_decoded(monkeypatch):
    data = written(format="matroska", size=(64, 64))
    width, height = b"\xb0\x81\x40", b"\xba\x81\x40"  # Matroska's PixelWidth and PixelHeight, one byte each
    assert data.count(width) == data.count(height) == 1
    lying = data.replace(width, b"\xb0\x81\x10").replace(height, b"\xba\x81\x10")
    assert numbers(read_frames(lying, SIZE, frames=5)) == spans(COUNT, 5)
    monkeypatch.setattr(video, "MAX_PIXELS", 1000)
    with pytest.raises(InvalidVideo, match="no frame can be decoded, expected some of at most 1,000"):
        read_frames(lying, SIZE)


class Canary:
    """A pipe that is a playable file to who opens it, and knows whether somebody did."""

    def __init__(self, path, data):
        self.path, self.read = path, threading.Event()
        os.mkfifo(path)
        threading.Thread(target=self._sing, args=(data,), daemon=True).start()

    def _sing(self, data):
        while True:
            with contextlib.suppress(BrokenPipeError), open(self.path, "wb") as pipe:
                self.read.set()
                pipe.write(data)


class Listener:
    """A server on this machine that hangs up, and counts who called."""

    def __init__(self):
        self._server, self.calls = socket.create_server(("127.0.0.1", 0)), 0
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}/a.ts"
        threading.Thread(target=self._hang_up, daemon=True).start()

    def _hang_up(self):
        while True:
            caller, _ = self._server.accept()
            self.calls += 1
            caller.close()


def test_a_budget_is_of_the_pixels_that_are_decoded_whatever_the_header_says(tmp_path):
    import av

    path = tmp_path / "grows.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuvj420p"
        for side in (16, *[320] * 9):
            coder = av.CodecContext.create("mjpeg", "w")
            coder.width = coder.height = side
            coder.pix_fmt, coder.time_base = "yuvj420p", Fraction(1, 10)
            pixels = np.zeros((side, side, 3), np.uint8)
            for packet in coder.encode(
                av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuvj420p")
            ):
                packet.stream = stream
                container.mux(packet)
    with pytest.raises(InvalidVideo, match="too many frames of that size"):
        read_frames(path, (8, 8), 4, budget=16 * 16 + 5 * 320 * 320)
    assert len(read_frames(path, (8, 8), 4, budget=16 * 16 + 10 * 320 * 320)) == 4


def hls(target):
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n".encode()


def concat(target):
    return f"ffconcat version 1.0\nfile {target}\n".encode()


def dash(target):
    part = f'<Representation id="0" bandwidth="9"><BaseURL>{target}</BaseURL></Representation>'
    kind = 'type="static" mediaPresentationDuration="PT3S"'
    adaptation = f'<Period><AdaptationSet mimeType="video/mp4">{part}</AdaptationSet></Period>'
    return (
        f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" {kind}>{adaptation}</MPD>'.encode()
    )


def elsewhere(target):
    """A real QuickTime file, but its track says that the pictures lie in another file."""
    name, path = os.path.basename(target).encode(), f"/disk{target}".encode()
    alias = bytes(14) + b"\x04disk".ljust(28, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0")
    alias += bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    alias += struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + struct.pack(">HH", 0xFFFF, 0)
    entry = struct.pack(">II4s", 1, len(alias) + 8, b"alis") + alias
    where = [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"]
    return replaced(written(codec="mjpeg", format="mov"), where, bytes(4) + entry)


def replaced(boxes, where, body):
    """QuickTime boxes with the body of the one at this path in another's place."""
    result = b""
    while boxes:
        length, kind = struct.unpack(">I4s", boxes[:8])
        inside, boxes = boxes[8:length], boxes[length:]
        if kind == where[0]:
            inside = replaced(inside, where[1:], body) if where[1:] else body
        result += struct.pack(">I4s", len(inside) + 8, kind) + inside
    return result


DISGUISED = [
    (hls, "a.mp4"),
    (hls, "a.mkv"),
    (hls, "a.gif"),
    (concat, "a.mp4"),
    (dash, "a.mp4"),
    (elsewhere, "a.mov"),
]
TRUSTING = {
    hls: {"format": "hls", "options": {"protocol_whitelist": "file,http,tcp"}},
    concat: {"format": "concat", "options": {"safe": "0"}},
    elsewhere: {"options": {"enable_drefs": "1"}},
}


@pytest.mark.parametrize(("disguise", "name"), DISGUISED)
def test_a_playlist_in_disguise_opens_no_other_file_and_calls_no_address(disguise, name, tmp_path):
    canary, listener = Canary(tmp_path / "canary.ts", written(format="mpegts")), Listener()
    path = tmp_path / name
    for target in (str(canary.path), f"file:{canary.path}", canary.path.name, listener.address):
        path.write_bytes(disguise(target))
        for source in (path, path.read_bytes()):
            with pytest.raises(InvalidVideo):
                read_frames(source, SIZE)
    assert not canary.read.is_set()
    assert listener.calls == 0


def test_ffmpeg_is_given_an_open_file_its_format_and_no_protocol(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(written())
    given, real = [], av.open
    monkeypatch.setattr(
        av, "open", lambda file, **options: given.append((file, options)) or real(file, **options)
    )
    read_frames(tmp_path / "a.mp4", SIZE)
    assert given
    for file, options in given:
        assert isinstance(file, io.BufferedReader)
        assert options["format"] == "mov"
        assert options["options"] | {"protocol_whitelist": "", "enable_drefs": "0"} == options["options"]


def test_a_disk_that_fails_is_named(monkeypatch):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 500:
                raise OSError(5, "Input/output error")
            return super().read(min(size, 100))

    data = written()
    monkeypatch.setattr(video, "_file", lambda source: Failing(data))
    with pytest.raises(InvalidVideo, match="Input/output error"):
        read_frames("on a disk", SIZE)


@pytest.mark.parametrize("disguise", TRUSTING)
def test_ffmpeg_without_our_care_would_have_opened_the_other_file(disguise, tmp_path):
    kind = "mov" if disguise is elsewhere else "mpegts"
    canary = Canary(tmp_path / "canary.ts", written(format=kind, codec="mjpeg" if kind == "mov" else "mpeg4"))
    (tmp_path / "a.mp4").write_bytes(disguise(str(canary.path)))
    with av.open(str(tmp_path / "a.mp4"), **TRUSTING[disguise]) as container:
        next(container.decode(video=0))
    assert canary.read.is_set()


def test_ffmpeg_without_our_care_would_have_called_the_address(tmp_path):
    listener = Listener()
    (tmp_path / "a.mp4").write_bytes(hls(listener.address))
    with pytest.raises(av.FFmpegError):
        av.open(str(tmp_path / "a.mp4"), **TRUSTING[hls])
    assert listener.calls > 0
