"""A clip to a sentence about it, with its film strip and which frames the network looked at."""

from rnn_apps.serving.demo.asking import Problem
from rnn_apps.serving.demo.page import Page, Shown
from rnn_apps.serving.demo.pictures import film_strip
from rnn_apps.serving.demo.uploads import encoded, file_control, read_clip
from rnn_apps.serving.demo.writing import Searches


class ClipPage(Page):
    """A page to which a video file, or its frames as pictures, are uploaded."""

    example = "Clip"
    takes_several = True

    def control(self):
        """A place for a video file, or for pictures."""
        label = "Video file, or its frames as pictures"
        return file_control(label, ["video", "image"], self.facts.folder, several=True)

    def frames_of(self, paths):
        """Return the frames of what was uploaded, as pictures and as the export takes them."""
        if not paths:
            raise Problem("There is no clip yet: upload a video file or its frames, or click an example.")
        size = tuple(self.facts.get("image_size", [160, 160]))
        frames = read_clip(paths, size, self.ask.limits, self.facts.get("frames"))
        return frames, [encoded(frame, "PNG") for frame in frames]


class ClipCaptionPage(Searches, ClipPage):
    """Takes ``frames``, gives ``caption``."""

    takes, gives = {"frames"}, {"caption", "candidates", "scores"}
    title, button = "A clip to a caption", "Describe"
    lead = "Upload a video file, or its frames as pictures named in their order, or click an example."

    def answer(self, paths, *settings):
        """The captions, the frames, and the attention to each."""
        frames, content = self.frames_of(paths)
        found, (said, html) = self.search(settings, frames=[content])
        html += f"<h3>Film strip</h3>{film_strip(frames)}"
        if written := self.attention(frames=[content]):
            places = [f"frame {i + 1}" for i in range(len(written.weights[0]))][: len(content)]
            caption = "Attention in per cent: a row a word, a column a frame"
            html += f"<h3>Which frames it looked at</h3>{written.looks(caption, places, found[0])}"
        return Shown(said, html)
