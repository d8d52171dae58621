"""The page as gradio's components."""

import logging
from pathlib import Path

import gradio as gr

from rnn_apps.serving.demo.asking import Problem
from rnn_apps.serving.demo.marking import safe
from rnn_apps.serving.demo.page import Page
from rnn_apps.serving.demo.uploads import local

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
AT_ONCE, WAITING = 8, 64  # visitors who are answered, and who wait
SECONDS_KEPT = 600  # of an uploaded file
_log = logging.getLogger("rnn_apps.serving")


def make_theme():
    """Return gradio's plainest theme in the colours of a run's report."""
    font = ["system-ui", "sans-serif"]
    return gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=font, font_mono=["monospace"]).set(
        button_primary_background_fill="#1f5fa8",
        button_primary_background_fill_hover="#174a84",
        button_primary_text_color="#ffffff",
        slider_color="#1f5fa8",
    )


def make_blocks(page, facts, name):
    """Return the `gr.Blocks` of a page.

    Args:
        page: `Page`, or None where the export has none.
        facts: `Facts`.
        name: by which the network is served.
    """
    title = page.title if page else "No page for this export"
    with gr.Blocks(
        title=f"{name}: {title}", analytics_enabled=False, delete_cache=(60, SECONDS_KEPT)
    ) as blocks:
        gr.HTML(_head(page, facts, name, title), js_on_load=None)
        if page:
            _fill(page)
    return blocks.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE, api_open=False)


def _head(page, facts, name, title):
    lines = [f"<h1>{safe(title)}</h1>", f'<p class="quiet">network <b><bdi>{safe(name)}</bdi></b></p>']
    if page is None:
        lines.append("<p>What it takes and gives is asked over HTTP: /v1/models/NAME/metadata.</p>")
    else:
        lines.append(f"<p>{safe(page.lead)}</p>")
    if facts.get("is_sample"):
        text = "Trained on the generated sample: it knows its words and shapes, and little of the world."
        lines.append(f'<p class="sample">{text}</p>')
    if page is not None and not facts.are_there:
        text = (
            "This export is older than the demo page: it has no examples and no names. Export the run again."
        )
        lines.append(f'<p class="sample">{text}</p>')
    return f'<header class="page">{"".join(lines)}</header>'


def _fill(page):
    given = page.control()
    examples, clicked, settings = page.examples(), [], []
    if type(page).settings is not Page.settings:
        with gr.Accordion("Settings", open=False):
            settings = page.settings()
    for component in (given, *settings):
        local(component, page.facts.folder)
    button = gr.Button(page.button, variant="primary", elem_id="ask")
    if examples:
        gr.HTML("<h2>Examples</h2>", js_on_load=None)
        with gr.Row(elem_id="examples"):
            clicked = [gr.Button(one.name, size="sm", elem_classes=["example"]) for one in examples]
    gr.HTML("<h2>Answer</h2>", js_on_load=None)
    said = gr.HTML("", elem_id="said", js_on_load=None)
    shown = gr.HTML("", elem_id="shown", js_on_load=None)
    asked = {"fn": _answering(page), "inputs": [given, *settings], "outputs": [said, shown]}
    asked |= {"api_visibility": "private", "show_progress": "minimal", "show_progress_on": [shown]}
    gr.on([button.click, *([given.submit] if isinstance(given, gr.Textbox) else [])], **asked)
    for one, example in zip(clicked, examples):
        put = one.click(_giving(example.value), None, given, api_visibility="private", show_progress="hidden")
        put.then(**asked)


def _giving(value):
    return lambda: value


def _answering(page):
    """From the values of the controls to the HTML of what is said and of what is shown."""

    def answer(given, *settings):
        try:
            shown = page.answer(given or "", *settings)
        except Problem as problem:
            return f'<p class="problem">{safe(problem)}</p>', ""
        except Exception:
            _log.exception("a page could not answer")
            return '<p class="problem">The server could not answer.</p>', ""
        return f'<p class="heard">{safe(shown.said)}</p>', f'<div class="answer">{shown.html}</div>'

    return answer
