"""Tests the demo page in a browser: typing, uploads, clicks, answers, screenshots."""

import contextlib
import io
import os
import re
import shutil
import signal
import tempfile
import threading
from pathlib import Path

import fake_exports as fakes
import httpx
import matplotlib.image
import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from rnn_apps.serving.application import DEMO_PATH, make_application
from rnn_apps.serving.server import _close_pages_on_exit, _listen

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
TOKEN = "a secret"
SAID = {
    "sentiment": "positive, with a probability of 0.667.",
    "picture": "Caption: a red dot",
    "clip": "Caption: a red dot",
    "translation": "Translation: a red dot",
    "prompt": "Continuation: on on on on 0",
    "tags": "2 words: the DET, dog NOUN.",
    "forecast": "value: the forecast goes from 11 at",
    "frame_labels": "2 frames: 1 rest, 2 walk.",
    "row_labels": "6 rows: 1 to 3 rest, 4 to 6 walk.",
}


class Several:
    """ASGI: applications of every kind of export under one address, so that scripts are loaded once."""

    def __init__(self, applications):
        self.applications = applications

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            async with contextlib.AsyncExitStack() as stack:
                await receive()
                for one in self.applications.values():
                    await stack.enter_async_context(one.router.lifespan_context(one))
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            kind = dict(scope["headers"]).get(b"x-kind", b"tags").decode()
            await self.applications[kind](scope, receive, send)


class Served:
    """A server in a thread of this process, of one or several models."""

    def __init__(self, models, token=None):
        self.applications = {n: make_application(m, "lab", token=token, demo=True) for n, m in models.items()}
        listening = _listen("127.0.0.1", 0)
        several = Several(self.applications)
        self.server = uvicorn.Server(
            uvicorn.Config(several, log_level="warning", timeout_graceful_shutdown=28)
        )
        for one in self.applications.values():
            _close_pages_on_exit(self.server, one, DEMO_PATH)
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.thread = threading.Thread(target=self.server.run, args=([listening],), daemon=True)
        self.thread.start()

    def end(self):
        self.server.handle_exit(signal.SIGTERM, None)
        self.thread.join(20)
        return not self.thread.is_alive()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {make.__name__: make(tmp_path_factory.mktemp("export") / "1") for make in fakes.FAKES}


@pytest.fixture(scope="module")
def address(models, tmp_path_factory):
    """Of a server of every kind of export; all uploads lie below one folder."""
    usual, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp("uploads"))
    served = Served(models)
    os.environ["GRADIO_TEMP_DIR"], tempfile.tempdir = tempfile.tempdir, usual
    yield served.address
    assert served.end()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser):
    """What keeps the scripts that were loaded."""
    return browser.new_context(viewport={"width": 1100, "height": 900})


class Visit:
    """One open page, with what it asked of whom and what it complained of."""

    def __init__(self, context, address, kind="tags"):
        self.address = address
        self.page = context.new_page()
        self.page.set_extra_http_headers({"x-kind": kind})
        self.asked, self.complaints = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.goto(f"{address}/demo/")
        self.page.wait_for_selector("#submit")

    def click_example(self, number=0):
        self.page.locator("#examples button").nth(number).click()

    def upload(self, name, kind, content):
        old = self.page.locator("#input").get_by_role(
            "button", name=re.compile("clear|remove", re.IGNORECASE)
        )
        while old.count():
            old.first.click()
            self.page.wait_for_timeout(100)
        with self.page.expect_response(lambda answer: "/upload" in answer.url and answer.ok):
            self.page.locator("#input input[type=file]").set_input_files(
                {"name": name, "mimeType": kind, "buffer": content}
            )
        self.page.locator("#input .file-preview, #input img").first.wait_for(state="attached")
        self.page.locator("#submit").click()

    def said(self, text):
        """Wait until a sentence is read out; all of it."""
        self.page.locator("#summary p", has_text=text).wait_for(state="attached")
        return self.page.locator("#summary p").text_content()

    def leave(self):
        self.page.close()
        elsewhere = [url for url in self.asked if not url.startswith((f"{self.address}/", "data:", "blob:"))]
        return elsewhere, self.complaints


@pytest.fixture(scope="module")
def opened():
    """Pages that are open: a page takes a while to load, so the tests of one kind share it."""
    return {}


@pytest.fixture
def visit(context, address, opened):
    def made(name):
        if name not in opened:
            opened[name] = Visit(context, address, name)
        opened[name].page.bring_to_front()
        return opened[name]

    return made


@pytest.mark.parametrize("name", SAID)
def test_a_click_on_an_example_is_answered_and_can_be_seen(visit, name):
    one = visit(name)
    one.click_example()
    assert one.said(SAID[name]).startswith(SAID[name])
    answer = one.page.locator("#answer .answer")
    answer.wait_for()
    pixels = matplotlib.image.imread(io.BytesIO(answer.screenshot()), format="png")
    assert pixels[..., :3].std() > 0.02
    assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_keyboard_is_enough_and_a_screen_reader_hears_the_answer(visit):
    page = visit("translation").page
    field = page.get_by_label("Sentence")
    field.focus()
    field.fill("")
    page.keyboard.type("ein blaues Dreieck")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the settings unfold
    page.get_by_label("Beam width").first.wait_for()
    page.get_by_label("Temperature").first.wait_for()
    field.focus()
    page.keyboard.press("Shift+Enter")
    status = page.locator("#summary")
    page.locator("#answer th", has_text="Dreieck").first.wait_for()
    assert status.get_attribute("role") == "status"
    assert status.get_attribute("aria-live") == "polite"
    tree = page.locator("body").aria_snapshot()
    for part in ('heading "Translation from en to de" [level=1]', 'region "Answer"', 'button "Translate"'):
        assert part in tree
    for part in ('group "Examples"', 'rowheader "dot"', 'columnheader "Dreieck"', 'button "ein roter Punkt"'):
        assert part in tree
    assert "processing" not in status.inner_text()


def test_several_answers_are_shown_where_they_are_asked_for(visit):
    one = visit("prompt")
    one.page.get_by_text("Settings").click()
    for name, value in (("Answers", "3"), ("Length", "2")):
        one.page.get_by_label(f"range slider for {name}").wait_for()
        one.page.wait_for_timeout(300)  # controls that have just unfolded take their first value
        one.page.get_by_label(f"number input for {name}").fill(value)
        one.page.keyboard.press("Tab")
        expect(one.page.get_by_label(f"range slider for {name}")).to_have_value(value)
    one.page.get_by_label("Prompt").fill("once")
    one.page.get_by_role("button", name="Continue").click()
    one.page.locator("#answer li").nth(2).wait_for()
    assert one.said("on on 0") == "Continuation: on on 0"


HOSTILE = (
    "<img src=x onerror=window.hacked=1> <script>window.hacked=1</script> ${window.hacked=1} {{hacked}} "
    "safe\u202egnp.exe nul\x00 end"
)


@pytest.mark.parametrize("name", ["tags", "translation", "sentiment"])
def test_hostile_text_stays_text(visit, name):
    one = visit(name)
    one.page.locator("#input textarea").evaluate(
        "(field, text) => { field.value = text + ' \\ud800 half'; field.dispatchEvent(new Event('input')) }",
        HOSTILE,
    )
    one.page.locator("#submit").click()
    one.page.locator("#answer .answer", has_text="window.hacked").wait_for()
    assert one.page.evaluate("window.hacked") is None
    assert one.page.locator("#answer .answer img, #answer .answer script, #summary img").count() == 0
    shown = one.page.locator("#answer").inner_text()
    assert "<img" in shown
    assert "${window.hacked=1}" in shown
    assert "\\u202e" in shown
    assert "\u202e" not in shown


def test_a_text_that_is_too_long_is_refused_in_a_sentence_and_the_page_lives_on(visit):
    one = visit("tags")
    one.page.locator("#input textarea").fill("a" * 100_001)
    one.page.locator("#submit").click()
    assert one.said("100,001") == "text: received 100,001 bytes, expected at most 100,000."
    one.page.locator("#input textarea").fill("x y")
    one.page.locator("#submit").click()
    assert one.said("x DET") == "2 words: x DET, y NOUN."


NAMED = "<img src=x onerror=window.hacked=1>\u202e.png"


def test_a_picture_with_a_hostile_name_is_described(visit, models):
    one, asked = visit("picture"), models["picture"].requests
    before = len(asked)
    one.upload(NAMED, "image/png", fakes.png((1, 2, 3)))
    for _ in range(100):
        if len(asked) > before + 1:
            break
        one.page.wait_for_timeout(100)
    assert asked[-1][1]["image"][0] == fakes.png((1, 2, 3))
    assert one.said("Caption") == "Caption: a red dot"
    assert one.page.locator("#answer figure").count() == 3
    assert one.page.evaluate("window.hacked") is None


def test_a_table_is_uploaded_and_forecast(visit):
    one = visit("forecast")
    one.upload("mine.csv", "text/csv", fakes.SERIES.replace("-10,10", "-10,20").encode())
    one.said("the forecast goes from 21 at 2024-01-11 to 23 at 2024-01-13")
    one.page.get_by_text("The same as a table").click()
    one.page.get_by_role("cell", name="22", exact=True).first.wait_for()


BAD = [
    ("picture", "note.png", "image/png", b"no picture", "is not a readable image"),
    ("clip", "text.mp4", "video/mp4", b"a text that was renamed", "expected an MP4"),
    ("forecast", "<b>other.csv", "text/csv", b"time,price\n2024-01-01,3\n2024-01-02,4\n", "price"),
]


@pytest.mark.parametrize(("name", "file", "kind", "content", "sentence"), BAD)
def test_an_invalid_upload_is_one_sentence_on_the_page(visit, name, file, kind, content, sentence):
    one = visit(name)
    one.upload(file, kind, content)
    said = one.said(sentence)
    assert said.count("\n") == 0
    assert "Traceback" not in one.page.content()
    assert tempfile.gettempdir() not in said
    assert one.page.locator("#summary b").count() == 0
    assert one.page.locator("#answer .answer").count() == 0


def test_no_page_asked_another_server_or_complained(opened):
    assert {name: one.leave() for name, one in opened.items()} == dict.fromkeys(SAID, ([], []))


@pytest.fixture
def served_alone(tmp_path):
    """From a token to a server of its own."""
    usual, made = os.environ.get("GRADIO_TEMP_DIR", ""), []

    def serve(token=None):
        made.append(Served({"tags": fakes.tags(tmp_path / "1")}, token))
        return made[-1]

    yield serve
    assert all(one.end() for one in made)
    os.environ["GRADIO_TEMP_DIR"] = usual


def test_the_browser_asks_for_the_token_where_there_is_one(browser, served_alone):
    address, known = served_alone(TOKEN).address, {"username": "any", "password": TOKEN}
    assert httpx.get(f"{address}/demo/").status_code == 401
    one = Visit(browser.new_context(http_credentials=known, color_scheme="dark"), address)
    one.click_example()
    assert one.said("2 words") == "2 words: the DET, dog NOUN."
    assert "dark" not in (one.page.locator("body").get_attribute("class") or ""), "our colours are for light"
    assert one.leave() == ([], [])


def test_the_server_ends_although_a_page_is_open_and_leaves_no_upload(context, served_alone):
    server = served_alone()
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    one = Visit(context, server.address)
    assert folder.is_dir()
    assert server.end()
    assert not folder.exists()
    one.page.close()
