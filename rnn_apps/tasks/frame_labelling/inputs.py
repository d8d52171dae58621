"""Reads the inputs of frame labelling: tables, folders of images, and video files."""

from itertools import islice

import tensorflow as tf

from rnn_apps.data.images import IMAGE_SUFFIXES, InvalidImage, encode_png, read_image
from rnn_apps.data.step_tables import read_streams
from rnn_apps.data.video import VIDEO_SUFFIXES, InvalidVideo, all_frames
from rnn_apps.errors import Argument, UserError

MAX_FRAMES = 4_000  # of a video file read in one piece


def read_inputs(path, are_pictures, size, columns):
    """Return the streams of an input by name, as inputs of the export.

    Frames are strings (frames,), features float32 (steps, features). A single stream has the name "".

    Args:
        path: CSV file, folder of images in the order of their names, or video file.
        are_pictures: whether the network reads frames instead of tables.
        size: (height, width) to which the frames of a video are decoded.
        columns: `Columns` of a table without labels.

    Raises:
        UserError: if the input cannot be read.
    """
    try:
        if not are_pictures:
            return {one.stream: tf.constant(one.steps) for one in read_streams(path, columns)}
        if path.is_dir():
            return {"": _pictures(path, size)}
        if path.suffix.lower() in VIDEO_SUFFIXES:
            return {"": _frames(path, size)}
        raise UserError(str(path), "neither a folder of images nor a video file")
    except (InvalidVideo, InvalidImage) as error:
        raise UserError(str(path), str(error)) from error
    except ImportError as error:
        raise UserError("video files", "PyAV is missing", fix="pip install 'rnn-apps[video]'") from error
    except OSError as error:
        raise UserError(str(path)[:200], f"cannot be read: {error.strerror}") from error


def _frames(path, size):
    """All frames of a video, at most `MAX_FRAMES`."""
    encoded = [encode_png(frame) for frame in islice(all_frames(path, size), MAX_FRAMES + 1)]
    if len(encoded) > MAX_FRAMES:
        fix = Argument("Read it frame by frame with", "stream")
        raise UserError(str(path), f"has more than {MAX_FRAMES:,} frames", fix=fix)
    if not encoded:
        raise UserError(str(path), "none of its frames can be decoded")
    return tf.constant(encoded)


def _pictures(folder, size):
    names = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    if not names:
        raise UserError(str(folder), "no images in it", expected="frames, in the order of their names")
    encoded = [name.read_bytes() for name in names]
    for name, picture in zip(names, encoded):
        try:
            read_image(picture, size)
        except InvalidImage as error:
            raise UserError(str(name), str(error)) from error
    return tf.constant(encoded)
