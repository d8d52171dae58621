"""Frames of video files, spread over the whole clip, in memory that does not grow with its length.

FFmpeg gets a file that Python opened, the format that the first bytes show, and no protocol of its own: a
playlist, a manifest or a track that lies elsewhere makes it read no other file and call no address.
"""

import io
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from math import floor

import numpy as np

from rnn_apps.data.images import MOST_PIXELS

VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".gif", ".webm", ".mov")
MOST_FRAMES = 256
SEEK_FROM = 4.0  # seconds between two frames; below, decoding on costs less than going back to a key frame
_REORDERED = 16  # frames by which a codec may decode ahead of what it shows
_PASSES = 3  # one by the header's count of frames, one by the true count, one spare
_ATOMS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp")


class BadVideo(ValueError):
    """A file that is no video, or one that is not decoded; the text says what is wrong with it."""


def pick_evenly(count, wanted):
    """Return which frames to take, in the order of time: the middles of equal spans, or all there are.

    Args:
        count: of frames there are.
        wanted: number of frames.

    Examples:
        >>> pick_evenly(12, 3), pick_evenly(2, 3)
        ([2, 6, 10], [0, 1])
    """
    if count <= wanted:
        return list(range(count))
    return [(2 * i + 1) * count // (2 * wanted) for i in range(wanted)]


def read_frames(source, size, frames=16, per_second=None, most=MOST_FRAMES, budget=None):
    """Return frames spread evenly over a whole clip as uint8 (n, height, width, 3), RGB.

    A clip with fewer frames gives those it has, none twice. Frames that are damaged beyond decoding are
    left out. The aspect is not kept, and the camera's note on how to turn the picture is not followed.

    Args:
        source: path, or bytes, of an MP4, MOV, AVI, MKV, WebM or GIF file, whatever its name says.
        size: (height, width) in pixels.
        frames: n, where `per_second` is None.
        per_second: frames a second, in place of `frames`.
        most: largest n with `per_second`; a longer clip gives that many, spread over all of it.
        budget: pixels that may be decoded in one of up to three passes, all frames together; None for any.

    Raises:
        BadVideo: no such file, empty, no video of these formats, cut off before its first frame, sound
            alone, above 50 million pixels a frame, or longer than the budget.
    """
    if frames < 1 or most < 1 or (per_second is not None and not per_second > 0):
        received = f"frames={frames}, per_second={per_second}, most={most}"
        raise ValueError(f"read_frames: received {received}, expected each to be above 0")
    try:
        import av
    except ImportError as error:
        raise ImportError("reading video files needs PyAV: pip install av") from error

    count, seconds, pixels = 0, 0.0, []
    try:
        with _opened(source, budget) as (container, stream):
            count, seconds = _promised(container, stream)
            wanted = _how_many(seconds, frames, per_second, most)
            if seconds / wanted >= SEEK_FROM and container.format.name != "gif":
                pixels = _by_seeking(container, stream, size, count, wanted, seconds)
                if len(pixels) == wanted:
                    return np.stack(pixels)
        for _ in range(_PASSES):
            picked = pick_evenly(count, _how_many(seconds, frames, per_second, most))
            with _opened(source, budget) as (container, stream):
                pixels, seen, seconds = _in_one_pass(container, stream, size, picked)
            if seen == count:
                break
            count = seen
    except (av.FFmpegError, OSError) as error:
        raise BadVideo(f"cannot be decoded ({error.strerror}), expected a whole video") from None
    if not pixels:
        raise BadVideo(f"none of its frames can be decoded, expected some of at most {MOST_PIXELS:,} pixels")
    return np.stack(pixels)


def all_frames(source, size, budget=None):
    """Yield every frame of a clip as uint8 (height, width, 3), RGB, in the order of time, one at a time.

    Args:
        source, size, budget: as for `read_frames`.

    Raises:
        BadVideo: as `read_frames`.
    """
    import av

    try:
        with _opened(source, budget) as (container, stream):
            resized = _resizer(size)
            for frame in _decoded(container, stream):
                yield resized(frame)
    except (av.FFmpegError, OSError) as error:
        raise BadVideo(f"cannot be decoded ({error.strerror}), expected a whole video") from None


def _how_many(seconds, frames, per_second, most):
    return frames if per_second is None else max(1, min(most, round(seconds * per_second)))


@contextmanager
def _opened(source, budget):
    """Give the container and its video stream."""
    import av

    with _file(source) as file:
        kind = _kind(file)
        options = {"protocol_whitelist": "", "enable_drefs": "0", "max_pixels": str(MOST_PIXELS)}
        try:  # a title in another encoding than UTF-8 is no reason to refuse a video
            container = av.open(file, format=kind, options=options, metadata_errors="replace")
        except av.FFmpegError as error:
            text = f"its {kind} container cannot be read ({error.strerror}), expected a whole file"
            raise BadVideo(text) from None
        with container:
            stream = _video_stream(container)
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            stream.codec_context.thread_count = 1  # every thread more would hold a frame more
            yield (container if budget is None else _Limited(container, budget)), stream


class _Limited:
    """A container of which no more is decoded than a number of pixels: a small file may last for hours."""

    def __init__(self, container, budget):
        self._container, self._left = container, budget

    def __getattr__(self, name):
        return getattr(self._container, name)

    def spend(self, frame):
        self._left -= frame.width * frame.height
        if self._left < 0:
            raise BadVideo("has too many frames of that size, expected a shorter or a smaller clip")


def _file(source):
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source)
    try:
        return open(source, "rb")
    except OSError as error:
        raise BadVideo(f"cannot be opened: {error.strerror}") from None


def _kind(file):
    """FFmpeg's name of the container, by its first bytes alone."""
    beginning = file.read(12)
    file.seek(0)
    if not beginning:
        raise BadVideo("the file is empty, expected a video")
    if beginning[4:8] in _ATOMS:
        return "mov"
    if beginning[:4] == b"RIFF" and beginning[8:11] == b"AVI":
        return "avi"
    if beginning[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if beginning[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    raise BadVideo(f"begins with {beginning!r}, expected an MP4, MOV, AVI, MKV, WebM or GIF video")


def _video_stream(container):
    """Return the first stream of moving pictures; the cover of an album is none."""
    from av.stream import Disposition

    if not container.streams:
        raise BadVideo("its container holds no stream: cut off, or broken; expected a whole file")
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        kinds = sorted({stream.type for stream in container.streams} - {"video"}) or ["a still picture"]
        raise BadVideo(f"no video stream, only {', '.join(kinds)}; expected moving pictures")
    if videos[0].codec_context is None:
        raise BadVideo("its codec is not known to FFmpeg, expected a usual one such as H.264")
    width, height = videos[0].width, videos[0].height
    if width * height > MOST_PIXELS:
        raise BadVideo(f"{width:,} x {height:,} pixels a frame, expected at most {MOST_PIXELS:,} in all")
    return videos[0]


def _promised(container, stream):
    """Return the number of frames and the seconds as the header has them, zeros where it lacks either."""
    if stream.duration:
        seconds = float(stream.duration * stream.time_base)
    else:
        seconds = (container.duration or 0) / 1_000_000
    count = round(seconds * float(stream.average_rate or 0))
    return (count, seconds) if count > 0 else (0, 0.0)


def _decoded(container, stream):
    """Yield the frames from where the container stands."""
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
    """Yield packets, and where the file is cut off the one that makes the decoder give what it holds."""
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

    def resized(frame):
        small = scaler.reformat(frame, width, height, "rgb24", interpolation=smooth, threads=1)
        return np.array(small.to_ndarray())  # a copy, for the view would keep the frame

    return resized


def _in_one_pass(container, stream, size, picked):
    """Return the picked frames, how many there are, and how many seconds they last."""
    resized, pixels = _resizer(size), []
    seen, left = 0, deque(picked)
    for frame in _decoded(container, stream):
        if left and left[0] == seen:
            pixels.append(resized(frame))
            left.popleft()
        seen += 1
    return pixels, seen, seen / float(stream.average_rate or 25)


def _by_seeking(container, stream, size, count, wanted, seconds):
    """Return the frames nearest to the middles of equal spans, or fewer where a span shows none.

    Args:
        container: at its beginning.
        stream: of the frames.
        size: (height, width) in pixels.
        count: of frames there are by the header.
        wanted: number of frames, and of spans.
        seconds: of the whole clip.
    """
    start = next((frame.pts for frame in _decoded(container, stream)), None)
    if start is None:
        return []
    whole = seconds / float(stream.time_base)
    step, resized, pixels = whole / count, _resizer(size), []
    reached, jumps = start - 1, True
    for target in (start + index * step for index in pick_evenly(count, wanted)):
        if jumps:
            landed, moving = _jump(container, stream, min(start, 0), target, step)
            if landed is None:
                return pixels
            jumps = landed > reached  # else key frames are so far apart that jumping leads back
        frame = next((f for f in moving if f.pts is not None and f.pts > target - step / 2), None)
        if frame is None or frame.pts > target + whole / wanted / 2:
            return pixels
        reached = frame.pts
        pixels.append(resized(frame))
        del frame  # or it stays in memory beside those on the way to the next
    return pixels


def _jump(container, stream, least, target, step):
    """Return the time of the key frame before a target, and the frames from there on, or None and None.

    Args:
        container: anywhere.
        stream: of the frames; all times are in its unit.
        least: time before which nothing lies.
        target: time.
        step: time from frame to frame.
    """
    import av

    for back in (0, _REORDERED):  # some containers find a key frame by when it is decoded, not shown
        try:
            container.seek(max(least, floor(target + step / 2 - back * step)), stream=stream)
        except av.FFmpegError:
            break
        moving = _decoded(container, stream)
        first = next(moving, None)
        if first is None or first.pts is None:
            break
        if first.pts < target + step / 2:
            return first.pts, chain(iter([first]), moving)  # an iterator that is done keeps no frame
    return None, None


def read_all(jobs, read, workers=2, ahead=4):
    """Yield `read(job)` of every job in the order of the jobs, several computed at once in threads.

    What `read` raises is raised at the place of its job, and ends the reading.

    Args:
        jobs: what `read` takes, taken one by one as they are needed.
        read: function of a job.
        workers: threads.
        ahead: most results at a time that are computed or wait to be taken.
    """
    if ahead < 1:
        raise ValueError(f"read_all: received ahead={ahead}, expected at least 1")
    jobs = iter(jobs)
    pool = ThreadPoolExecutor(workers)
    try:
        waiting = deque(pool.submit(read, job) for job in islice(jobs, ahead))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(read, job) for job in islice(jobs, 1))
    finally:
        pool.shutdown(cancel_futures=True)
