"""What pictures and videos are like: sizes, those that cannot be read, and the same one in two parts."""

import hashlib
import io

from rnn_apps.data.images import BadImage, check_image
from rnn_apps.data.video import VIDEO_SUFFIXES
from rnn_apps.errors import DataError, shown
from rnn_apps.inspecting.measures import allow_bad_records, quantile

_MOST = 1000  # files that are opened
_SUFFIXES = tuple(suffix for suffix in VIDEO_SUFFIXES if suffix != ".gif")


def describe_images(inspection, store, names):
    """Say how large images are, and which cannot be read; returns the smaller side of most of them.

    Args:
        inspection: `Inspection`.
        store: `ImageStore`.
        names: of the images and videos that captions name.
    """
    looked_at = names[:: max(1, len(names) // _MOST)]
    sizes, broken = [], []
    for name in looked_at:
        try:
            encoded = store.read(name)
            is_video = name.lower().endswith(_SUFFIXES)
            size = _size_of_video(encoded) if is_video else check_image(encoded)
            sizes += [size] if size else []
        except (BadImage, DataError) as error:
            broken.append((name, str(error)))
    if broken:
        name, problem = broken[0]
        text = (
            f"{len(broken):,} of {len(looked_at):,} images cannot be read, such as {shown(name)}: {problem}."
        )
        inspection.warn("broken_images", len(broken), text)
        before = sum(sum(one.value.values()) for one in inspection.findings if one.name == "bad_records")
        lost = len(broken) * max(1, len(names) // _MOST)
        allow_bad_records(inspection, before + lost, len(names) - lost, "some images cannot be read")
    if not sizes:
        text = "The sizes of videos are not known: pip install 'rnn-apps[video]' reads them."
        inspection.warn("sizes", None, text)
        return 64
    sides = sorted(min(size) for size in sizes)
    value = {"widths": _span(s[0] for s in sizes), "heights": _span(s[1] for s in sizes)}
    text = f"Pixels of {len(sizes):,} looked at: {value['widths']} wide, {value['heights']} high."
    inspection.found("sizes", value, text)
    return quantile(sides, 0.1)


def _span(values):
    values = sorted(values)
    return f"{values[0]}" if values[0] == values[-1] else f"{values[0]} to {values[-1]}"


def _size_of_video(encoded):
    """Width and height of a video's frames; None where nothing is installed that reads them."""
    try:
        import av
    except ImportError:
        return None
    try:
        with av.open(io.BytesIO(encoded)) as container:
            stream = container.streams.video[0]
            return stream.width, stream.height
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise BadImage(f"no video ({error})") from None


def describe_same_images(inspection, store, parts):
    """Warn of images that are equal byte by byte and stand in two parts.

    Args:
        inspection: `Inspection`.
        store: `ImageStore`.
        parts: part name to list of `Captioned`.
    """
    seen, again = {}, []
    for part, inputs in parts.items():
        for one in inputs[:_MOST]:
            mark = hashlib.sha256(b"".join(map(_content(store), one.frames))).digest()
            other, name = seen.setdefault(mark, (part, one.name))
            if other != part:
                again.append((other, name, part, one.name))
    if again:
        other, name, part, copy = again[0]
        text = f"{len(again):,} pictures of a part are byte by byte those of another one, such as"
        text = f"{text} {shown(copy)} of {part} and {shown(name)} of {other}. Scores are too good by them."
        inspection.warn("leakage", len(again), text)
    else:
        inspection.found("leakage", 0, "No picture is in two parts, byte by byte.")


def _content(store):
    def read(name):
        try:
            return store.read(name)
        except DataError:
            return name.encode()

    return read
