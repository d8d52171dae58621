"""Files of visitors: read with limits, refused in one sentence that names the file and no folder."""

import io
import os
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from rnn_apps.data.video import VIDEO_SUFFIXES, InvalidVideo, all_frames, pick_evenly, read_frames
from rnn_apps.errors import UserError, Wording, shown
from rnn_apps.serving.demo.asking import Problem

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
DECODED = ("JPEG", "PNG", "GIF", "BMP")  # by an export itself
MOST_FRAMES = 1_000
MOST_PIXELS = 40_000_000  # of all pictures of a clip
MOST_DECODED = 10_000_000_000  # pixels of a video: some minutes of it, seconds of work


def closed(component, examples):
    """Return a file component that takes uploads and examples alone, and opens nothing before it is asked to.

    Gradio would open pictures before any limit is looked at. What gradio moves before this is asked is
    for `local` to guard, which the page does for all its fields.

    Args:
        component: of gradio.
        examples: folder of the files that can be clicked.
    """

    def paths(payload):
        """The path of one uploaded file, or those of several; None where there is none."""
        if payload is None:
            return None
        files = getattr(payload, "root", payload)
        found = [_allowed(one.path, examples) for one in (files if isinstance(files, list) else [files])]
        return found if isinstance(files, list) else found[0]

    component.preprocess = paths
    return component


def local(component, examples):
    """Return a component of any kind for which gradio moves uploads and examples alone into its cache.

    What a browser sends is the name of a file, and whoever writes by hand may send any, to a field for text
    too: gradio would take any file of this machine, and download where the name is an address.

    Args:
        component: of gradio.
        examples: folder of the files that can be clicked.
    """
    move = component.async_move_resource_to_block_cache

    async def moved(path):
        return await move(_allowed(path, examples))

    component.async_move_resource_to_block_cache = moved
    return component


def _allowed(path, examples):
    """The path, where it is of an upload or of an example."""
    folders = [Path(folder).resolve() for folder in (get_upload_folder(), examples)]
    if not path or not any(Path(path).resolve().is_relative_to(folder) for folder in folders):
        raise gr.Error("Only files that are uploaded here are taken.", print_exception=False)
    return path


def file_control(label, kinds, examples, several=False):
    """Return a component to which files are uploaded.

    Args:
        label: of it.
        kinds: endings, or ``"image"`` and ``"video"``.
        examples: folder of the files that can be clicked.
        several: whether more than one is taken.
    """
    count = "multiple" if several else "single"
    made = gr.File(label=label, file_types=kinds, file_count=count, height=160, elem_id="given")
    return closed(made, examples)


def name_of(path):
    """Return how a file is called in a message."""
    return shown(Path(path).name)


def _content(path, most):
    size = Path(path).stat().st_size
    if not size:
        raise Problem(f"{name_of(path)} is empty.")
    if size > most:
        raise Problem(f"{name_of(path)} has {size:,} bytes; at most {most:,} are taken.")
    return Path(path).read_bytes()


class TooManyPixels(Problem):
    """A small file may hold a picture that fills the memory."""


def read_picture(path, limits, most=None):
    """Return the pixels of a picture, and its bytes as an export reads them.

    Args:
        path: of a file.
        limits: `Limits`.
        most: pixels, if fewer than those of the limits.

    Raises:
        Problem: it is no picture, damaged or too large.
    """
    content = _content(path, limits.body)
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
        width, height = picture.size
        if width * height > min(limits.pixels, limits.pixels if most is None else most):
            received = f"{width:,} x {height:,} pixels"
            raise TooManyPixels(f"{name_of(path)} has {received}; at most {limits.pixels:,} are taken.")
        kind, pixels = picture.format, picture.convert("RGB")
    except Problem:
        raise
    except Exception as error:  # Pillow raises whatever it meets in a damaged file
        expected = "a whole JPEG, PNG, GIF, BMP or WebP file"
        raise Problem(f"{name_of(path)} is no picture that can be read; expected {expected}.") from error
    return pixels, content if kind in DECODED else encoded(pixels, "PNG")


def encoded(pixels, kind, **options):
    """Return the bytes of a picture file."""
    stream = io.BytesIO()
    pixels.save(stream, kind, **options)
    return stream.getvalue()


def read_clip(paths, size, limits, frames=None):
    """Return the frames of a clip as pictures, in order.

    Args:
        paths: of one video file, or of pictures, which are taken in the order of their names.
        size: (height, width) to which a video is decoded.
        limits: `Limits`.
        frames: how many, spread over the clip; None takes every one.

    Raises:
        Problem: they cannot be read, or are too many.
    """
    if len(paths) == 1 and Path(paths[0]).suffix.lower() in VIDEO_SUFFIXES:
        return _frames_of(paths[0], size, limits, frames)
    if len(paths) > MOST_FRAMES:
        raise Problem(f"{len(paths):,} pictures are too many; at most {MOST_FRAMES:,} are taken.")
    total = sum(Path(path).stat().st_size for path in paths)
    if total > limits.body:
        raise Problem(f"The pictures have {total:,} bytes together; at most {limits.body:,} are taken.")
    paths = sorted(paths, key=lambda path: Path(path).name)
    if frames is not None:
        paths = [paths[index] for index in pick_evenly(len(paths), frames)]
    pictures, left = [], MOST_PIXELS
    for path in paths:
        try:
            pictures.append(read_picture(path, limits, left)[0])
        except TooManyPixels as error:
            problem = (
                f"The pictures have more than {MOST_PIXELS:,} pixels together; give smaller ones, or fewer."
            )
            raise (error if left > limits.pixels else Problem(problem)) from None
        left -= pictures[-1].width * pictures[-1].height
    return pictures


def _frames_of(path, size, limits, frames):
    content, found = _content(path, limits.body), []
    try:
        if frames is not None:
            return [
                Image.fromarray(frame) for frame in read_frames(content, size, frames, budget=MOST_DECODED)
            ]
        for frame in all_frames(content, size, MOST_DECODED):
            if len(found) == MOST_FRAMES:
                raise Problem(f"{name_of(path)} has more than {MOST_FRAMES:,} frames; give a shorter clip.")
            found.append(Image.fromarray(frame))
    except InvalidVideo as error:
        raise Problem(f"{name_of(path)}: {error}.") from error
    except ImportError as error:
        raise Problem("This server reads no video files (pip install 'rnn-apps[video]').") from error
    if not found:
        raise Problem(f"{name_of(path)} has no frame that can be decoded.")
    return found


def read_table(path, limits, read):
    """Return what `read` makes of a CSV file.

    Args:
        path: of a file.
        limits: `Limits`.
        read: function of a `Path`.

    Raises:
        Problem: it cannot be read.
    """
    _content(path, limits.body)
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise Problem(f"{name_of(path)} is no .csv file; expected a table with commas, semicolons or tabs.")
    try:
        return read(path)
    except UserError as error:
        raise Problem(error.text(_VisitorWording(path.parent))) from error


class _VisitorWording(Wording):
    """The wording for a visitor, who sees no folder of the server and cannot set anything.

    Args:
        folder: of the uploaded file.
    """

    def __init__(self, folder):
        self._folder = folder

    def where(self, error):
        """Return the location without the folder."""
        return error.where.removeprefix(f"{self._folder}{os.sep}")

    def fixes(self, error):
        """Return what can be done to the file."""
        return [fix for fix in error.fixes if isinstance(fix, str)]
