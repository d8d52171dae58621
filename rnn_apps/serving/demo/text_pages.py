"""Pages with a text field: classification, tagging, translation, and language models."""

import math

import gradio as gr

from rnn_apps.serving.demo.generation import (
    MAX_SEED,
    MAX_TEMPERATURE,
    MAX_TEXTS,
    GenerationPage,
    clamp,
    seed_control,
    temperature_control,
)
from rnn_apps.serving.demo.html import palette, render, texts, truncation_note
from rnn_apps.serving.demo.page import Answer, TextPage

MAX_CLASSES = 10
MAX_WORDS, MAX_WORDS_IN_SUMMARY = 1000, 40
MAX_TOKENS = 500


class TextLabelPage(TextPage):
    """Classifies a text."""

    inputs, outputs = {"text"}, {"label", "score", "probabilities"}
    title, button = "The class of a text", "Classify"
    lead = "Type a text, or click an example: the network predicts its class."

    def answer(self, text):
        """Return the label, all probabilities, and the score after every word."""
        outputs = self.client("serving_default", text=[text])
        label, score = texts(outputs["label"])[0], outputs["score"][0]
        probabilities = outputs["probabilities"][0]
        names = self.metadata.get("class_names", [f"class {i + 1}" for i in range(len(probabilities))])
        ranked = sorted(zip(names, map(float, probabilities)), key=lambda pair: -pair[1])
        summary, note = f"{label}, with a probability of {score:.3f}.", truncation_note(outputs)
        if note:
            summary = f"{summary} The network {note}."
        trace = self._word_by_word(text, names) if "explain" in self.client.signatures else ""
        return Answer(summary, render("text_label", label, score, ranked[:MAX_CLASSES], note, trace))

    def _word_by_word(self, text, names):
        outputs = self.client("explain", text=[text])
        count = int(outputs["lengths"][0])
        words, scores = texts(outputs["tokens"][0])[:count], outputs["scores"][0, :count].tolist()
        if not words:
            return render("quiet", "The network reads no word of the text.")
        if not all(map(math.isfinite, scores)):
            return render("quiet", "No chart of the words: some scores are not finite numbers.")
        name = texts(outputs["label"])[0]
        if len(names) == 2 and name == names[0]:  # so that a colour means the same for every text
            name, scores = names[1], [1 - score for score in scores]
        line = [((index + 0.5) / count, score) for index, score in enumerate(scores)]
        if count == 1:
            line = [(0, scores[0]), (1, scores[0])]
        return render(
            "word_by_word", name, words, scores, line, _summarize(name, words, scores, 1 / len(names))
        )


def _summarize(name, words, scores, prior):
    """Return a sentence on the score after the first and last word, and at its largest change.

    Args:
        name: class to which the scores belong.
        words: list of str.
        scores: probability of the class after each word.
        prior: probability of the class before the first word.
    """
    steps = [after - before for before, after in zip([prior, *scores], scores)]
    largest = max(range(len(steps)), key=lambda index: abs(steps[index]))
    direction = "up" if steps[largest] > 0 else "down"
    return (
        f"The score of {name} is {scores[0]:.3f} after the first word and {scores[-1]:.3f} after the last; "
        f"it changes most at word {largest + 1}, “{words[largest]}”: {direction} to {scores[largest]:.3f}."
    )


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


class PromptPage(TextPage):
    """Continues a prompt."""

    inputs, outputs = {"prompt", "length", "temperature"}, {"text", "log_probability"}
    title, label, lines, button = "A text that continues a prompt", "Prompt", 3, "Continue"
    lead = "Type the beginning of a text, or click an example: the network continues it."

    def settings(self):
        """Return the controls of length, temperature, number of texts and seed."""
        unit = {"token": "words", "character": "characters"}.get(self.metadata.get("unit"), "tokens")
        length, info = min(self.metadata.get("length", 60), MAX_TOKENS), f"Number of {unit} to generate."
        return [
            gr.Slider(1, MAX_TOKENS, length, step=1, label="Length", info=info),
            temperature_control(self.metadata.get("temperature", 0.8)),
            gr.Slider(1, MAX_TEXTS, 1, step=1, label="Answers", info="Number of texts to sample."),
            seed_control(),
        ]

    def answer(self, prompt, length, temperature, count, seed):
        """Return the texts, most likely first."""
        count, seed = int(clamp(count, 1, MAX_TEXTS)), int(clamp(seed, 0, MAX_SEED))
        length, temperature = int(clamp(length, 1, MAX_TOKENS)), float(clamp(temperature, 0, MAX_TEMPERATURE))
        inputs = {"prompt": [prompt] * count, "length": length, "temperature": temperature}
        if "generate" in self.client.signatures:
            outputs = self.client("generate", **inputs, seed=seed, top_k=0, top_p=1.0)
        else:
            outputs = self.client("serving_default", **inputs)
        pairs = set(zip(texts(outputs["text"]), outputs["log_probability"].tolist()))
        ranked = sorted(pairs, key=lambda pair: -pair[1])
        start = len(prompt.encode("utf-8", "replace").decode("utf-8"))
        summary = f"Continuation: {ranked[0][0][start:].strip()}"
        return Answer(summary, render("continuations", ranked, start, temperature, seed))
