"""Tests the demo page without a browser: every kind of page, hostile input, invalid files, access."""

import asyncio
import base64
import io
import json
import os
import re
import socket
import sys
import threading
import urllib.request
from pathlib import Path

import fake_exports as fakes
import gradio as gr
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from rnn_apps.cli import call
from rnn_apps.serving.application import make_application
from rnn_apps.serving.demo import uploads
from rnn_apps.serving.demo.blocks import _add_components, _make_handler
from rnn_apps.serving.demo.client import Client, PageError
from rnn_apps.serving.demo.html import safe
from rnn_apps.serving.demo.metadata import Metadata
from rnn_apps.serving.demo.routing import PAGES, page_for
from rnn_apps.serving.demo.text_pages import _summarize
from rnn_apps.serving.demo.uploads import file_input, read_clip, restrict_paths
from rnn_apps.serving.model import Worker
from rnn_apps.serving.protocol import Limits

SETTINGS = {
    "picture": (3, 3, 0, 0),
    "clip": (3, 2, 0, 0),
    "translation": (3, 3, 0, 0),
    "prompt": (4, 0.5, 2, 0),
}
SUMMARIES = {
    "sentiment": "positive, with a probability of 0.667",
    "picture": "Caption: a red dot",
    "clip": "Caption: a red dot",
    "translation": "Translation: a red dot",
    "prompt": "Continuation: on on on on 0",
    "tags": "2 words: the DET, dog NOUN.",
    "forecast": "value: the forecast goes from 11 at 2024-01-11 to 13 at 2024-01-13",
    "frame_labels": "2 frames: 1 rest, 2 walk.",
    "row_labels": "6 rows: 1 to 3 rest, 4 to 6 walk.",
}
HTML = {
    "sentiment": ["<polyline", 'class="high"', "changes most at word 2", "<th scope"],
    "picture": ["<ol>", 'aria-label="red: highest attention at the top right"'],
    "clip": ['alt="frame 3"', 'class="heat"', "a at frame 1, red at frame 2, dot at frame 3"],
    "translation": ['class="heat"', "roter", "red at roter"],
    "prompt": ["log-probability -1.00", "log-probability -2.00"],
    "tags": ["<b><bdi>dog</bdi></b>", "NOUN"],
    "forecast": ['<img class="plot"', "2024-01-12", '<td class="n">12</td>'],
    "frame_labels": ['class="ribbon"', "2 walk"],
    "row_labels": ['class="ribbon"', "1 to 3"],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return name to a fake model."""
    return {make.__name__: make(tmp_path_factory.mktemp(make.__name__)) for make in fakes.FAKES}


def page_of(model, is_ready=True):
    client = Client(Worker(model, 10.0, 4), Limits(), lambda: is_ready)
    return page_for(client, Metadata(model.path))


@pytest.fixture(scope="module")
def pages(models):
    return {name: page_of(model) for name, model in models.items()}


def test_every_kind_of_export_has_a_page_of_its_own(pages, tmp_path):
    assert {type(page) for page in pages.values()} == set(PAGES)
    assert page_of(fakes.numbers(tmp_path)) is None


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_clicked_example_is_answered_in_a_sentence_and_in_full(pages, name):
    example = pages[name].examples()[0]
    answer = pages[name].answer(example.value, *SETTINGS.get(name, ()))
    assert SUMMARIES[name] in answer.summary
    for part in HTML[name]:
        assert part in answer.html


def test_the_plot_of_a_forecast_is_a_whole_image_with_a_description(pages):
    html = pages["forecast"].answer(pages["forecast"].examples()[0].value).html
    (content, description), *others = re.findall(r'src="data:image/png;base64,([^"]*)" alt="([^"]*)"', html)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB"))
    assert pixels.std() > 5
    assert SUMMARIES["forecast"] in description
    assert not others


def page_with(pages, monkeypatch, name, **outputs):
    """Return a page whose network returns these outputs in addition to, or instead of, its own."""
    page, client = pages[name], pages[name].client
    monkeypatch.setattr(page, "client", _ClientWithOutputs(client, outputs))
    return page


class _ClientWithOutputs:
    def __init__(self, client, outputs):
        self._client, self._outputs = client, outputs

    def __getattr__(self, name):
        return getattr(self._client, name)

    def __call__(self, signature, **inputs):
        return {**self._client(signature, **inputs), **(self._outputs if signature != "explain" else {})}


@pytest.mark.parametrize(("name", "unit"), [("sentiment", "words"), ("translation", "tokens")])
def test_a_truncated_text_is_marked(pages, monkeypatch, name, unit):
    for read, summary in ((400, True), (1012, False)):
        outputs = {unit: np.array([1012]), f"{unit}_read": np.array([read])}
        page = page_with(pages, monkeypatch, name, **outputs)
        answer = page.answer("a good film", *SETTINGS.get(name, ()))
        assert (f"read 400 of 1,012 {unit}" in answer.html) == summary
        assert (f"read 400 of 1,012 {unit}" in answer.summary) == summary
        assert answer.summary.startswith(SUMMARIES[name][:11])


@pytest.mark.parametrize(
    ("name", "outputs", "summary"),
    [
        ("sentiment", {"score": np.array([np.nan]), "probabilities": np.full((1, 2), np.nan)}, "of nan."),
        ("translation", {"scores": np.full((1, 3), np.nan)}, "Translation: a red dot"),
        ("forecast", {"upper": np.full((1, 3, 1), np.inf)}, "not finite numbers, so there is no plot"),
    ],
)
def test_non_finite_numbers_are_written_and_never_drawn(pages, monkeypatch, name, outputs, summary):
    page = page_with(pages, monkeypatch, name, **outputs)
    answer = page.answer(page.examples()[0].value, *SETTINGS.get(name, ()))
    assert summary in answer.summary
    assert '<td class="n">inf</td>' in answer.html if name == "forecast" else "nan<" in answer.html
    assert not any(broken in answer.html for broken in ("nan%", "share:nan", ",nan", "inf,", 'class="plot"'))


def test_the_image_is_embedded_in_the_page(pages):
    html = pages["picture"].answer(pages["picture"].examples()[0].value, 3, 3, 0, 0).html
    assert 'href="data:image/jpeg;base64,' in html
    assert "http" not in html


def test_the_settings_reach_the_export(models, pages):
    pages["translation"].answer("ein", 7, 2, 1.5, 9)
    signature, given = next(
        asked for asked in reversed(models["translation"].requests) if asked[0] == "generate"
    )
    assert {k: v.item() for k, v in given.items() if k != "text"} == {
        "beam": 7,
        "nbest": 2,
        "temperature": 1.5,
        "seed": 9,
    }
    pages["translation"].answer("ein", 1e9, -5, 99, -1)  # a program in place of the page
    given = next(asked for name, asked in reversed(models["translation"].requests) if name == "generate")
    assert (int(given["beam"]), int(given["nbest"]), float(given["temperature"])) == (10, 1, 2.0)
    with pytest.raises(PageError, match="not a number"):
        pages["translation"].answer("ein", "many", 1, 0, 0)


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</p><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "${alert(1)}`{{constructor}}",
    "safe\u202egnp.exe",
    "half \ud800 of a letter",
    "a\x00b\x1b[31m",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(pages, text):
    escaped = safe(text)
    for character in '<>"{}$`\u202e\x00\x1b\ud800':
        assert character not in escaped
    escaped.encode("utf-8")
    for name in ("sentiment", "translation", "prompt", "tags"):
        summary, html = _make_handler(pages[name])(text, *SETTINGS.get(name, ()))
        for part in (summary, html):
            part.encode("utf-8")
            assert "<img src=x" not in part
            assert "<script" not in part
            assert "\u202e" not in part
            assert "${" not in part
            assert '"alert' not in part


def test_a_text_at_the_limit_is_read_and_one_beyond_is_refused(pages):
    summary, html = _make_handler(pages["tags"])("a " * 50_000)
    assert "50,000 words" in summary
    assert len(html) < 1_000_000
    summary, html = _make_handler(pages["tags"])("a" * 100_001)
    assert "text: received 100,001 bytes, expected at most 100,000." in summary
    assert html == ""


@pytest.mark.parametrize("name", ["sentiment", "tags", "translation", "prompt"])
def test_an_empty_text_is_answered(pages, name):
    summary, _ = _make_handler(pages[name])("", *SETTINGS.get(name, ()))
    assert "server could not" not in summary


def bomb():
    stream = io.BytesIO()
    Image.new("1", (9000, 9000)).save(stream, "PNG")
    return stream.getvalue()


INVALID_FILES = [
    ("picture", "note.png", b"this is no picture", "is not a readable image"),
    ("picture", "empty.png", b"", "is empty."),
    ("picture", "cut.png", fakes.png()[:40], "is not a readable image"),
    ("picture", "bomb.png", bomb(), "9,000 x 9,000 pixels; the limit is 20,000,000"),
    ("picture", "huge.png", bytes(17 << 20), "the limit is 16,777,216"),
    ("clip", "text.mp4", b"a text that was renamed", "expected an MP4, MOV, AVI, MKV, WebM or GIF video"),
    ("clip", "empty.mp4", b"", "is empty."),
    ("frame_labels", "list.mp4", b"#EXTM3U\nfile:///etc/passwd\n", "expected an MP4"),
    ("forecast", "other.csv", b"time,price\n2024-01-01,3\n2024-01-02,4\n", "value"),
    ("forecast", "empty.csv", b"", "is empty."),
    ("forecast", "words.csv", b"time,value\n2024-01-01,many\n2024-01-02,4\n", "words.csv:2"),
    ("forecast", "table.xlsx", b"PK\x03\x04", "is not a .csv file"),
    ("row_labels", "other.csv", b"x\n1\n2\n", "which holds a feature; the columns are"),
    ("row_labels", "words.csv", b"x,y\n1,two\n", "y is not a number"),
    ("row_labels", "<b>x.csv", b"x,y\n", "no row"),
]


@pytest.mark.parametrize(("name", "file", "content", "sentence"), INVALID_FILES)
def test_an_invalid_file_gives_one_sentence_without_a_path(
    pages, name, file, content, sentence, tmp_path, caplog
):
    path = tmp_path / file
    path.write_bytes(content)
    given = [str(path)] if name in ("clip", "frame_labels") else str(path)
    summary, html = _make_handler(pages[name])(given, *SETTINGS.get(name, ()))
    assert sentence in summary
    assert summary.startswith('<p class="problem">')
    assert html == ""
    assert str(tmp_path) not in summary
    assert "<b>" not in summary
    assert "--set" not in summary
    assert not caplog.records


def test_a_missing_upload_is_reported(pages):
    for name in ("picture", "clip", "forecast", "frame_labels", "row_labels"):
        summary, _ = _make_handler(pages[name])(None, *SETTINGS.get(name, ()))
        assert "There is no" in summary


def test_images_are_sorted_by_name_and_may_have_any_usual_format(pages, models, tmp_path):
    for number, kind in ((10, "WEBP"), (2, "JPEG")):
        Image.new("RGB", (32, 24), (number, 0, 0)).save(tmp_path / f"{number:03}.{kind.lower()}", kind)
    pages["clip"].answer([str(path) for path in sorted(tmp_path.iterdir(), reverse=True)], 1, 1, 0, 0)
    frames = next(given["frames"] for name, given in reversed(models["clip"].requests) if name == "generate")
    reds = [Image.open(io.BytesIO(frame)).getpixel((0, 0))[0] for frame in frames[0]]
    assert reds[0] < reds[1]


def test_of_many_images_only_those_that_the_export_reads_are_shown(pages, models, tmp_path):
    for number in range(12):
        Image.new("RGB", (32, 24), (20 * number, 0, 0)).save(tmp_path / f"{number:03}.png")
    answer = pages["clip"].answer([str(path) for path in tmp_path.iterdir()], 1, 1, 0, 0)
    frames = next(given["frames"] for name, given in reversed(models["clip"].requests) if name == "generate")
    reds = [Image.open(io.BytesIO(frame)).getpixel((0, 0))[0] for frame in frames[0]]
    assert reds == [20 * number for number in (1, 4, 7, 10)]
    assert answer.html.count("<img") == 4


def test_a_table_is_cleaned_and_refused_as_in_the_run(tmp_path):
    model = fakes.forecast(tmp_path)
    facts = tmp_path / "assets.extra" / "demo" / "facts.json"
    facts.write_text(
        json.dumps({**json.loads(facts.read_text()), "lags": 3, "cleaning_options": {"on_missing": "fill"}})
    )
    page, table = page_of(model), tmp_path / "mine.csv"
    table.write_text("time,value\n2024-01-01,5\n2024-01-02,7\n2024-01-03,\n")
    assert "the forecast goes from 8 at 2024-01-04" in page.answer(str(table)).summary
    table.write_text("time,value\n2024-01-01,5\n2024-01-02,7\n")
    with pytest.raises(PageError, match="2 rows of the past are too few; expected at least 3"):
        page.answer(str(table))


def test_a_score_of_many_classes_starts_at_an_equal_share():
    summary = _summarize("sports", ["the", "match", "was", "great"], [0.21, 0.25, 0.3, 0.45], 1 / 5)
    assert "it changes most at word 4, “great”: up to 0.450" in summary


def test_a_small_file_that_is_a_long_video_is_refused(pages, monkeypatch, tmp_path):
    (tmp_path / "long.gif").write_bytes(b"")
    frames = [Image.new("RGB", (32, 24), (number, 0, 0)) for number in range(40)]
    frames[0].save(tmp_path / "long.gif", save_all=True, append_images=frames[1:])
    given = [str(tmp_path / "long.gif")]
    assert pages["clip"].answer(given, 1, 1, 0, 0).html
    monkeypatch.setattr(uploads, "MAX_VIDEO_PIXELS", 20 * 32 * 24)
    for name in ("clip", "frame_labels"):
        with pytest.raises(PageError, match='long.gif": has too many frames of that size'):
            pages[name].answer(given, *SETTINGS.get(name, ()))


def test_a_video_is_sampled_as_the_export_requires(pages, models, tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(0, 200, 10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    answer = pages["clip"].answer([str(tmp_path / "a.mp4")], 1, 1, 0, 0)
    frames = next(given["frames"] for name, given in reversed(models["clip"].requests) if name == "generate")
    assert frames.shape == (1, 4)
    assert answer.html.count("<img") == 4
    assert pages["frame_labels"].answer([str(tmp_path / "a.mp4")]).summary.startswith("20 frames")


def test_an_address_in_place_of_a_file_is_never_fetched(tmp_path):
    with gr.Blocks():
        component = restrict_paths(file_input(gr.Image(type="filepath"), "examples"), "examples")
    for address in ("http://127.0.0.1:1/a.png", "https://example.org/a.png", "ftp://example.org/a"):
        with pytest.raises(gr.Error, match="Only uploaded files"):
            asyncio.run(component.async_move_resource_to_block_cache(address))


@pytest.mark.parametrize("name", ["sentiment", "translation"])
def test_no_field_of_a_page_fetches_an_address(pages, name):
    with gr.Blocks() as blocks:
        _add_components(pages[name])
    inputs = {id(one): one for function in blocks.fns.values() for one in function.inputs}.values()
    assert len(inputs) >= 1 + len(pages[name].settings())
    for component in inputs:
        with pytest.raises(gr.Error, match="Only uploaded files"):
            asyncio.run(component.async_move_resource_to_block_cache("http://127.0.0.1:1/a.png"))


def test_the_queue_limits_apply_to_the_page(models):
    gate = threading.Event()

    class Slow:
        path, version, specs, outputs = models["tags"].path, 1, models["tags"].specs, models["tags"].outputs

        def answer(self, signature, inputs):
            gate.wait(10)
            return models["tags"].answer(signature, inputs)

    worker = Worker(Slow(), timeout=0.3, queue_size=1)
    page = page_for(Client(worker, Limits(), lambda: True), Metadata(Slow.path))
    with pytest.raises(PageError, match=r"No answer within 0.3 s"):
        page.answer("a")
    worker.submit(_request())
    with pytest.raises(PageError, match="Too many requests are waiting"):
        page.answer("a")
    gate.set()
    worker.stop()
    with pytest.raises(PageError, match="starting or stopping"):
        page_of(models["tags"], is_ready=False).answer("a")


def _request():
    from rnn_apps.serving.protocol import make_request

    return make_request("serving_default", {"text": ["a"]}, {"text": fakes.TEXT}, Limits())


def test_an_internal_error_is_one_sentence_and_is_logged(pages, caplog, monkeypatch):
    monkeypatch.setattr(type(pages["tags"]), "answer", lambda *_: 1 / 0)
    assert "The server could not answer." in _make_handler(pages["tags"])("a")[0]
    assert "a page could not answer" in caplog.text


def test_an_older_export_says_to_export_again_and_still_answers(tmp_path):
    model = fakes.sentiment(tmp_path)
    (tmp_path / "assets.extra" / "demo" / "facts.json").unlink()
    page = page_of(model)
    assert page.answer("good").summary.startswith("positive")
    with TestClient(make_application(model, "old", demo=True), base_url="http://localhost") as client:
        assert "Export the run again." in client.get("/demo/").text


@pytest.fixture
def client(models):
    application = make_application(models["sentiment"], "lab", demo=True, limits=Limits(body=100_000))
    with TestClient(application, base_url="http://localhost") as client:
        yield client


def test_the_page_names_no_other_server_and_forbids_them_all(client):
    answer = client.get("/demo/")
    rules = answer.headers["content-security-policy"]
    assert "default-src 'none'" in rules
    assert "connect-src 'self'" in rules
    assert "frame-ancestors 'none'" in rules
    assert "http" not in rules
    assert "'unsafe-inline'" not in rules.partition("script-src")[2].partition(";")[0]
    head = answer.text.partition("<script>window.gradio_config")[0]
    assert "http" not in head
    assert '"analytics_enabled":false' in answer.text
    assert "fonts.googleapis" not in answer.text
    assert client.get("/demo", follow_redirects=False).headers["location"].endswith("/demo/")
    assert "content-security-policy" in client.get("/demo/theme.css").headers
    assert "content-security-policy" not in client.get("/healthz").headers


def test_a_body_beyond_the_limit_is_refused_on_the_page_too(client):
    body = b"x" * (100_000 + (1 << 20) + 1)
    assert client.post("/demo/gradio_api/queue/join", content=body).status_code == 413
    pieces = (b"x" * 100_000 for _ in range(12))  # of a length that is not summary before
    assert client.post("/demo/gradio_api/queue/join", content=pieces).status_code in (400, 413)
    files = {"files": ("a.png", bytes(100_001))}
    assert client.post("/demo/gradio_api/upload", files=files).status_code in (400, 413)


def test_requests_from_other_sites_are_refused(client):
    assert client.get("/demo/", headers={"host": "evil.example"}).status_code == 403
    headers = {"origin": "http://evil.example"}
    assert client.post("/demo/gradio_api/queue/join", json={}, headers=headers).status_code == 403


def basic(text):
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_the_page_needs_the_same_token_as_the_api(models):
    application = make_application(models["sentiment"], "lab", token="secret", demo=True)
    with TestClient(application, base_url="http://localhost") as client:
        asked = client.get("/demo/")
        assert asked.status_code == 401
        assert asked.headers["www-authenticate"].startswith("Basic realm=")
        for path in (
            "/demo/config",
            "/demo/theme.css",
            "/demo/gradio_api/info",
            "/demo/assets/x.js",
            "/demo",
        ):
            assert client.get(path).status_code == 401
        for name in ("healthz", "readyz"):  # what needs no token is these two paths, not names that end so
            assert client.get(f"/demo/gradio_api/heartbeat/{name}").status_code == 401
            assert client.get(f"/{name}").status_code == 200
        assert client.post("/demo/gradio_api/queue/join", json={}).status_code == 401
        assert client.get("/demo/", headers=basic("anybody:secret")).status_code == 200
        assert client.get("/demo/", headers={"authorization": "Bearer secret"}).status_code == 200
        for wrong in ("anybody:wrong", "secret:", "secret", ":secret2"):
            assert client.get("/demo/", headers=basic(wrong)).status_code == 401
        assert client.get("/demo/", headers={"authorization": b"Basic \xff"}).status_code == 401
        assert client.get("/v1/models/lab", headers=basic("anybody:secret")).status_code == 401
        assert client.get("/v1/models/lab").headers["www-authenticate"] == "Bearer"
        assert client.get("/demonstration", headers=basic("anybody:secret")).status_code == 401


def test_the_server_itself_calls_nobody(models, monkeypatch):
    called = []
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more: called.append(host) or look_up("::1", *more)
    )
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: called.append(address))
    with TestClient(
        make_application(models["tags"], "tags", demo=True), base_url="http://localhost"
    ) as client:
        assert client.get("/demo/").status_code == client.get("/demo/config").status_code == 200
        given = {"data": ["a b"], "fn_index": 0, "session_hash": "x"}
        client.post("/demo/gradio_api/queue/join", json=given)
    assert called == []
    with pytest.raises(OSError):  # the witness sees a call
        urllib.request.urlopen("http://example.invalid/", timeout=1)
    assert called


def test_without_the_option_there_is_no_page(models):
    with TestClient(make_application(models["tags"], "tags"), base_url="http://localhost") as client:
        assert client.get("/demo/").status_code == 404


def test_uploads_have_their_own_folder_that_is_removed_at_the_end(models):
    application = make_application(models["picture"], "pictures", demo=True)
    folder = Path(application.state.uploads.name)
    assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
    with TestClient(application, base_url="http://localhost") as client:
        found = client.post("/demo/gradio_api/upload", files={"files": ("../../<b>.png", fakes.png())}).json()
        path = Path(found[0])
        assert path.is_file()
        assert path.resolve().is_relative_to(folder.resolve())
    assert not folder.exists()


def test_the_total_size_of_uploads_is_limited(client):
    files = {"files": ("a.png", fakes.png())}
    assert client.post("/demo/gradio_api/upload", files=files).status_code == 200
    with open(Path(os.environ["GRADIO_TEMP_DIR"]) / "others", "wb") as others:
        others.truncate(64 * 100_000)
    refused = client.post("/demo/gradio_api/upload", files=files)
    assert (refused.status_code, "no space" in refused.json()["error"]) == (503, True)


def test_files_of_the_server_are_not_available(client):
    for path in ("/etc/passwd", str(Path(__file__)), "http://127.0.0.1:1/x"):
        assert client.get(f"/demo/gradio_api/file={path}").status_code in (400, 403, 404)


def submit(client, data):
    """Return the page's output for values that a program sends instead of a browser."""
    functions = client.get("/demo/config").json()["dependencies"]
    number = next(one["id"] for one in functions if len(one["inputs"]) == len(data))
    body = {"data": data, "fn_index": number, "session_hash": "x"}
    assert client.post("/demo/gradio_api/queue/join", json=body).status_code == 200
    with client.stream("GET", "/demo/gradio_api/queue/data?session_hash=x") as response:
        messages = (json.loads(line[5:]) for line in response.iter_lines() if line.startswith("data:"))
        return next(one["output"] for one in messages if one["msg"] == "process_completed")


@pytest.mark.parametrize("more", [{}, {"is_stream": True}, {"url": "http://127.0.0.1:1/x"}])
def test_a_file_that_was_not_uploaded_is_not_read(models, tmp_path, more):
    own = tmp_path / "own.png"
    own.write_bytes(fakes.png())
    (tmp_path / "own.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    application = make_application(models["picture"], "pictures", demo=True)
    with TestClient(application, base_url="http://localhost") as client:
        files = {"files": ("own.png", own.read_bytes())}
        (uploaded,) = client.post("/demo/gradio_api/upload", files=files).json()
        example = Metadata(models["picture"].path).examples[0]["files"][0]
        for path in (
            uploaded,
            own,
            tmp_path / "own.svg",
            "/etc/hostname",
            "http://127.0.0.1:1/x.png",
            example,
        ):
            file = {"path": str(path), "meta": {"_type": "gradio.FileData"}, **more}
            answer = submit(client, [file, 3, 3, 0, 0])
            assert ("a red dot" in str(answer)) is (path == uploaded), path
            allowed = path in (uploaded, example)
            assert (client.get(f"/demo/gradio_api/file={path}").status_code == 200) is allowed


def test_without_gradio_the_command_names_the_extra(finished, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert call(["serve", str(finished.folder), "--demo", "--port", "0"]) == 2
    assert "pip install 'rnn-apps[demo]'" in capsys.readouterr().err


def test_the_images_of_a_clip_have_a_limit_of_pixels_in_total(tmp_path):
    paths = []
    for name in "abc":
        paths.append(tmp_path / f"{name}.png")
        Image.new("1", (4_000, 4_000)).save(paths[-1])
    assert sum(path.stat().st_size for path in paths) < 100_000
    with pytest.raises(PageError, match="more than 40,000,000 pixels in total"):
        read_clip([str(path) for path in paths], (8, 8), Limits())
    assert len(read_clip([str(path) for path in paths[:2]], (8, 8), Limits())) == 2
