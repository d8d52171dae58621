"""Sequence labelling pages: one label per frame of a clip or per row of sensor data."""

from itertools import groupby

from rnn_apps.data.step_tables import Columns, read_streams
from rnn_apps.serving.demo.captions import ClipPage
from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.html import palette, render, texts
from rnn_apps.serving.demo.page import Answer, TablePage
from rnn_apps.serving.demo.uploads import read_table

_MAX_SPANS_IN_SUMMARY = 20


class FrameLabelsPage(ClipPage):
    """Labels every frame of a clip."""

    inputs, outputs = {"frames"}, {"labels", "scores", "lengths"}
    title, button = "A label for each frame of a clip", "Label"

    def answer(self, paths):
        """Return the labels as a ribbon, and the labelled frames."""
        frames, content = self.read_frames(paths)
        labels, answer = _label_steps(self, self.client("serving_default", frames=[content]), "frame")
        captions = [f"{number} {label}" for number, label in enumerate(labels, start=1)]
        return Answer(answer.summary, answer.html + render("film_strip", frames, captions))


class RowLabelsPage(TablePage):
    """Labels every row of sensor data."""

    example = "Table"
    inputs, outputs = {"features"}, {"labels", "scores", "lengths"}
    title, button = "A label for each row of sensor data", "Label"

    @property
    def lead(self):
        """Instructions with the columns, if the export names them."""
        names = ", ".join(self.metadata.get("features", ()))
        return f"Upload a CSV file with one row per step{f' and the columns {names}' if names else ''}."

    def answer(self, path):
        """Return the labels as a ribbon."""
        self.require(path, "features")
        features, on_missing = self.metadata.get("features"), self.metadata.get("on_missing", "fail")
        columns = Columns(None, self.metadata.get("stream"), features, None, (), on_missing)
        streams = read_table(path, self.client.limits, lambda file: read_streams(file, columns))
        if len(streams) > 1:
            raise PageError(f"The table holds {len(streams):,} streams; upload the rows of one only.")
        outputs = self.client("serving_default", features=streams[0].steps[None])
        return _label_steps(self, outputs, "row")[1]


def _label_steps(page, outputs, step):
    """Return the labels of all steps, and the `Answer` that shows them as a ribbon and as a table."""
    count = int(outputs["lengths"][0])
    labels, scores = texts(outputs["labels"][0])[:count], outputs["scores"][0, :count]
    colours = palette(page.metadata.get("class_names", sorted(set(labels))))
    spans, start = [], 0
    for label, group in groupby(labels):
        stop = start + len(list(group))
        steps = f"{start + 1} to {stop}" if stop - start > 1 else str(stop)
        row = (steps, label, f"{float(scores[start:stop].mean()):.3f}")
        spans.append({"label": label, "start": start, "stop": stop, "row": row})
        start = stop
    described = [f"{span['row'][0]} {span['label']}" for span in spans[:_MAX_SPANS_IN_SUMMARY]]
    end = ", ..." if len(spans) > _MAX_SPANS_IN_SUMMARY else "."
    summary = f"{count:,} {step}s: {', '.join(described)}{end}"
    return labels, Answer(summary, render("step_labels", summary, spans, count, step, colours))
