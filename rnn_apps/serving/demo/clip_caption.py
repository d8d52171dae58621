"""Video captioning page: captions, a film strip, and the attention to each frame."""

from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.generation import GenerationPage
from rnn_apps.serving.demo.images import film_strip
from rnn_apps.serving.demo.page import Answer, Page
from rnn_apps.serving.demo.uploads import encode, file_control, read_clip


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
        candidates, (summary, html) = self.generate(settings, frames=[content])
        html += f"<h3>Film strip</h3>{film_strip(frames)}"
        if explanation := self.explain(frames=[content]):
            names = [f"frame {i + 1}" for i in range(min(len(explanation.weights[0]), len(content)))]
            caption = "Attention in percent: one row per word, one column per frame"
            attention = explanation.attention_table(caption, names, candidates[0])
            html += f"<h3>Attention to the frames</h3>{attention}"
        return Answer(summary, html)
