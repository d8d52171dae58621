"""What pages share on which a network writes: how it searches, what it found, and where it looked."""

import gradio as gr

from rnn_apps.serving.demo.asking import Problem
from rnn_apps.serving.demo.marking import heat, numbered, read_in_part, safe, texts
from rnn_apps.serving.demo.page import Shown

MOST_BEAMS, MOST_TEXTS, HOTTEST, MOST_SEED = 10, 5, 2, 2**31 - 1


class Searches:
    """A page whose answers are searched for; it stands before `Page` among the bases.

    Attributes:
        text: name of the output that is the answer.
    """

    text = "caption"

    def settings(self):
        """How it searches."""
        return search_settings(self.facts.get("beam", 5))

    def search(self, settings, **given):
        """Return the texts about one input, and what is shown of them.

        Args:
            settings: values of `search_settings`.
            **given: the input, by name.

        Returns:
            List of texts, best first, and `Shown`.
        """
        beam, nbest, temperature, seed = settings
        asked = {
            "beam": int(within(beam, 1, MOST_BEAMS)),
            "nbest": int(within(nbest, 1, MOST_TEXTS)),
            "temperature": float(within(temperature, 0, HOTTEST)),
            "seed": int(within(seed, 0, MOST_SEED)),
        }
        if "generate" in self.ask.signatures:
            found = self.ask("generate", **given, **asked)
        else:
            found = self.ask("serving_default", **given)
        scores = found["scores"][0].tolist()
        lines = [pair for pair in zip(texts(found["candidates"][0]), scores) if not pair[1] <= -1e30]
        lines = lines or [("", 0.0)]
        best, part = lines[0][0], read_in_part(found)
        shown = f'<p class="verdict written" dir="auto">{safe(best) or "(nothing)"}</p>'
        if part:
            shown += f'<p class="quiet">{part}</p>'
        if len(lines) > 1:
            score = "Log-probability" if asked["temperature"] > 0 else "The score of the search"
            shown += numbered("Best answers", lines, f"{score} beside each.")
        said = f"{self.text.capitalize()}: {best or '(nothing)'}" + (f"; {part}" if part else "")
        return [text for text, _ in lines], Shown(said, shown)

    def attention(self, **given):
        """Return the `Written` of plain search with where the network looked; None where that is not said."""
        if "explain" not in self.ask.signatures:
            return None
        written = Written(self.ask("explain", **given), self.text)
        return written if written.has_attention else None


class Written:
    """The best text of an input, its tokens, and the attention to each place while each was written.

    Args:
        found: outputs of the signature ``explain`` for one input.
        answer: name of the text among them.
    """

    def __init__(self, found, answer):
        count = int(found["lengths"][0])
        self.text = texts(found[answer])[0]
        self.tokens = texts(found["tokens"][0])[:count]
        self.weights = found["weights"][0, :count].tolist()
        self.sources = texts(found["sources"][0]) if "sources" in found else None

    @property
    def has_attention(self):
        """Whether the network looks at places, and wrote anything."""
        return bool(self.weights and self.weights[0])

    def looks(self, caption, places, best):
        """Return the weights as a table of tokens and places, and in words.

        Args:
            caption: of the table.
            places: names of what was looked at.
            best: the text that is shown as the answer; where this is another one, it is said.
        """
        about = "" if self.text == best else f" Of what plain search writes: “{self.text}”."
        table = heat(caption, self.tokens, places, self.weights)
        return f'{table}<p class="quiet">{safe(f"{self._most(places)}{about}")}</p>'

    def _most(self, places):
        """Return which place each token looks at most, in words."""
        pairs = (
            f"{token} at {places[max(range(len(places)), key=row[: len(places)].__getitem__)]}"
            for token, row in zip(self.tokens, self.weights)
        )
        return f"It looks most: {', '.join(pairs)}."


def within(value, least, most):
    """Return a number as a control may give it, whatever a program sent in its place.

    Raises:
        Problem: it is no number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise Problem(f"A setting is no number; expected {least} to {most}.")
    return min(max(value, least), most)


def temperature_setting(usual=0.0):
    """Return the control of how boldly it is drawn."""
    info = "0: the likeliest text; higher: drawn at random, more boldly."
    return gr.Slider(0, HOTTEST, usual, step=0.1, label="Temperature", info=info)


def seed_setting():
    """Return the control of the numbers by which it is drawn."""
    return gr.Number(0, label="Seed", precision=0, minimum=0, maximum=MOST_SEED, info="Of what is drawn.")


def search_settings(beam):
    """Return the controls of the signature ``generate``: beam, nbest, temperature, seed.

    Args:
        beam: where nobody moves it.
    """
    info = "Texts that are compared while writing."
    return [
        gr.Slider(1, MOST_BEAMS, min(beam, MOST_BEAMS), step=1, label="Beam width", info=info),
        gr.Slider(1, MOST_TEXTS, 3, step=1, label="Answers", info="The best ones, shown in order."),
        temperature_setting(),
        seed_setting(),
    ]
