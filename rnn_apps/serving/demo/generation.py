"""Shared by the pages of text generation: search settings, candidates and attention."""

import gradio as gr

from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.html import render, texts, truncation_note
from rnn_apps.serving.demo.page import Answer, Page

MAX_BEAM_WIDTH, MAX_TEXTS, MAX_TEMPERATURE, MAX_SEED = 10, 5, 2, 2**31 - 1


class GenerationPage(Page):
    """A page whose answer is found by beam search or sampling.

    Attributes:
        text: name of the output with the answer.
    """

    text = "caption"

    def settings(self):
        """Return the controls of the signature ``generate``: beam, nbest, temperature, seed."""
        beam = min(self.metadata.get("beam", 5), MAX_BEAM_WIDTH)
        info = "Texts kept at each step of the search."
        return [
            gr.Slider(1, MAX_BEAM_WIDTH, beam, step=1, label="Beam width", info=info),
            gr.Slider(1, MAX_TEXTS, 3, step=1, label="Answers", info="Number of answers, best first."),
            temperature_control(),
            seed_control(),
        ]

    def generate(self, settings, **inputs):
        """Return the best text generated for one input, and the `Answer` with all texts, best first.

        Args:
            settings: values of the controls of `settings`.
            **inputs: the input, by name.
        """
        beam, nbest, temperature, seed = settings
        options = {
            "beam": int(clamp(beam, 1, MAX_BEAM_WIDTH)),
            "nbest": int(clamp(nbest, 1, MAX_TEXTS)),
            "temperature": float(clamp(temperature, 0, MAX_TEMPERATURE)),
            "seed": int(clamp(seed, 0, MAX_SEED)),
        }
        if "generate" in self.client.signatures:
            outputs = self.client("generate", **inputs, **options)
        else:
            outputs = self.client("serving_default", **inputs)
        pairs = zip(texts(outputs["candidates"][0]), outputs["scores"][0].tolist())
        candidates = [pair for pair in pairs if not pair[1] <= -1e30] or [("", 0.0)]
        best, note = candidates[0][0] or "(nothing)", truncation_note(outputs)
        summary = f"{self.text.capitalize()}: {best}" + (f"; {note}" if note else "")
        score_name = "log-probability" if options["temperature"] > 0 else "score of the search"
        return candidates[0][0], Answer(summary, render("generated", best, note, candidates, score_name))

    def explain(self, **inputs):
        """Return the `Explanation` of greedy search, or None if the network has no attention."""
        if "explain" not in self.client.signatures:
            return None
        explanation = Explanation(self.client("explain", **inputs), self.text)
        return explanation if explanation.has_attention else None


class Explanation:
    """The best text for an input, its tokens, and the attention of each token to the positions of the input.

    Args:
        outputs: outputs of the signature ``explain`` for one input.
        answer: name of the output with the text.
    """

    def __init__(self, outputs, answer):
        length = int(outputs["lengths"][0])
        self.text = texts(outputs[answer])[0]
        self.tokens = texts(outputs["tokens"][0])[:length]
        self.weights = outputs["weights"][0, :length].tolist()
        self.sources = texts(outputs["sources"][0]) if "sources" in outputs else None

    @property
    def has_attention(self):
        """Whether there are attention weights for at least one token."""
        return bool(self.weights and self.weights[0])

    def attention_table(self, heading, caption, positions, best):
        """Return the attention weights as a heat map, and the most attended positions as a sentence.

        Args:
            heading: heading of the section.
            caption: caption of the table.
            positions: names of the positions of the input.
            best: the answer on the page; a note says if the weights belong to another text.
        """
        note = "" if self.text == best else f" These are the weights of the greedy search: “{self.text}”."
        most = ", ".join(
            f"{token} at {positions[max(range(len(positions)), key=row[: len(positions)].__getitem__)]}"
            for token, row in zip(self.tokens, self.weights)
        )
        summary = f"Highest attention: {most}.{note}"
        return render("attention_table", heading, caption, self.tokens, positions, self.weights, summary)


def clamp(value, minimum, maximum):
    """Return the value of a control within its range; a program may send any value in its place.

    Raises:
        PageError: the value is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise PageError(f"A setting is not a number; expected {minimum} to {maximum}.")
    return min(max(value, minimum), maximum)


def temperature_control(default=0.0):
    """Return the control of the sampling temperature."""
    info = "0: the most likely text; higher: sampled, with more variety."
    return gr.Slider(0, MAX_TEMPERATURE, default, step=0.1, label="Temperature", info=info)


def seed_control():
    """Return the control of the random seed."""
    return gr.Number(0, label="Seed", precision=0, minimum=0, maximum=MAX_SEED, info="Seed of the sampling.")
