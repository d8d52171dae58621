"""A clip, or the rows of a sensor, to a ribbon of labels."""

from itertools import groupby

from rnn_apps.data.step_tables import Columns, read_streams
from rnn_apps.serving.demo.asking import Problem
from rnn_apps.serving.demo.clip_caption import ClipPage
from rnn_apps.serving.demo.marking import safe, table, texts
from rnn_apps.serving.demo.page import Page, Shown
from rnn_apps.serving.demo.palette import legend, palette
from rnn_apps.serving.demo.pictures import film_strip
from rnn_apps.serving.demo.uploads import file_control, read_table

_MOST_SAID = 20


class FrameLabelsPage(ClipPage):
    """Takes ``frames``, gives ``labels``."""

    takes, gives = {"frames"}, {"labels", "scores", "lengths"}
    title, button = "A clip to a label for each frame", "Label"
    lead = "Upload a video file, or its frames as pictures named in their order, or click an example."

    def answer(self, paths):
        """The ribbon, and the frames with their labels."""
        frames, content = self.frames_of(paths)
        labels, shown = _ribbon(self, self.ask("serving_default", frames=[content]), "frame")
        captions = [f"{number} {label}" for number, label in enumerate(labels, start=1)]
        return Shown(shown.said, f"{shown.html}<h3>Film strip</h3>{film_strip(frames, captions)}")


class RowLabelsPage(Page):
    """Takes ``features``, gives ``labels``."""

    example = "Table"
    takes, gives = {"features"}, {"labels", "scores", "lengths"}
    title, button = "Rows of a sensor to a label for each", "Label"

    @property
    def lead(self):
        """With the columns, where the export says them."""
        names = ", ".join(self.facts.get("features", ()))
        return f"Upload a CSV file with a row a step{f' and the columns {names}' if names else ''}."

    def control(self):
        """A place for a table."""
        return file_control("CSV file", [".csv"], self.facts.folder)

    def answer(self, path):
        """The ribbon."""
        if not path:
            raise Problem("There is no file yet: upload one, or click an example.")
        features = self.facts.get("features")
        if features is None:
            raise Problem("The export does not say its columns; export the run again.")
        missing = self.facts.get("on_missing", "fail")
        columns = Columns(None, self.facts.get("stream"), features, None, (), missing)
        streams = read_table(path, self.ask.limits, lambda file: read_streams(file, columns))
        if len(streams) > 1:
            raise Problem(f"The table holds {len(streams):,} streams; give the rows of one.")
        found = self.ask("serving_default", features=streams[0].steps[None])
        return _ribbon(self, found, "row")[1]


def _ribbon(page, found, step):
    """The labels of all steps, and what is shown of them."""
    count = int(found["lengths"][0])
    labels, scores = texts(found["labels"][0])[:count], found["scores"][0, :count]
    colours = palette(page.facts.get("class_names", sorted(set(labels))))
    spans, begin = [], 0
    for label, same in groupby(labels):
        end = begin + len(list(same))
        spans.append((label, begin, end, float(scores[begin:end].mean())))
        begin = end
    strips = "".join(
        f'<i style="left:{100 * a / count:.3f}%;width:{100 * (b - a) / count:.3f}%;'
        f'background:{colours.get(label, "#c9ced8")}" title="{safe(label)}: {a + 1} to {b}"></i>'
        for label, a, b, _ in spans
    )
    said = ", ".join(f"{_span(a, b)} {label}" for label, a, b, _ in spans[:_MOST_SAID])
    said = f"{count:,} {step}s: {said}{', ...' if len(spans) > _MOST_SAID else '.'}"
    rows = [(_span(a, b), label, f"{mean:.3f}") for label, a, b, mean in spans]
    kind = table("Labels", [f"{step}s", "label", "mean score"], rows, (2,))
    ribbon = f'<div class="ribbon" role="img" aria-label="{safe(said)}">{strips}</div>'
    return labels, Shown(said, f"{ribbon}{legend(colours, labels)}{kind}")


def _span(begin, end):
    return f"{begin + 1} to {end}" if end - begin > 1 else str(end)
