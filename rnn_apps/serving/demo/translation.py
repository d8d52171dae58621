"""A sentence to its translation, with what each word was written from."""

from rnn_apps.serving.demo.page import Shown, TextPage
from rnn_apps.serving.demo.writing import Searches


class TranslationPage(Searches, TextPage):
    """Takes ``text``, gives ``text``."""

    takes, gives = {"text"}, {"text", "candidates", "scores"}
    text = "text"
    label, lines, button = "Sentence", 3, "Translate"
    lead = "Type a sentence, or click one of the examples: the network translates it."

    @property
    def title(self):
        """With the languages, where the export says them."""
        languages = self.facts.get("languages")
        return f"Translation from {' to '.join(languages)}" if languages else "A sentence to its translation"

    def answer(self, text, *settings):
        """The translations, and the alignment of the best one."""
        found, (said, html) = self.search(settings, text=[text])
        said = f"Translation{said.removeprefix('Text')}"
        if written := self.attention(text=[text]):
            html += _alignment(written, found[0])
        return Shown(said, html)


def _alignment(written, best):
    sources = [source or "(end)" for source in written.sources or ()]
    while len(sources) > 1 and sources[-1] == sources[-2] == "(end)":  # the rest is padding
        sources.pop()
    sources = sources or [f"place {i + 1}" for i in range(len(written.weights[0]))]
    caption = "Attention in per cent: rows are written, columns are read"
    return f"<h3>Alignment</h3>{written.looks(caption, sources, best)}"
