"""Tagging page: a sentence to one tag per word."""

from rnn_apps.serving.demo.html import palette, render, texts
from rnn_apps.serving.demo.page import Answer, TextPage

MAX_WORDS, MAX_WORDS_IN_SUMMARY = 1000, 40


class TagsPage(TextPage):
    """Tags every word of a sentence."""

    inputs, outputs = {"text"}, {"tokens", "tags", "scores", "lengths"}
    title, label, lines, button = "A tag for each word of a sentence", "Sentence", 3, "Tag"
    lead = "Type a sentence, or click an example. Words are separated by white space."

    def answer(self, text):
        """Return each word with its tag."""
        outputs = self.client("serving_default", text=[text])
        count = int(outputs["lengths"][0])
        words, tags = (texts(outputs[name][0])[:count] for name in ("tokens", "tags"))
        scores = outputs["scores"][0, :count].tolist()
        if not words:
            return Answer("The sentence has no words.", "")
        colours = palette(self.metadata.get("class_names", sorted(set(tags))))
        rows = [(word, tag, f"{score:.3f}") for word, tag, score in zip(words[:MAX_WORDS], tags, scores)]
        pairs = ", ".join(f"{word} {tag}" for word, tag in zip(words[:MAX_WORDS_IN_SUMMARY], tags))
        end = ", ..." if count > MAX_WORDS_IN_SUMMARY else "."
        more = f" The first {MAX_WORDS:,} are shown." if count > MAX_WORDS else ""
        summary = f"{count:,} word{'s' if count > 1 else ''}: {pairs}{end}{more}"
        return Answer(summary, render("tags", rows, colours))
