"""Reads frames spread over a whole video file, in memory that does not grow with its length.

FFmpeg receives a file that Python opened, the format that the first bytes show, and no protocols: no
playlist, manifest or external track can make it read another file or open a network connection.
"""

import io
from collections import deque
from contextlib import contextmanager
from itertools import chain
from math import floor

import numpy as np

from rnn_apps.data.images import MAX_PIXELS

VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".gif", ".webm", ".mov")
MAX_FRAMES = 256
SEEK_FROM = 4.0  # seconds between two frames from which seeking to a key frame is faster than decoding
_REORDERED = 16  # frames by which the decoding order may be ahead of the display order
_MAX_PASSES = 3  # one with the frame count of the header, one with the true count, one spare
_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp")


class InvalidVideo(ValueError):
    """A video that cannot or must not be decoded; the message says why."""


def pick_evenly(count, num_picked):
    """Return evenly spaced frame indices: the middles of equal spans, or all frames if there are few.

    Args:
        count: Number of frames of the clip.
        num_picked: Number of indices.

    Examples:
        >>> pick_evenly(12, 3), pick_evenly(2, 3)
        ([2, 6, 10], [0, 1])
    """
    if count <= num_picked:
        return list(range(count))
    return [(2 * i + 1) * count // (2 * num_picked) for i in range(num_picked)]


def read_frames(source, size, frames=16, per_second=None, max_frames=MAX_FRAMES, budget=None):
    """Return frames spread evenly over a whole clip as uint8 (n, height, width, 3), RGB.

    A shorter clip gives all its frames, each once. Frames that cannot be decoded are left out. The aspect
    ratio is not kept, and the rotation in the metadata is ignored.

    Args:
        source: Path or bytes of an MP4, MOV, AVI, MKV, WebM or GIF file, whatever its name.
        size: (height, width) in pixels.
        frames: n, if `per_second` is None.
        per_second: Frames per second, instead of `frames`.
        max_frames: Largest n with `per_second`; a longer clip gives this many, spread over all of it.
        budget: Maximum number of pixels of all frames that may be decoded in one of up to three passes, or
            None.

    Raises:
        InvalidVideo: no such file, empty, not a video of these formats, cut off before its first frame,
            audio only, above 50 million pixels per frame, or longer than the budget.
    """
    if frames < 1 or max_frames < 1 or (per_second is not None and not per_second > 0):
        received = f"frames={frames}, per_second={per_second}, max_frames={max_frames}"
        raise ValueError(f"read_frames: received {received}, expected each to be above 0")
    pixels = []
    with _opened(source, budget) as (container, stream):
        count, seconds = _header_length(container, stream)
        num_frames = _num_frames(seconds, frames, per_second, max_frames)
        if seconds / num_frames >= SEEK_FROM and container.format.name != "gif":
            pixels = _by_seeking(container, stream, size, count, num_frames, seconds)
            if len(pixels) == num_frames:
                return np.stack(pixels)
    for _ in range(_MAX_PASSES):
        picked = pick_evenly(count, _num_frames(seconds, frames, per_second, max_frames))
        with _opened(source, budget) as (container, stream):
            pixels, decoded_count, seconds = _in_one_pass(container, stream, size, picked)
        if decoded_count == count:
            break
        count = decoded_count
    if not pixels:
        raise InvalidVideo(f"no frame can be decoded, expected some of at most {MAX_PIXELS:,} pixels")
    return np.stack(pixels)


def all_frames(source, size, budget=None):
    """Yield every frame of a clip as uint8 (height, width, 3), RGB, in temporal order.

    Args:
        source, size, budget: As for `read_frames`.

    Raises:
        InvalidVideo: as in `read_frames`.
    """
    with _opened(source, budget) as (container, stream):
        resize = _resizer(size)
        for frame in _decoded(container, stream):
            yield resize(frame)


def video_size(source):
    """Return the (width, height) of a clip in pixels.

    Args:
        source: As for `read_frames`.

    Raises:
        InvalidVideo: as in `read_frames`.
    """
    with _opened(source, None) as (_, stream):
        return stream.width, stream.height


def _num_frames(seconds, frames, per_second, max_frames):
    return frames if per_second is None else max(1, min(max_frames, round(seconds * per_second)))


@contextmanager
def _opened(source, budget):
    """Open a file and return its container and its video stream; decoding errors become InvalidVideo."""
    try:
        import av
    except ImportError as error:
        raise ImportError("reading video files requires PyAV: pip install av") from error

    try:
        with _file(source) as file, _container(file) as container:
            stream = _video_stream(container)
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            stream.codec_context.thread_count = 1  # every further thread would hold another frame
            yield (container if budget is None else _Limited(container, budget)), stream
    except (av.FFmpegError, OSError) as error:
        raise InvalidVideo(f"cannot be decoded ({error.strerror}), expected a whole video") from None


def _container(file):
    import av

    kind = _kind(file)
    options = {"protocol_whitelist": "", "enable_drefs": "0", "max_pixels": str(MAX_PIXELS)}
    try:  # metadata that is not UTF-8 is no reason to refuse a video
        return av.open(file, format=kind, options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        text = f"its {kind} container cannot be read ({error.strerror}), expected a whole file"
        raise InvalidVideo(text) from None


class _Limited:
    """A container with a limit of decoded pixels: a small file may last for hours."""

    def __init__(self, container, budget):
        self._container, self._remaining = container, budget

    def __getattr__(self, name):
        return getattr(self._container, name)

    def spend(self, frame):
        self._remaining -= frame.width * frame.height
        if self._remaining < 0:
            raise InvalidVideo("has too many frames of that size, expected a shorter or a smaller clip")


def _file(source):
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    try:
        return open(source, "rb")
    except OSError as error:
        raise InvalidVideo(f"cannot be opened: {error.strerror}") from None


def _kind(file):
    """FFmpeg's name of the container, by its first bytes."""
    start = file.read(12)
    file.seek(0)
    if not start:
        raise InvalidVideo("the file is empty, expected a video")
    if start[4:8] in _ATOMS:
        return "mov"
    if start[:4] == b"RIFF" and start[8:11] == b"AVI":
        return "avi"
    if start[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if start[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    raise InvalidVideo(f"begins with {start!r}, expected an MP4, MOV, AVI, MKV, WebM or GIF video")


def _video_stream(container):
    """Return the first video stream; cover art does not count."""
    from av.stream import Disposition

    if not container.streams:
        raise InvalidVideo("its container holds no stream: cut off or damaged; expected a whole file")
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        kinds = sorted({stream.type for stream in container.streams} - {"video"}) or ["a still image"]
        raise InvalidVideo(f"no video stream, only {', '.join(kinds)}; expected a video")
    if videos[0].codec_context is None:
        raise InvalidVideo("its codec is unknown to FFmpeg, expected a common one such as H.264")
    width, height = videos[0].width, videos[0].height
    if width * height > MAX_PIXELS:
        raise InvalidVideo(f"{width:,} x {height:,} pixels per frame, expected at most {MAX_PIXELS:,} in all")
    return videos[0]


def _header_length(container, stream):
    """Return the number of frames and the seconds in the header, zeros if it lacks either."""
    if stream.duration:
        seconds = float(stream.duration * stream.time_base)
    else:
        seconds = (container.duration or 0) / 1_000_000
    count = round(seconds * float(stream.average_rate or 0))
    return (count, seconds) if count > 0 else (0, 0.0)


def _decoded(container, stream):
    """Yield the frames from the current position of the container."""
    import av

    spend = getattr(container, "spend", lambda frame: None)
    for packet in _packets(container, stream):
        try:
            for frame in stream.decode(packet):
                spend(frame)
                yield frame
        except av.FFmpegError:
            continue


def _packets(container, stream):
    """Yield packets; if the file is cut off, None at last, which flushes the decoder."""
    import av

    try:
        yield from container.demux(stream)
    except av.FFmpegError:
        yield None


def _resizer(size):
    """Return the function from a decoded frame to uint8 (height, width, 3)."""
    from av.video.reformatter import Interpolation, VideoReformatter

    height, width = size
    smooth = Interpolation.AREA | Interpolation.FULL_CHR_H_INT
    scaler = VideoReformatter()

    def resize(frame):
        small = scaler.reformat(frame, width, height, "rgb24", interpolation=smooth, threads=1)
        return np.array(small.to_ndarray())  # a copy, because a view would keep the frame

    return resize


def _in_one_pass(container, stream, size, picked):
    """Return the picked frames, the number of all frames, and the seconds that they last."""
    resize, pixels = _resizer(size), []
    count, remaining = 0, deque(picked)
    for frame in _decoded(container, stream):
        if remaining and remaining[0] == count:
            pixels.append(resize(frame))
            remaining.popleft()
        count += 1
    return pixels, count, count / float(stream.average_rate or 25)


def _by_seeking(container, stream, size, count, num_frames, seconds):
    """Return the frames nearest to the middles of equal spans, or fewer if a span shows none.

    Args:
        container: At its start.
        stream: Its video stream.
        size: (height, width) in pixels.
        count: Number of frames of the clip, from the header.
        num_frames: Number of frames to read, and of spans.
        seconds: Duration of the clip.
    """
    start = next((frame.pts for frame in _decoded(container, stream)), None)
    if start is None:
        return []
    duration = seconds / float(stream.time_base)
    step, resize, pixels = duration / count, _resizer(size), []
    last_time, can_seek = start - 1, True
    for target in (start + index * step for index in pick_evenly(count, num_frames)):
        if can_seek:
            key_time, following = _seek(container, stream, min(start, 0), target, step)
            if key_time is None:
                return pixels
            can_seek = key_time > last_time  # otherwise key frames are so far apart that seeking goes back
        frame = next((f for f in following if f.pts is not None and f.pts > target - step / 2), None)
        if frame is None or frame.pts > target + duration / num_frames / 2:
            return pixels
        last_time = frame.pts
        pixels.append(resize(frame))
        del frame  # or it would stay in memory while the next one is decoded
    return pixels


def _seek(container, stream, min_time, target, step):
    """Return the time of the key frame before a target and the frames from there on, or None and None.

    Args:
        container: At any position.
        stream: Its video stream; all times are in its unit.
        min_time: Time before the first frame.
        target: Time.
        step: Time between two frames.
    """
    import av

    for back in (0, _REORDERED):  # some containers index key frames by decoding time, not display time
        try:
            container.seek(max(min_time, floor(target + step / 2 - back * step)), stream=stream)
        except av.FFmpegError:
            break
        frames = _decoded(container, stream)
        first = next(frames, None)
        if first is None or first.pts is None:
            break
        if first.pts < target + step / 2:
            return first.pts, chain(iter([first]), frames)  # an exhausted iterator keeps no frame
    return None, None
