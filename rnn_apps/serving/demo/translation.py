"""Translation page: a sentence to its translations and their alignment."""

from rnn_apps.serving.demo.generation import GenerationPage
from rnn_apps.serving.demo.page import Answer, TextPage


class TranslationPage(GenerationPage, TextPage):
    """Translates a sentence."""

    inputs, outputs = {"text"}, {"text", "candidates", "scores"}
    text = "text"
    label, lines, button = "Sentence", 3, "Translate"
    lead = "Type a sentence, or click an example: the network translates it."

    @property
    def title(self):
        """Title with the languages, if the export names them."""
        languages = self.metadata.get("languages")
        return f"Translation from {' to '.join(languages)}" if languages else "Translation of a sentence"

    def answer(self, text, *settings):
        """Return the translations and the alignment."""
        best, (summary, html) = self.generate(settings, text=[text])
        if explanation := self.explain(text=[text]):
            html += _alignment(explanation, best)
        return Answer(f"Translation{summary.removeprefix('Text')}", html)


def _alignment(explanation, best):
    sources = [source or "(end)" for source in explanation.sources or ()]
    while len(sources) > 1 and sources[-1] == sources[-2] == "(end)":  # padding
        sources.pop()
    sources = sources or [f"position {i + 1}" for i in range(len(explanation.weights[0]))]
    caption = "Attention in percent: one row per output token, one column per input token"
    return explanation.attention_table("Alignment", caption, sources, best)
