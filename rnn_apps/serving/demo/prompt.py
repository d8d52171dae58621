"""Language model page: a prompt to texts that continue it."""

import gradio as gr

from rnn_apps.serving.demo.generation import (
    MAX_SEED,
    MAX_TEMPERATURE,
    MAX_TEXTS,
    clamp,
    seed_control,
    temperature_control,
)
from rnn_apps.serving.demo.html import render, texts
from rnn_apps.serving.demo.page import Answer, TextPage

MAX_TOKENS = 500


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
