"""What every kind of page is made of: controls, examples to click, and answers."""

from abc import ABC, abstractmethod
from collections.abc import Set
from typing import NamedTuple

import gradio as gr

LONGEST_NAME = 60  # letters of an example on its button


class Shown(NamedTuple):
    """An answer.

    Args:
        said: one sentence of text, which a screen reader reads out.
        html: all of it.
    """

    said: str
    html: str


class Example(NamedTuple):
    """Something to click.

    Args:
        name: on the button.
        value: of the first control: a text, a path, or a list of paths.
    """

    name: str
    value: object


class Page(ABC):
    """A kind of page; a subclass belongs to one form of `serving_default`.

    Args:
        ask: `Asker`.
        facts: `Facts`.

    Attributes:
        takes: names of the inputs of `serving_default` that the page is for.
        gives: names of outputs that it needs.
        title: what the network does.
        lead: what a visitor is to do.
        button: on what asks.
        example: what an example file is called on its button, before its number.
        takes_several: whether one example is several files.
    """

    takes: Set[str] = frozenset()
    gives: Set[str] = frozenset()
    title: str | None = None
    lead: str | None = None
    button, example = "Answer", "Example"
    takes_several = False

    def __init__(self, ask, facts):
        self.ask, self.facts = ask, facts

    @classmethod
    def fits(cls, inputs, outputs):
        """Whether the page is for an export with these names of inputs and outputs of `serving_default`."""
        return inputs == cls.takes and cls.gives <= outputs

    @abstractmethod
    def control(self):
        """Return the gradio component that takes what is asked."""

    def settings(self):
        """Return the gradio components of how it is to be answered, in the order of `answer`."""
        return []

    @abstractmethod
    def answer(self, given, *settings):
        """Return what is `Shown`.

        Raises:
            Problem: there is no answer.
        """

    def examples(self):
        """Return a list of `Example`."""
        files = [one["files"] for one in self.facts.examples if "files" in one]
        given = files if self.takes_several else [paths[0] for paths in files]
        return [Example(f"{self.example} {number}", value) for number, value in enumerate(given, start=1)]


class TextPage(Page):
    """A page on which something is typed."""

    label, lines = "Text", 4

    def control(self):
        """A field for text."""
        info = "At most 100,000 bytes. Shift and Enter asks."
        return gr.Textbox(label=self.label, lines=self.lines, max_lines=20, info=info, elem_id="given")

    def examples(self):
        """Return a list of `Example`."""
        return [Example(_named(one["text"]), one["text"]) for one in self.facts.examples if "text" in one]


def _named(text):
    text = " ".join(text[:1000].split())
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 4].rstrip()} ..."
