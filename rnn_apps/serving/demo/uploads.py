"""Reads uploaded files within limits; errors name the file, never its folder."""

import io
import os
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder
from PIL import Image

from rnn_apps.data.video import VIDEO_SUFFIXES, InvalidVideo, all_frames, pick_evenly, read_frames
from rnn_apps.errors import UserError, Wording, shown
from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.html import encode

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
EXPORT_FORMATS = ("JPEG", "PNG", "GIF", "BMP")  # that an export decodes itself
MAX_FRAMES = 1_000
MAX_CLIP_PIXELS = 40_000_000  # of all images of a clip together
MAX_VIDEO_PIXELS = 10_000_000_000  # decoded pixels: minutes of video, seconds of work


def file_input(component, examples):
    """Return a file component whose value is the path of an upload or an example, or a list of paths.

    Gradio's own preprocessing would open images before any limit is checked. `restrict_paths` covers the
    files that gradio moves before preprocessing.

    Args:
        component: gradio component.
        examples: folder of the example files.
    """

    def preprocess(payload):
        if payload is None:
            return None
        files = getattr(payload, "root", payload)
        if isinstance(files, list):
            return [_checked(file.path, examples) for file in files]
        return _checked(files.path, examples)

    component.preprocess = preprocess
    return component


def restrict_paths(component, examples):
    """Make gradio move only uploads and examples into the cache of a component, and return the component.

    A browser sends the name of a file, and a crafted request can send any name, even for a text field.
    Without this, gradio would accept any file of this machine, and download a name that is a URL.

    Args:
        component: gradio component of any kind.
        examples: folder of the example files.
    """
    move = component.async_move_resource_to_block_cache

    async def checked_move(path):
        return await move(_checked(path, examples))

    component.async_move_resource_to_block_cache = checked_move
    return component


def _checked(path, examples):
    """Return the path if it is in the upload folder or the folder of the examples."""
    folders = [Path(folder).resolve() for folder in (get_upload_folder(), examples)]
    if not path or not any(Path(path).resolve().is_relative_to(folder) for folder in folders):
        raise gr.Error("Only uploaded files are accepted.", print_exception=False)
    return path


def file_control(label, kinds, examples, multiple=False):
    """Return a component for file uploads.

    Args:
        label: label of the component.
        kinds: suffixes, or ``"image"`` and ``"video"``.
        examples: folder of the example files.
        multiple: whether several files can be uploaded at once.
    """
    count = "multiple" if multiple else "single"
    component = gr.File(label=label, file_types=kinds, file_count=count, height=160, elem_id="input")
    return file_input(component, examples)


def display_name(path):
    """Return the quoted file name for a message."""
    return shown(Path(path).name)


def _read(path, max_bytes):
    size = Path(path).stat().st_size
    if not size:
        raise PageError(f"{display_name(path)} is empty.")
    if size > max_bytes:
        raise PageError(f"{display_name(path)} has {size:,} bytes; the limit is {max_bytes:,}.")
    return Path(path).read_bytes()


class TooManyPixels(PageError):
    """An image is too large; even a small file may fill the memory."""


def read_image(path, limits, max_pixels=None):
    """Return the pixels of an image, and its bytes in a format that an export decodes.

    Args:
        path: path of the file.
        limits: `Limits`.
        max_pixels: a limit on the pixels in addition to that of `limits`.

    Raises:
        PageError: the file is not an image, is damaged or is too large.
    """
    content = _read(path, limits.body)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        width, height = image.size
        if width * height > min(limits.pixels, limits.pixels if max_pixels is None else max_pixels):
            received = f"{width:,} x {height:,} pixels"
            raise TooManyPixels(f"{display_name(path)} has {received}; the limit is {limits.pixels:,}.")
        kind, pixels = image.format, image.convert("RGB")
    except PageError:
        raise
    except Exception as error:  # a damaged file makes Pillow raise exceptions of many types
        expected = "a complete JPEG, PNG, GIF, BMP or WebP file"
        raise PageError(f"{display_name(path)} is not a readable image; expected {expected}.") from error
    return pixels, content if kind in EXPORT_FORMATS else encode(pixels, "PNG")


def read_clip(paths, size, limits, num_frames=None):
    """Return the frames of a clip as images, in order.

    Args:
        paths: path of one video file, or paths of images, which are sorted by name.
        size: (height, width) to which a video is decoded.
        limits: `Limits`.
        num_frames: number of frames, spread evenly over the clip; None reads all of them.

    Raises:
        PageError: the frames cannot be read or exceed a limit.
    """
    if len(paths) == 1 and Path(paths[0]).suffix.lower() in VIDEO_SUFFIXES:
        return _read_video(paths[0], size, limits, num_frames)
    if len(paths) > MAX_FRAMES:
        raise PageError(f"{len(paths):,} images are too many; the limit is {MAX_FRAMES:,}.")
    total = sum(Path(path).stat().st_size for path in paths)
    if total > limits.body:
        raise PageError(f"The images have {total:,} bytes in total; the limit is {limits.body:,}.")
    paths = sorted(paths, key=lambda path: Path(path).name)
    if num_frames is not None:
        paths = [paths[index] for index in pick_evenly(len(paths), num_frames)]
    images, remaining = [], MAX_CLIP_PIXELS
    for path in paths:
        try:
            images.append(read_image(path, limits, remaining)[0])
        except TooManyPixels as error:
            if remaining > limits.pixels:
                raise
            problem = f"The images have more than {MAX_CLIP_PIXELS:,} pixels in total"
            raise PageError(f"{problem}; upload smaller ones, or fewer.") from error
        remaining -= images[-1].width * images[-1].height
    return images


def _read_video(path, size, limits, num_frames):
    content = _read(path, limits.body)
    try:
        if num_frames is None:
            frames = []
            for frame in all_frames(content, size, MAX_VIDEO_PIXELS):
                if len(frames) == MAX_FRAMES:
                    problem = f"{display_name(path)} has more than {MAX_FRAMES:,} frames"
                    raise PageError(f"{problem}; upload a shorter clip.")
                frames.append(frame)
        else:
            frames = read_frames(content, size, num_frames, budget=MAX_VIDEO_PIXELS)
    except InvalidVideo as error:
        raise PageError(f"{display_name(path)}: {error}.") from error
    except ImportError as error:
        raise PageError("This server cannot read video files (pip install 'rnn-apps[video]').") from error
    if not len(frames):
        raise PageError(f"{display_name(path)} has no frame that can be decoded.")
    return [Image.fromarray(frame) for frame in frames]


def read_table(path, limits, read):
    """Return the result of `read` for a CSV file.

    Args:
        path: path of the file.
        limits: `Limits`.
        read: function of a `Path`.

    Raises:
        PageError: the file cannot be read.
    """
    _read(path, limits.body)
    path = Path(path)
    if path.suffix.lower() != ".csv":
        expected = "a table separated by commas, semicolons or tabs"
        raise PageError(f"{display_name(path)} is not a .csv file; expected {expected}.")
    try:
        return read(path)
    except UserError as error:
        raise PageError(error.text(_VisitorWording(path.parent))) from error


class _VisitorWording(Wording):
    """Messages for a visitor, who must not see the server's folders and cannot change its settings.

    Args:
        folder: folder of the uploaded file.
    """

    def __init__(self, folder):
        self._folder = folder

    def where(self, error):
        """Return the location without the folder."""
        return error.where.removeprefix(f"{self._folder}{os.sep}")

    def fixes(self, error):
        """Return the fixes that apply to the file itself."""
        return [fix for fix in error.fixes if isinstance(fix, str)]
