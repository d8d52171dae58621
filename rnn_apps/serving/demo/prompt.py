"""A prompt to the text that goes on from it."""

import gradio as gr

from rnn_apps.serving.demo.marking import safe, texts
from rnn_apps.serving.demo.page import Shown, TextPage
from rnn_apps.serving.demo.writing import (
    HOTTEST,
    MOST_SEED,
    MOST_TEXTS,
    seed_setting,
    temperature_setting,
    within,
)

MOST_TOKENS = 500


class PromptPage(TextPage):
    """Takes ``prompt``, ``length`` and ``temperature``, gives ``text``."""

    takes, gives = {"prompt", "length", "temperature"}, {"text", "log_probability"}
    title, label, lines, button = "A prompt to a text", "Prompt", 3, "Write on"
    lead = "Type how a text begins, or click one of the examples: the network goes on with it."

    def settings(self):
        """How much, how boldly, how many, and the seed."""
        unit = {"token": "words", "character": "letters"}.get(self.facts.get("unit"), "tokens")
        length = min(self.facts.get("length", 60), MOST_TOKENS)
        return [
            gr.Slider(1, MOST_TOKENS, length, step=1, label="Length", info=f"How many {unit} are written."),
            temperature_setting(self.facts.get("temperature", 0.8)),
            gr.Slider(1, MOST_TEXTS, 1, step=1, label="Answers", info="Texts that are drawn."),
            seed_setting(),
        ]

    def answer(self, prompt, length, temperature, count, seed):
        """The texts, likeliest first."""
        count, seed = int(within(count, 1, MOST_TEXTS)), int(within(seed, 0, MOST_SEED))
        length, temperature = int(within(length, 1, MOST_TOKENS)), float(within(temperature, 0, HOTTEST))
        asked = {"prompt": [prompt] * count, "length": length, "temperature": temperature}
        if "generate" in self.ask.signatures:
            more = {"seed": seed, "top_k": 0, "top_p": 1.0}
            found = self.ask("generate", **asked, **more)
        else:
            found = self.ask("serving_default", **asked)
        written = zip(texts(found["text"]), found["log_probability"].tolist())
        ranked = sorted(set(written), key=lambda pair: -pair[1])
        begun = len(prompt.encode("utf-8", "replace").decode("utf-8"))
        items = "".join(
            f'<li class="written" dir="auto"><span class="quiet">{safe(text[:begun])}</span>'
            f'<b>{safe(text[begun:])}</b> <small class="quiet">log-probability {score:.2f}</small></li>'
            for text, score in ranked
        )
        note = f'<p class="quiet">The prompt is grey. Temperature {temperature:g}, seed {seed}.</p>'
        return Shown(f"It goes on: {ranked[0][0][begun:].strip()}", f'<ol class="plain">{items}</ol>{note}')
