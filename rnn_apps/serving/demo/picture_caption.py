"""A picture to a sentence about it, with where the network looked."""

import math

import gradio as gr

from rnn_apps.serving.demo.asking import Problem
from rnn_apps.serving.demo.marking import safe
from rnn_apps.serving.demo.page import Page, Shown
from rnn_apps.serving.demo.pictures import looked_at
from rnn_apps.serving.demo.uploads import closed, read_picture
from rnn_apps.serving.demo.writing import Searches


class PictureCaptionPage(Searches, Page):
    """Takes ``image``, gives ``caption``."""

    example = "Picture"
    takes, gives = {"image"}, {"caption", "candidates", "scores"}
    title, button = "A picture to a caption", "Describe"
    lead = "Upload a picture, take one with the webcam, or click one of the examples."

    def control(self):
        """A place for one picture, or a still of the webcam."""
        sources = ["upload", "webcam", "clipboard"]
        picture = gr.Image(
            label="Picture", type="filepath", image_mode=None, sources=sources, height=320, elem_id="given"
        )
        return closed(picture, self.facts.folder)

    def answer(self, path, *settings):
        """The captions, and the picture once a word."""
        if not path:
            raise Problem("There is no picture yet: upload one, or click an example.")
        pixels, content = read_picture(path, self.ask.limits)
        found, (said, html) = self.search(settings, image=[content])
        if written := self.attention(image=[content]):
            html += self._looks(pixels, written, found[0])
        return Shown(said, html)

    def _looks(self, pixels, written, best):
        places = len(written.weights[0])
        side = math.isqrt(places)
        grid = self.facts.get("grid", [side, places // side])
        if places < 2 or grid[0] * grid[1] != places:
            return ""
        about = "" if written.text == best else f'<p class="quiet">Of: {safe(written.text)}</p>'
        looks = looked_at(pixels, written.tokens, written.weights, grid)
        return f"<h3>Where it looked at each word</h3>{about}{looks}"
