"""Which page an export gets, by the names of what `serving_default` takes and gives."""

from rnn_apps.serving.demo.clip_caption import ClipCaptionPage
from rnn_apps.serving.demo.forecast import ForecastPage
from rnn_apps.serving.demo.picture_caption import PictureCaptionPage
from rnn_apps.serving.demo.prompt import PromptPage
from rnn_apps.serving.demo.step_labels import FrameLabelsPage, RowLabelsPage
from rnn_apps.serving.demo.tags import TagsPage
from rnn_apps.serving.demo.text_label import TextLabelPage
from rnn_apps.serving.demo.translation import TranslationPage

PAGES = (
    TextLabelPage,
    PictureCaptionPage,
    ClipCaptionPage,
    TranslationPage,
    PromptPage,
    TagsPage,
    ForecastPage,
    FrameLabelsPage,
    RowLabelsPage,
)


def page_for(ask, facts):
    """Return the page of an export, or None where there is none for what it takes and gives.

    Args:
        ask: `Asker`.
        facts: `Facts`.
    """
    given, gives = (set(specs["serving_default"]) for specs in (ask.signatures, ask.outputs))
    return next((page(ask, facts) for page in PAGES if page.fits(given, gives)), None)
