"""Text classification page: a text to its class, with the score after every word."""

import math

from rnn_apps.serving.demo.html import render, texts, truncation_note
from rnn_apps.serving.demo.page import Answer, TextPage

MAX_CLASSES = 10


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
