"""Describes images and videos: sizes, unreadable files, and duplicates in several splits."""

from rnn_apps.data.images import InvalidImage, check_image
from rnn_apps.data.video import VIDEO_SUFFIXES, InvalidVideo, video_size
from rnn_apps.errors import DataError, shown
from rnn_apps.inspecting.measures import quantile

_MAX_FILES = 1000  # that are opened
_DEFAULT_SIZE = 64  # pixels, if no size is known
_VIDEO_SUFFIXES = tuple(suffix for suffix in VIDEO_SUFFIXES if suffix != ".gif")


def describe_images(inspection, store, names):
    """Describe the sizes of images and warn of unreadable ones; returns the smaller dimension of most.

    Args:
        inspection: `Inspection`.
        store: `ImageStore`.
        names: Names of the images and videos with captions.
    """
    interval = max(1, len(names) // _MAX_FILES)
    sample, sizes, unreadable = names[::interval], [], []
    for name in sample:
        try:
            encoded = store.read(name)
            is_video = name.lower().endswith(_VIDEO_SUFFIXES)
            sizes.append(video_size(encoded) if is_video else check_image(encoded))
        except ImportError:
            continue  # without PyAV
        except (InvalidImage, InvalidVideo, DataError) as error:
            unreadable.append((name, str(error)))
    if unreadable:
        name, problem = unreadable[0]
        count = f"{len(unreadable):,} of {len(sample):,} images cannot be read"
        inspection.warn("broken_images", len(unreadable), f"{count}, such as {shown(name)}: {problem}.")
        reported = (finding.value for finding in inspection.findings if finding.name == "invalid_records")
        num_invalid = sum(sum(counts.values()) for counts in reported)
        estimate = len(unreadable) * interval
        num_used, why = len(names) - estimate, "some images cannot be read"
        inspection.allow_invalid_records(num_invalid + estimate, num_used, why)
    if not sizes:
        text = "The sizes of videos are unknown: pip install 'rnn-apps[video]' to read them."
        inspection.warn("sizes", None, text)
        return _DEFAULT_SIZE
    value = {"widths": _range(width for width, _ in sizes), "heights": _range(height for _, height in sizes)}
    text = f"Pixels, in a sample of {len(sizes):,}: {value['widths']} wide, {value['heights']} high."
    inspection.add("sizes", value, text)
    return quantile(map(min, sizes), 0.1)


def _range(values):
    values = sorted(values)
    return f"{values[0]}" if values[0] == values[-1] else f"{values[0]} to {values[-1]}"


def describe_duplicate_images(inspection, store, splits):
    """Warn of images that are identical byte by byte and in two splits.

    Args:
        inspection: `Inspection`.
        store: `ImageStore`.
        splits: Split name to list of `CaptionedExample`.
    """
    contents = {
        split: (
            (example.name, b"".join(_read(store, name) for name in example.frames))
            for example in examples[:_MAX_FILES]
        )
        for split, examples in splits.items()
    }
    inspection.describe_identical(contents, "image")


def _read(store, name):
    try:
        return store.read(name)
    except DataError:
        return name.encode()
