"""Builds the gradio components of a demo page."""

import logging
from pathlib import Path

import gradio as gr

from rnn_apps.serving.demo.client import PageError
from rnn_apps.serving.demo.html import render, safe
from rnn_apps.serving.demo.page import Page
from rnn_apps.serving.demo.uploads import restrict_paths

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
MAX_CONCURRENT, QUEUE_SIZE = 8, 64  # visitors
UPLOAD_LIFETIME = 600  # seconds
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


def make_blocks(page, metadata, name):
    """Return the `gr.Blocks` of a page.

    Args:
        page: `Page`, or None if the export has none.
        metadata: `Metadata`.
        name: name under which the network is served.
    """
    title = page.title if page else "No page for this export"
    with gr.Blocks(
        title=f"{name}: {title}", analytics_enabled=False, delete_cache=(60, UPLOAD_LIFETIME)
    ) as blocks:
        gr.HTML(_header(page, metadata, name, title), js_on_load=None)
        if page:
            _add_components(page)
    return blocks.queue(max_size=QUEUE_SIZE, default_concurrency_limit=MAX_CONCURRENT, api_open=False)


def _header(page, metadata, name, title):
    lead = page.lead if page else "For its inputs and outputs, ask the API: /v1/models/NAME/metadata."
    warnings = []
    if metadata.get("is_sample"):
        warnings.append(
            "Trained on synthetic data: it knows the words and shapes of that data and little else."
        )
    if page is not None and not metadata.values:
        warnings.append(
            "This export is older than the demo page: it has no examples or names. Export the run again."
        )
    return render("page_header", title, name, lead, warnings)


def _add_components(page):
    control, examples, settings = page.control(), page.examples(), []
    if type(page).settings is not Page.settings:
        with gr.Accordion("Settings", open=False):
            settings = page.settings()
    for component in (control, *settings):
        restrict_paths(component, page.metadata.folder)
    submit = gr.Button(page.button, variant="primary", elem_id="submit")
    example_buttons = []
    if examples:
        gr.HTML("<h2>Examples</h2>", js_on_load=None)
        with gr.Row(elem_id="examples"):
            example_buttons = [
                gr.Button(example.name, size="sm", elem_classes=["example"]) for example in examples
            ]
    gr.HTML("<h2>Answer</h2>", js_on_load=None)
    summary = gr.HTML("", elem_id="summary", js_on_load=None)
    answer = gr.HTML("", elem_id="answer", js_on_load=None)
    event = {
        "fn": _make_handler(page),
        "inputs": [control, *settings],
        "outputs": [summary, answer],
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": [answer],
    }
    gr.on([submit.click, *([control.submit] if isinstance(control, gr.Textbox) else [])], **event)
    for button, example in zip(example_buttons, examples):
        fill = button.click(
            lambda value=example.value: value,
            None,
            control,
            api_visibility="private",
            show_progress="hidden",
        )
        fill.then(**event)


def _make_handler(page):
    """Return the function from the values of the controls to the HTML of the summary and the answer."""

    def handle(value, *settings):
        try:
            answer = page.answer(value or "", *settings)
        except PageError as error:
            return f'<p class="problem">{safe(error)}</p>', ""
        except Exception:
            _log.exception("a page could not answer")
            return '<p class="problem">The server could not answer.</p>', ""
        summary = f'<p class="visually-hidden">{safe(answer.summary)}</p>'
        return summary, f'<div class="answer">{answer.html}</div>'

    return handle
