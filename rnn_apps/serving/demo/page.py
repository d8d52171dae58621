"""Base classes of the demo pages: controls, examples and answers."""

from abc import ABC, abstractmethod
from collections.abc import Set
from typing import NamedTuple

import gradio as gr

from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.uploads import file_control

MAX_NAME_LENGTH = 60  # characters of an example on its button


class Answer(NamedTuple):
    """An answer.

    Args:
        summary: one sentence of text, which screen readers read out.
        html: the full answer.
    """

    summary: str
    html: str


class Example(NamedTuple):
    """An example input.

    Args:
        name: label of its button.
        value: value of the first control: a text, a path or a list of paths.
    """

    name: str
    value: object


class Page(ABC):
    """A kind of page, for one set of inputs and outputs of `serving_default`.

    Args:
        client: `Client`.
        metadata: `Metadata`.

    Attributes:
        inputs: names of the inputs that the signature must have.
        outputs: names of outputs that it must have, possibly among others.
        title: what the network does.
        lead: instructions for the visitor.
        button: label of the button that sends the request.
        example: label of the button of an example file, before its number.
        multiple_files: whether one example consists of several files.
    """

    inputs: Set[str] = frozenset()
    outputs: Set[str] = frozenset()
    title: str | None = None
    lead: str | None = None
    button, example = "Answer", "Example"
    multiple_files = False

    def __init__(self, client, metadata):
        self.client, self.metadata = client, metadata

    @classmethod
    def supports(cls, inputs, outputs):
        """Whether the page is for an export with these input and output names of `serving_default`."""
        return inputs == cls.inputs and cls.outputs <= outputs

    @abstractmethod
    def control(self):
        """Return the gradio component for the input."""

    def settings(self):
        """Return the gradio components for the settings, in the order of the arguments of `answer`."""
        return []

    @abstractmethod
    def answer(self, value, *settings):
        """Return the `Answer` for the value of the control.

        Raises:
            PageError: there is no answer.
        """

    def examples(self):
        """Return a list of `Example`."""
        files = [example["files"] for example in self.metadata.examples if "files" in example]
        values = files if self.multiple_files else [paths[0] for paths in files]
        return [Example(f"{self.example} {number}", value) for number, value in enumerate(values, start=1)]


class TextPage(Page):
    """A page with a text field."""

    label, lines = "Text", 4

    def control(self):
        """Return the text field."""
        info = "At most 100,000 bytes. Shift+Enter submits."
        return gr.Textbox(label=self.label, lines=self.lines, max_lines=20, info=info, elem_id="given")

    def examples(self):
        """Return a list of `Example`."""
        texts = [example["text"] for example in self.metadata.examples if "text" in example]
        return [Example(_shorten(text), text) for text in texts]


def _shorten(text):
    text = " ".join(text[:1000].split())
    return text if len(text) <= MAX_NAME_LENGTH else f"{text[: MAX_NAME_LENGTH - 4].rstrip()} ..."


class TablePage(Page):
    """A page for uploads of a CSV file."""

    def control(self):
        """Return the file upload."""
        return file_control("CSV file", [".csv"], self.metadata.folder)

    def require(self, path, name):
        """Raise `PageError` if there is no file, or the export does not name its columns under `name`."""
        if not path:
            raise PageError("There is no file yet: upload one, or click an example.")
        if not self.metadata.get(name):
            raise PageError("The export does not name its columns; export the run again.")
