"""A stream that is to be labelled: a table of numbers, pictures in a folder, or a video file."""

from itertools import islice

import tensorflow as tf

from rnn_apps.data.images import IMAGE_SUFFIXES, InvalidImage, encode_png, read_image
from rnn_apps.data.step_tables import read_streams
from rnn_apps.data.video import VIDEO_SUFFIXES, InvalidVideo, all_frames
from rnn_apps.errors import Argument, UserError

MOST_FRAMES = 4_000  # of a video file in one piece


def read_inputs(path, are_pictures, size, columns):
    """Return the streams of an input by name, as the export takes them: strings (frames,) or numbers.

    Numbers are float32 (steps, features); an input of one stream has the name "".

    Args:
        path: CSV file of numbers; folder of pictures in the order of their names; or a video file.
        are_pictures: which of them is wanted.
        size: (height, width) to which the frames of a video are decoded.
        columns: `Columns` of a table without labels.

    Raises:
        UserError: it cannot be read.
    """
    try:
        if not are_pictures:
            return {one.stream: tf.constant(one.steps) for one in read_streams(path, columns)}
        if path.is_dir():
            return {"": _pictures(path, size)}
        if path.suffix.lower() in VIDEO_SUFFIXES:
            return {"": _frames(path, size)}
        raise UserError(str(path), "no folder of pictures and no video file")
    except (InvalidVideo, InvalidImage) as error:
        raise UserError(str(path), str(error)) from error
    except ImportError as error:
        raise UserError("video files", "PyAV is missing", fix="pip install 'rnn-apps[video]'") from error
    except OSError as error:
        raise UserError(str(path)[:200], f"cannot be read: {error.strerror}") from error


def _frames(path, size):
    """Every frame of a video, at most `MOST_FRAMES`."""
    encoded = [encode_png(frame) for frame in islice(all_frames(path, size), MOST_FRAMES + 1)]
    if len(encoded) > MOST_FRAMES:
        fix = Argument("Read it frame by frame with", "stream")
        raise UserError(str(path), f"has more than {MOST_FRAMES:,} frames", fix=fix)
    if not encoded:
        raise UserError(str(path), "none of its frames can be decoded")
    return tf.constant(encoded)


def _pictures(folder, size):
    names = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    if not names:
        raise UserError(str(folder), "no pictures in it", expected="frames, in the order of their names")
    encoded = [name.read_bytes() for name in names]
    for name, picture in zip(names, encoded):
        try:
            read_image(picture, size)
        except InvalidImage as error:
            raise UserError(str(name), str(error)) from error
    return tf.constant(encoded)
