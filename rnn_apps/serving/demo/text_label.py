"""Text classification page: a text to its class, with the score after every word."""

import math

from rnn_apps.serving.demo.html import bars, details, safe, table, texts, truncation_note
from rnn_apps.serving.demo.page import Answer, TextPage

MAX_CLASSES = 10
WIDTH, HEIGHT = 600, 60


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
        html = f'<p class="verdict"><bdi>{safe(label)}</bdi> <span class="quiet">{score:.3f}</span></p>'
        html += bars("Probability of each class", ranked[:MAX_CLASSES])
        if note:
            summary, html = f"{summary} The network {note}.", f'{html}<p class="quiet">{note}</p>'
        if "explain" in self.client.signatures:
            html += self._word_by_word(text, names)
        return Answer(summary, html)

    def _word_by_word(self, text, names):
        outputs = self.client("explain", text=[text])
        count = int(outputs["lengths"][0])
        words, scores = texts(outputs["tokens"][0])[:count], outputs["scores"][0, :count].tolist()
        if not words:
            return '<p class="quiet">The network reads no word of the text.</p>'
        if not all(map(math.isfinite, scores)):
            return '<p class="quiet">No chart of the words: some scores are not finite numbers.</p>'
        name = texts(outputs["label"])[0]
        if len(names) == 2 and name == names[0]:  # so that a colour means the same for every text
            name, scores = names[1], [1 - score for score in scores]
        return _trace(name, words, scores, 1 / len(names))


def _trace(name, words, scores, prior):
    """Return the score after each word as colours, as a line, as a sentence and as a table.

    Args:
        name: class to which the scores belong.
        words: list of str.
        scores: probability of the class after each word.
        prior: probability of the class before the first word.
    """
    marked = " ".join(
        f'<span class="{"high" if score > 0.5 else "low"}" style="--share:{abs(score - 0.5) * 2:.2f}" '
        f'title="{score:.3f}">{safe(word)}</span>'
        for word, score in zip(words, scores)
    )
    xs = [WIDTH * (index + 0.5) / len(scores) for index in range(len(scores))]
    points = " ".join(f"{x:.1f},{HEIGHT * (1 - score):.1f}" for x, score in zip(xs, scores))
    if len(scores) == 1:
        points = f"0,{HEIGHT * (1 - scores[0]):.1f} {WIDTH},{HEIGHT * (1 - scores[0]):.1f}"
    summary = _summarize(name, words, scores, prior)
    rows = [(word, f"{score:.3f}") for word, score in zip(words, scores)]
    return (
        f"<h3>Word by word</h3>"
        f'<p class="quiet">The probability of <b><bdi>{safe(name)}</bdi></b> after each word: '
        f'<span class="scale" aria-hidden="true"></span> 0 to 1.</p>'
        f'<p class="traced" dir="auto">{marked}</p>'
        f'<div class="trace"><span aria-hidden="true"><i>1</i><i>0</i></span>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{safe(summary)}"><line x1="0" y1="{HEIGHT / 2}" x2="{WIDTH}" y2="{HEIGHT / 2}"/>'
        f'<polyline points="{points}"/></svg></div><p>{safe(summary)}</p>'
        + details(
            "The same as a table", table("Score word by word", ["word", f"score of {name}"], rows, (1,))
        )
    )


def _summarize(name, words, scores, prior):
    steps = [after - before for before, after in zip([prior, *scores], scores)]
    largest = max(range(len(steps)), key=lambda index: abs(steps[index]))
    direction = "up" if steps[largest] > 0 else "down"
    return (
        f"The score of {name} is {scores[0]:.3f} after the first word and {scores[-1]:.3f} after the last; "
        f"it changes most at word {largest + 1}, “{words[largest]}”: {direction} to {scores[largest]:.3f}."
    )
