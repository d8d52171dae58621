"""Frames of generated videos, whose brightness is their index: which are read, and their memory."""

import gc
import importlib.util
import io
import itertools
import sys
import threading
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from rnn_apps.data import video
from rnn_apps.data.threads import map_in_threads
from rnn_apps.data.video import pick_evenly, read_frames

SIZE = (8, 8)
COUNT, STEP = 30, 8  # frames of a clip, and how much brighter each is than the one before
KINDS = {  # name, codec, frames between key frames, frames shown out of the order of the file
    "plain.mp4": ("mpeg4", 6, 0),
    "reordered.mp4": ("libx264", 7, 3),
    "plain.avi": ("mpeg4", 6, 0),
    "reordered.avi": ("mpeg4", 6, 2),
    "plain.mkv": ("mpeg4", 6, 0),
    "lossless.mkv": ("ffv1", 1, 0),
    "pictures.mov": ("mjpeg", 1, 0),
}


def write(
    target, count=COUNT, codec="mpeg4", keys=6, reordered=0, image=None, size=(32, 32), time=int, **options
):
    """A clip; `image(i)` gives frame i, grey by default, `time(i)` when it comes in tenths of a second."""
    image = image or (lambda i: np.full((size[1], size[0], 3), i * STEP % 256, np.uint8))
    with av.open(target, "w", **options) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
        stream.bit_rate = 2_000_000
        if codec in ("mpeg4", "libx264", "ffv1"):
            stream.codec_context.gop_size, stream.codec_context.max_b_frames = keys, reordered
        if codec == "libx264":
            stream.options = {"x264-params": "scenecut=0"}  # else it makes key frames as it likes
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(image(i), "rgb24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = time(i), Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return target


def written(**options):
    """Bytes of a clip."""
    file = io.BytesIO()
    write(file, format=options.pop("format", "mp4"), **options)
    return file.getvalue()


def numbers(frames):
    """Which frames these are, by their brightness."""
    return np.rint(frames.mean(axis=(1, 2, 3)) / STEP).astype(int).tolist()


def spans(count, wanted):
    """The frame shown in the middle of each of `wanted` equal spans."""
    return [int(middle) for middle in (np.arange(wanted) + 0.5) * count / wanted]


def forbid(monkeypatch, name):
    def refuse(*_):
        raise AssertionError(f"{name} was used")

    monkeypatch.setattr(video, name, refuse)


def counting(monkeypatch):
    """A list that grows by one for every frame that is decoded."""
    decoded, real = [], video._decoded

    def decode(container, stream):
        for frame in real(container, stream):
            decoded.append(None)
            yield frame

    monkeypatch.setattr(video, "_decoded", decode)
    return decoded


@pytest.mark.parametrize("wanted", [1, 2, 5, 16, 29, 30, 31, 100])
def test_frames_are_picked_from_the_middle_of_equal_spans_and_none_twice(wanted):
    picked = pick_evenly(COUNT, wanted)
    assert picked == (spans(COUNT, wanted) if wanted < COUNT else list(range(COUNT)))
    assert len(set(picked)) == min(wanted, COUNT)


def test_nothing_is_picked_of_nothing_and_a_count_that_lies_costs_nothing():
    assert pick_evenly(0, 3) == []
    assert pick_evenly(10**18, 2) == [10**18 // 4, 3 * 10**18 // 4]


@pytest.mark.parametrize("wanted", [1, 5, 6, 29])
@pytest.mark.parametrize("way", ["seeking", "one pass"])
@pytest.mark.parametrize("name", KINDS)
def test_frames_come_evenly_from_the_whole_clip(name, way, wanted, tmp_path, monkeypatch):
    codec, keys, reordered = KINDS[name]
    path = write(str(tmp_path / name), codec=codec, keys=keys, reordered=reordered)
    monkeypatch.setattr(video, "SEEK_FROM", 0 if way == "seeking" else 1e9)
    forbid(monkeypatch, "_in_one_pass" if way == "seeking" else "_by_seeking")
    frames = read_frames(path, SIZE, frames=wanted)
    assert frames.dtype == np.uint8
    assert frames.shape == (wanted, *SIZE, 3)
    assert numbers(frames) == spans(COUNT, wanted)


def test_a_gif_is_read_too(monkeypatch):
    monkeypatch.setattr(video, "SEEK_FROM", 0)
    forbid(monkeypatch, "_by_seeking")  # a frame of a GIF may be no more than what changed
    assert numbers(read_frames(written(codec="gif", format="gif"), SIZE, frames=5)) == spans(COUNT, 5)


def test_path_text_and_bytes_give_the_same_whatever_the_name_says(tmp_path):
    path = tmp_path / "really-a-matroska.mp4"
    data = written(format="matroska")
    path.write_bytes(data)
    first, *others = (read_frames(source, SIZE, frames=4) for source in (path, str(path), data))
    assert all((first == other).all() for other in others)


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("seek_from", [0, 1e9])
def test_a_clip_with_fewer_frames_than_asked_gives_those_it_has(count, seek_from, monkeypatch):
    monkeypatch.setattr(video, "SEEK_FROM", seek_from)
    assert numbers(read_frames(written(count=count), SIZE, frames=16)) == list(range(count))


@pytest.mark.parametrize(
    ("per_second", "most", "expected"),
    [(2, 256, 6), (10, 256, 30), (100, 256, 30), (2, 4, 4), (0.1, 256, 1)],
)
def test_frames_a_second_are_spread_over_the_clip_and_at_most_so_many(per_second, most, expected):
    for data in (written(), streamed()):
        frames = read_frames(data, SIZE, per_second=per_second, max_frames=most)
        assert numbers(frames) == spans(COUNT, expected)


def streamed():
    """A Matroska file that has neither duration nor index, as a broadcast has."""

    class OneWay(io.BytesIO):
        seek = tell = None

    file = OneWay()
    write(file, format="matroska", options={"live": "1"})
    with av.open(io.BytesIO(file.getvalue())) as container:
        assert container.duration is None
    return file.getvalue()


def test_only_a_container_without_duration_is_decoded_twice(monkeypatch):
    decoded = counting(monkeypatch)
    for data, passes in ((written(), 1), (streamed(), 2)):
        decoded.clear()
        assert numbers(read_frames(data, SIZE, frames=5)) == spans(COUNT, 5)
        assert len(decoded) == passes * COUNT


def test_frames_are_even_in_number_where_a_long_pause_hides_the_even_times(monkeypatch):
    data = written(format="matroska", time=lambda i: i if i < 15 else i + 600)
    for seek_from in (0, 1e9):
        monkeypatch.setattr(video, "SEEK_FROM", seek_from)
        assert numbers(read_frames(data, SIZE, frames=5)) == spans(COUNT, 5)


@pytest.mark.parametrize(
    "arguments", [{"frames": 0}, {"per_second": 0}, {"per_second": -1}, {"max_frames": 0}]
)
def test_no_frames_cannot_be_asked_for(arguments):
    with pytest.raises(ValueError, match="expected each to be above 0"):
        read_frames(written(), SIZE, **arguments)


def halves(i):
    image = np.zeros((16, 32, 3), np.uint8)
    image[:, 16:] = (200, 40, 20)
    return image


def test_height_comes_before_width_the_whole_frame_is_kept_and_colours_are_right():
    frame = read_frames(written(codec="mjpeg", format="mov", image=halves, size=(32, 16)), (4, 12))[0]
    assert frame.shape == (4, 12, 3)
    assert frame[:, :5].max() < 8
    assert np.abs(frame[:, 7:].astype(int) - (200, 40, 20)).max() < 12


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 255
    frame = read_frames(written(codec="mjpeg", format="mov", image=lambda i: stripes, size=(64, 64)), SIZE)[0]
    assert np.abs(frame.astype(int) - 127).max() < 6


def packets(data):
    with av.open(io.BytesIO(data)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("seek_from", [0, 1e9])
def test_a_file_that_is_cut_off_gives_frames_of_all_that_is_left(seek_from, monkeypatch, tmp_path):
    monkeypatch.setattr(video, "SEEK_FROM", seek_from)
    path = write(str(tmp_path / "a.mp4"), options={"movflags": "faststart"})  # the index comes first
    data = Path(path).read_bytes()
    cut = data[: packets(data)[20][0]]
    assert numbers(read_frames(cut, SIZE, frames=5)) == spans(20, 5)


def test_where_a_container_breaks_off_the_decoder_still_gives_what_it_holds():
    class Breaking:
        def demux(self, stream):
            yield from itertools.islice(container.demux(stream), 10)
            raise av.error.InvalidDataError(1, "broken")

    with av.open(io.BytesIO(written(codec="libx264", reordered=3))) as container:
        frames = list(video._decoded(Breaking(), container.streams.video[0]))
    assert len(frames) == 10


@pytest.mark.parametrize("seek_from", [0, 1e9])
def test_a_damaged_frame_is_left_out(seek_from, monkeypatch):
    monkeypatch.setattr(video, "SEEK_FROM", seek_from)
    data = bytearray(written(codec="mjpeg", format="mov"))
    for position, size in packets(bytes(data))[10:12]:
        data[position : position + size] = bytes(size)
    expected = [i for i in range(COUNT) if i not in (10, 11)]
    assert numbers(read_frames(bytes(data), SIZE, frames=40)) == expected
    assert 10 not in numbers(read_frames(bytes(data), SIZE, frames=5))
    assert len(read_frames(bytes(data), SIZE, frames=5)) == 5


def test_a_title_that_is_not_utf_8_is_no_reason_to_refuse(tmp_path):
    file = io.BytesIO()
    with av.open(file, "w", format="avi") as container:
        container.metadata["title"] = "cafe"
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode())
    data = file.getvalue()
    assert b"cafe" in data
    assert read_frames(data.replace(b"cafe", b"caf\xe9"), SIZE).shape == (1, *SIZE, 3)


@cache
def long_clip(keys):
    """One minute, a key frame every `keys` frames; the brightness of frame i is i // 3."""
    return written(
        count=600, codec="libx264", keys=keys, image=lambda i: np.full((32, 32, 3), i // 3, np.uint8)
    )


@pytest.mark.parametrize(("keys", "most"), [(12, 6 * 12 + 1), (10_000, 1.25 * 600)])
def test_of_a_long_clip_only_what_leads_to_the_frames_is_decoded(keys, most, monkeypatch):
    data, decoded = long_clip(keys), counting(monkeypatch)
    frames = read_frames(data, SIZE, frames=6)
    assert frames.mean(axis=(1, 2, 3)) == pytest.approx([i // 3 for i in spans(600, 6)], abs=1)
    assert 6 < len(decoded) <= most


@pytest.mark.parametrize("frames", [4, 200])
def test_of_a_long_clip_few_frames_are_in_memory_at_a_time(frames, monkeypatch):
    data, held, real = long_clip(keys=100), [], video._decoded

    def decode(container, stream):
        for frame in real(container, stream):
            held.append(sum(type(one) is av.VideoFrame for one in gc.get_objects()))
            yield frame

    monkeypatch.setattr(video, "_decoded", decode)
    gc.freeze()  # what is there already is not searched
    try:
        assert len(read_frames(data, SIZE, frames=frames)) == frames
    finally:
        gc.unfreeze()
    assert 1 <= max(held) <= 3  # this one, the one before, and an empty one of the decoder's


def test_all_is_read_in_order_though_later_jobs_end_first():
    later = threading.Event()

    def read(job):
        if job == 0:
            assert later.wait(10), "the second job waited for the first"
        else:
            later.set()
        return job * job

    assert list(map_in_threads(range(20), read)) == [job * job for job in range(20)]


def test_no_more_is_read_ahead_than_allowed_and_jobs_may_be_without_end():
    started = []
    reader = map_in_threads(itertools.count(), lambda job: started.append(job) or job, workers=3, ahead=5)
    for taken in range(50):
        assert next(reader) == taken
        assert len(started) - taken <= 5
    reader.close()
    assert len(started) <= 55


def test_what_is_not_begun_when_the_reading_ends_is_not_read():
    started, ended = [], threading.Event()

    def read(job):
        started.append(job)
        assert job == 0 or ended.wait(10)

    reader = map_in_threads(range(10), read, workers=1, ahead=5)
    next(reader)
    threading.Timer(0.1, ended.set).start()
    reader.close()
    assert started in ([0], [0, 1])


def test_an_error_is_raised_at_its_place():
    def read(job):
        if job == 3:
            raise KeyError(job)
        return job

    reader, given = map_in_threads(range(10), read), []
    with pytest.raises(KeyError, match="3"):
        given.extend(reader)
    assert given == [0, 1, 2]


def test_reading_nothing_ahead_is_refused():
    with pytest.raises(ValueError, match="received ahead=0"):
        next(map_in_threads([1], str, ahead=0))


def test_the_module_is_there_without_pyav(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    spec = importlib.util.spec_from_file_location("video_without_av", video.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.pick_evenly(2, 1) == [1]
    with pytest.raises(ImportError, match="pip install av"):
        module.read_frames(b"", SIZE)
