"""Image captioning page: captions, and the attention to the image at each word."""

import math

import gradio as gr

from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.generation import GenerationPage
from rnn_apps.serving.demo.html import safe
from rnn_apps.serving.demo.images import attention_maps
from rnn_apps.serving.demo.page import Answer
from rnn_apps.serving.demo.uploads import file_input, read_image


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
        candidates, (summary, html) = self.generate(settings, image=[content])
        if explanation := self.explain(image=[content]):
            html += self._attention(pixels, explanation, candidates[0])
        return Answer(summary, html)

    def _attention(self, pixels, explanation, best):
        num_positions = len(explanation.weights[0])
        side = math.isqrt(num_positions)
        grid = self.metadata.get("grid", [side, num_positions // side])
        if num_positions < 2 or grid[0] * grid[1] != num_positions:
            return ""
        note = "" if explanation.text == best else f'<p class="quiet">Caption: {safe(explanation.text)}</p>'
        maps = attention_maps(pixels, explanation.tokens, explanation.weights, grid)
        return f"<h3>Attention at each word</h3>{note}{maps}"
