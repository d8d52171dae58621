"""Chooses the page of an export by the inputs and outputs of `serving_default`."""

from rnn_apps.serving.demo.captions import ClipCaptionPage, ImageCaptionPage
from rnn_apps.serving.demo.forecast import ForecastPage
from rnn_apps.serving.demo.step_labels import FrameLabelsPage, RowLabelsPage
from rnn_apps.serving.demo.text_pages import PromptPage, TagsPage, TextLabelPage, TranslationPage

PAGES = (
    TextLabelPage,
    ImageCaptionPage,
    ClipCaptionPage,
    TranslationPage,
    PromptPage,
    TagsPage,
    ForecastPage,
    FrameLabelsPage,
    RowLabelsPage,
)


def page_for(client, metadata):
    """Return the page of an export, or None if no page supports its inputs and outputs.

    Args:
        client: `Client`.
        metadata: `Metadata`.
    """
    inputs, outputs = (set(specs["serving_default"]) for specs in (client.signatures, client.outputs))
    return next((page(client, metadata) for page in PAGES if page.supports(inputs, outputs)), None)
