"""Captioning pages: captions of an image or a clip, and the attention at each word."""

import math

import gradio as gr

from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.generation import GenerationPage
from rnn_apps.serving.demo.html import encode, render
from rnn_apps.serving.demo.page import Answer, Page
from rnn_apps.serving.demo.uploads import file_control, file_input, read_clip, read_image


class ImageCaptionPage(GenerationPage):
    """Captions an image."""

    example = "Image"
    inputs, outputs = {"image"}, {"caption", "candidates", "scores"}
    title, button = "Captions for an image", "Describe"
    lead = "Upload an image, take one with the webcam, or click an example."

    def control(self):
        """Return the upload of one image, or of a webcam snapshot."""
        sources = ["upload", "webcam", "clipboard"]
        image = gr.Image(
            label="Image", type="filepath", image_mode=None, sources=sources, height=320, elem_id="input"
        )
        return file_input(image, self.metadata.folder)

    def answer(self, path, *settings):
        """Return the captions and the attention maps."""
        if not path:
            raise PageError("There is no image yet: upload one, or click an example.")
        pixels, content = read_image(path, self.client.limits)
        best, (summary, html) = self.generate(settings, image=[content])
        if explanation := self.explain(image=[content]):
            html += self._attention(pixels, explanation, best)
        return Answer(summary, html)

    def _attention(self, pixels, explanation, best):
        num_positions = len(explanation.weights[0])
        side = math.isqrt(num_positions)
        rows, columns = self.metadata.get("grid", [side, num_positions // side])
        if num_positions < 2 or rows * columns != num_positions:
            return ""
        note = "" if explanation.text == best else f"Caption: {explanation.text}"
        places = [_describe_position(row.index(max(row)), rows, columns) for row in explanation.weights]
        shown = (explanation.tokens, explanation.weights, places, rows, columns)
        return render("attention_maps", pixels, note, *shown)


def _describe_position(index, rows, columns):
    vertical = ("top", "middle", "bottom")[3 * (2 * (index // columns) + 1) // (2 * rows)]
    horizontal = ("left", "middle", "right")[3 * (2 * (index % columns) + 1) // (2 * columns)]
    return "middle" if vertical == horizontal == "middle" else f"{vertical} {horizontal}"


class ClipPage(Page):
    """A page for uploads of a video file, or of its frames as images."""

    example = "Clip"
    multiple_files = True
    lead = "Upload a video file, or its frames as images named in order, or click an example."

    def control(self):
        """Return the file upload."""
        label = "Video file, or its frames as images"
        return file_control(label, ["video", "image"], self.metadata.folder, multiple=True)

    def read_frames(self, paths):
        """Return the frames of an upload as images, and encoded as the export expects them."""
        if not paths:
            raise PageError("There is no clip yet: upload a video file or its frames, or click an example.")
        size = tuple(self.metadata.get("image_size", [160, 160]))
        frames = read_clip(paths, size, self.client.limits, self.metadata.get("frames"))
        return frames, [encode(frame, "PNG") for frame in frames]


class ClipCaptionPage(GenerationPage, ClipPage):
    """Captions a clip."""

    inputs, outputs = {"frames"}, {"caption", "candidates", "scores"}
    title, button = "Captions for a clip", "Describe"

    def answer(self, paths, *settings):
        """Return the captions, the frames and the attention to each."""
        frames, content = self.read_frames(paths)
        best, (summary, html) = self.generate(settings, frames=[content])
        html += render("film_strip", frames, range(1, len(frames) + 1))
        if explanation := self.explain(frames=[content]):
            names = [f"frame {i + 1}" for i in range(min(len(explanation.weights[0]), len(content)))]
            caption = "Attention in percent: one row per word, one column per frame"
            html += explanation.attention_table("Attention to the frames", caption, names, best)
        return Answer(summary, html)
