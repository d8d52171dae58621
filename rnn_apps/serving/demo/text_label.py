"""A text to its class, with the score as it moves from word to word."""

import math

from rnn_apps.serving.demo.marking import bars, details, read_in_part, safe, table, texts
from rnn_apps.serving.demo.page import Shown, TextPage

MOST_CLASSES = 10
WIDTH, HEIGHT = 600, 60


class TextLabelPage(TextPage):
    """Takes ``text``, gives ``label``."""

    takes, gives = {"text"}, {"label", "score", "probabilities"}
    title, button = "A text to its class", "Classify"
    lead = "Type a text, or click one of the examples: the network says which class it belongs to."

    def answer(self, text):
        """The label, all probabilities, and the score after every word."""
        found = self.ask("serving_default", text=[text])
        (label,), (score,) = texts(found["label"]), found["score"]
        (probabilities,) = found["probabilities"]
        names = self.facts.get("class_names", [f"class {i + 1}" for i in range(len(probabilities))])
        ranked = sorted(zip(names, map(float, probabilities)), key=lambda pair: -pair[1])
        said, part = f"{label}, with a probability of {score:.3f}.", read_in_part(found)
        shown = f'<p class="verdict"><bdi>{safe(label)}</bdi> <span class="quiet">{score:.3f}</span></p>'
        shown += bars("Probability of each class", ranked[:MOST_CLASSES])
        if part:
            said, shown = f"{said} It {part}.", f'{shown}<p class="quiet">{part}</p>'
        if "explain" in self.ask.signatures:
            shown += self._word_by_word(text, names)
        return Shown(said, shown)

    def _word_by_word(self, text, names):
        found = self.ask("explain", text=[text])
        count = int(found["lengths"][0])
        words, scores = texts(found["tokens"][0])[:count], found["scores"][0, :count].tolist()
        if not words:
            return '<p class="quiet">No word of the text is read.</p>'
        if not all(map(math.isfinite, scores)):
            return '<p class="quiet">No chart of the words: some scores are not finite numbers.</p>'
        of = texts(found["label"])[0]
        if len(names) == 2 and of == names[0]:  # so that a colour means the same in every text
            of, scores = names[1], [1 - score for score in scores]
        return _trace(of, words, scores, 1 / len(names))


def _trace(of, words, scores, start):
    """The words with the score once each is read, as colours, as a line, in words and as a table.

    Args:
        of: the class whose probability the scores are.
        words: list of text.
        scores: as many, 0 to 1.
        start: what a class has before anything is read.
    """
    marked = " ".join(
        f'<span class="{"high" if score > 0.5 else "low"}" style="--share:{abs(score - 0.5) * 2:.2f}" '
        f'title="{score:.3f}">{safe(word)}</span>'
        for word, score in zip(words, scores)
    )
    places = [WIDTH * (index + 0.5) / len(scores) for index in range(len(scores))]
    points = " ".join(f"{x:.1f},{HEIGHT * (1 - score):.1f}" for x, score in zip(places, scores))
    if len(scores) == 1:
        points = f"0,{HEIGHT * (1 - scores[0]):.1f} {WIDTH},{HEIGHT * (1 - scores[0]):.1f}"
    summary = _summary(of, words, scores, start)
    rows = [(word, f"{score:.3f}") for word, score in zip(words, scores)]
    return (
        f"<h3>Word by word</h3>"
        f'<p class="quiet">The probability of <b><bdi>{safe(of)}</bdi></b> when the text ends after a word: '
        f'<span class="scale" aria-hidden="true"></span> 0 to 1.</p>'
        f'<p class="traced" dir="auto">{marked}</p>'
        f'<div class="trace"><span aria-hidden="true"><i>1</i><i>0</i></span>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{safe(summary)}"><line x1="0" y1="{HEIGHT / 2}" x2="{WIDTH}" y2="{HEIGHT / 2}"/>'
        f'<polyline points="{points}"/></svg></div><p>{safe(summary)}</p>'
        + details("The same as a table", table("Score word by word", ["word", f"score of {of}"], rows, (1,)))
    )


def _summary(of, words, scores, start):
    steps = [after - before for before, after in zip([start, *scores], scores)]
    largest = max(range(len(steps)), key=lambda index: abs(steps[index]))
    way = "up" if steps[largest] > 0 else "down"
    return (
        f"The score of {of} is {scores[0]:.3f} after the first word and {scores[-1]:.3f} after the last; "
        f"it moves most at word {largest + 1}, “{words[largest]}”: {way} to {scores[largest]:.3f}."
    )
