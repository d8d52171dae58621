"""Tests the server without a process: TensorFlow Serving's JSON, every limit, every invalid request."""

import base64
import json
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf
from fastapi.testclient import TestClient

from rnn_apps.errors import UserError
from rnn_apps.serving.application import make_application
from rnn_apps.serving.model import MANIFEST, BadRequest, Worker, newest_version
from rnn_apps.serving.protocol import Limits, read_request, write_response

BODY, DEPTH, INSTANCES, TEXT = 16 << 20, 32, 1024, 100_000  # the published limits
TEXTS = {"text": tf.TensorSpec([None], tf.string)}
ARRAYS = {"series": tf.TensorSpec([None, None, 2], tf.float32)}
PROMPTS = {"prompt": tf.TensorSpec([None], tf.string), "length": tf.TensorSpec([], tf.int32)}
PICTURES = {"frames": tf.TensorSpec([None, None], tf.string)}
ALL = {"serving_default": TEXTS, "arrays": ARRAYS, "prompts": PROMPTS, "pictures": PICTURES}


class Lengths:
    """A model that returns the length of every text."""

    version, specs = 3, ALL

    def __init__(self):
        self.outputs = {name: {"length": tf.TensorSpec([None], tf.int32)} for name in ALL}
        self.calls, self.gate = [], threading.Event()
        self.gate.set()

    def answer(self, signature, inputs):
        self.gate.wait(10)
        array = next(iter(inputs.values()))
        self.calls.append(len(array))
        if any(b"bad" in one for one in array.ravel() if isinstance(one, bytes)):
            raise BadRequest("the model cannot process these inputs")
        if any(b"worse" in one for one in array.ravel() if isinstance(one, bytes)):
            raise RuntimeError("/a/path of the server")
        return {"length": np.array([len(one) for one in array], np.int32)}


@pytest.fixture
def model():
    return Lengths()


@pytest.fixture
def client(model):
    with TestClient(make_application(model, "lengths"), base_url="http://localhost") as client:
        yield client


def post(client, body, **options):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/v1/models/lengths:predict", content=content, **options)


def test_rows_columns_and_base64_are_answered_in_their_own_format(client):
    assert post(client, {"instances": ["a", "bbb"]}).json() == {"predictions": [1, 3]}
    assert post(client, {"instances": [{"text": "a"}, {"text": "bb"}]}).json() == {"predictions": [1, 2]}
    assert post(client, {"inputs": {"text": ["a", "bb"]}}).json() == {"outputs": [1, 2]}
    assert post(client, {"inputs": ["a"]}).json() == {"outputs": [1]}
    encoded = {"b64": base64.b64encode(b"\xff\x00\xfe").decode()}
    assert post(client, {"instances": [encoded]}).json() == {"predictions": [3]}


def test_several_outputs_come_as_objects_and_bytes_as_base64():
    outputs = {"label": np.array([b"good", b"\xff"], object), "p": np.array([[0.5, np.nan], [1, np.inf]])}
    first, second = write_response(outputs, row_format=True)["predictions"]
    assert (first["label"], second["label"]) == ("good", {"b64": "/w=="})
    np.testing.assert_array_equal([first["p"], second["p"]], outputs["p"])
    assert write_response(outputs, row_format=False)["outputs"]["label"] == ["good", {"b64": "/w=="}]


def test_numbers_that_are_not_finite_are_written_as_tensorflow_serving_does(model, client, monkeypatch):
    outputs = {"p": np.array([[2.0, np.nan], [np.inf, -np.inf]], np.float32)}
    monkeypatch.setattr(model, "answer", lambda signature, inputs: outputs)
    answer = post(client, {"instances": ["a", "b"]})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == '{"predictions":[[2.0,NaN],[Infinity,-Infinity]]}'


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
def test_a_compressed_body_is_refused_by_its_name(client, encoding):
    answer = post(client, b"\x1f\x8b\x08", headers={"Content-Encoding": encoding})
    assert answer.status_code == 415
    expected = f"Content-Encoding: received {encoding}, expected none; send the JSON without compressing it"
    assert answer.json()["error"] == expected


def test_an_empty_signature_name_is_the_default(client):
    assert post(client, {"signature_name": "", "instances": ["abc"]}).json() == {"predictions": [3]}
    answer = post(client, {"signature_name": None, "instances": ["abc"]})
    assert answer.json()["error"].startswith("signature_name: received null, expected one of arrays, ")


def test_a_scalar_input_is_repeated_in_every_row(client):
    rows = [{"prompt": "a", "length": 3}, {"prompt": "b", "length": 3}]
    asked = read_request(json.dumps({"signature_name": "prompts", "instances": rows}).encode(), ALL, Limits())
    assert asked.inputs["length"].shape == ()
    rows[1]["length"] = 4
    answer = post(client, {"signature_name": "prompts", "instances": rows})
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "length: expected the same value in every instance",
    )


def test_a_missing_value_in_a_sequence_is_written_as_nan():
    body = b'{"signature_name": "arrays", "instances": [[[1, NaN], [NaN, 2]]]}'
    (found,) = read_request(body, ALL, Limits()).inputs.values()
    np.testing.assert_array_equal(found, np.array([[[1, np.nan], [np.nan, 2]]], np.float32))
    once = b'{"signature_name": "prompts", "inputs": {"prompt": ["a"], "length": NaN}}'
    with pytest.raises(BadRequest, match="length: received NaN, expected int32"):
        read_request(once, ALL, Limits())


def test_state_metadata_health_and_versions(client):
    state = client.get("/v1/models/lengths").json()["model_version_status"]
    assert state[0]["version"] == "3"
    assert state[0]["state"] == "AVAILABLE"
    facts = client.get("/v1/models/lengths/versions/3/metadata").json()
    signature = facts["metadata"]["signature_def"]["signature_def"]["arrays"]
    assert signature["inputs"]["series"]["dtype"] == "DT_FLOAT"
    assert [d["size"] for d in signature["inputs"]["series"]["tensor_shape"]["dim"]] == ["-1", "-1", "2"]
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    answer = client.post("/v1/models/lengths/versions/3:predict", json={"instances": ["a"]})
    assert answer.json() == {"predictions": [1]}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/models/other", 404),
        ("GET", "/v1/models/lengths/versions/9", 404),
        ("POST", "/v1/models/lengths/versions/x:predict", 404),
        ("POST", "/v1/models/other:predict", 404),
        ("GET", "/v1/models/lengths:predict", 405),
        ("DELETE", "/v1/models/lengths", 405),
        ("GET", "/docs", 404),
        ("GET", "/..%2f..%2fetc/passwd", 404),
    ],
)
def test_an_unknown_path_is_refused_in_the_format_of_tensorflow_serving(method, path, status, client):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["error"]


def nested(depth):
    return b'{"instances": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


WRONG = [
    (b"", "invalid JSON"),
    (b"{", "invalid JSON"),
    (b"\xff\xfe", "invalid JSON"),
    (b"[1]", 'expected an object with "instances" or "inputs"'),
    (b'{"instances": [], "inputs": []}', 'expected an object with "instances" or "inputs"'),
    (b'{"instances": ["a"], "extra": 1}', 'expected an object with "instances" or "inputs"'),
    (b'{"instances": ["a"], "signature_name": "nope"}', "expected one of arrays, pictures"),
    (b'{"instances": ["a"], "signature_name": {}}', "signature_name: received a dict"),
    (b'{"instances": []}', "expected a list with at least one"),
    (b'{"instances": "a"}', "expected a list with at least one"),
    (b'{"instances": [1]}', "text: received 1, expected a text"),
    (b'{"instances": [null]}', "text: received null, expected a text"),
    (b'{"instances": [["a"]]}', "text: received a list, expected a text"),
    (b'{"instances": [{"b64": "%%"}]}', "not valid base64"),
    (b'{"instances": [{"b64": 1}]}', "expected a text or"),
    (b'{"instances": [{"texts": "a"}]}', "expected every element to be an object with text"),
    (b'{"inputs": {"texts": ["a"]}}', "inputs: received texts, expected text"),
    (b'{"inputs": {"text": []}}', "received 0 examples"),
    (b'{"inputs": {"text": "a"}}', 'text: received "a", expected a list'),
    (b'{"instances": [Infinity]}', "Infinity, which is not a JSON number"),
    (b'{"instances": [NaN]}', "text: received NaN, expected a text"),
    (b'{"instances": [[[-Infinity, 2]]], "signature_name": "arrays"}', "which is not a JSON number"),
    (b'{"instances": [[[1, 2], [3]]], "signature_name": "arrays"}', "rows of different lengths"),
    (b'{"instances": [[[1, "a"]]], "signature_name": "arrays"}', "expected float32 in lists of one shape"),
    (b'{"instances": [[[1, 2, 3]]], "signature_name": "arrays"}', "shape 1x1x3, expected anyxanyx2"),
    (b'{"instances": [[[1e300, 2]]], "signature_name": "arrays"}', "a number too large for float32"),
    (b'{"inputs": {"prompt": ["a"], "length": 1.5}, "signature_name": "prompts"}', "expected int32"),
    (b'{"inputs": {"prompt": ["a"], "length": 5e9}, "signature_name": "prompts"}', "expected int32"),
    (b'{"inputs": {"prompt": ["a"], "length": 5000000000}, "signature_name": "prompts"}', "too large for"),
    (b'{"inputs": {"prompt": ["a"], "length": true}, "signature_name": "prompts"}', "expected int32"),
    (b'{"inputs": {"frames": [["a"], ["b", "c"]]}, "signature_name": "pictures"}', "different lengths"),
    (nested(5000), "nested more than 32 levels deep"),
    (b'{"instances": ["\\ud800"]}', None),
    (b'{"instances": ["bad"]}', "the model cannot process these inputs"),
]


@pytest.mark.parametrize(("body", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_request_is_answered_with_400_and_what_was_expected(body, message, client):
    answer = post(client, body)
    if message is None:
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    assert message in answer.json()["error"]
    assert list(answer.json()) == ["error"]


def test_an_internal_error_is_503_and_names_no_path(client):
    answer = post(client, {"instances": ["worse"]})
    assert (answer.status_code, answer.json()) == (503, {"error": "the server could not answer"})
    assert "Retry-After" in answer.headers


# Limits: at the limit, and one past it


def padded(size):
    start = b'{"instances": ["a"]}'
    return start + b" " * (size - len(start))


def png(width, height):
    """Return the header of an image of that size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    content += struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return {"b64": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("at", "past", "status"),
    [
        (padded(BODY), padded(BODY + 1), 413),
        ({"instances": ["a"] * INSTANCES}, {"instances": ["a"] * (INSTANCES + 1)}, 400),
        ({"instances": ["a" * TEXT]}, {"instances": ["a" * (TEXT + 1)]}, 400),
        ({"instances": ["ä" * (TEXT // 2)]}, {"instances": ["ä" * (TEXT // 2) + "a"]}, 400),
        ({"instances": [png(5000, 4000)]}, {"instances": [png(5000, 4001)]}, 400),
    ],
    ids=["body", "instances", "text", "bytes of text", "pixels"],
)
def test_a_limit_accepts_the_last_value_and_refuses_the_next(at, past, status, client):
    assert post(client, at).status_code == 200
    answer = post(client, past)
    assert answer.status_code == status
    assert "at most" in answer.json()["error"]


def test_the_depth_limit_accepts_the_last_level_and_refuses_the_next():
    frames = {"serving_default": {"deep": tf.TensorSpec([None] * (DEPTH - 1), tf.float32)}}
    assert read_request(nested(DEPTH), frames, Limits()).num_examples == 1
    with pytest.raises(BadRequest, match="nested more than 32 levels deep"):
        read_request(nested(DEPTH + 1), frames, Limits())
    brackets = b'{"instances": ["' + b"[" * 100 + b'\\"[["]}'
    assert read_request(brackets, ALL, Limits()).num_examples == 1  # brackets in a text do not count


def test_the_body_limit_applies_without_a_content_length(client):
    chunks = (b" " * (1 << 20) for _ in range(17))
    assert client.post("/v1/models/lengths:predict", content=chunks).status_code == 413


def test_a_full_queue_is_429_and_waiting_requests_are_answered(model):
    application = make_application(model, "lengths", queue_size=64)
    model.gate.clear()
    with TestClient(application, base_url="http://localhost") as client, ThreadPoolExecutor(80) as threads:
        first = threads.submit(post, client, {"instances": ["x"]})
        while not first.running() or model.calls:
            time.sleep(0.01)
        time.sleep(0.3)  # the first one is running and no longer in the queue
        others = [threads.submit(post, client, {"instances": ["yy"]}) for _ in range(70)]
        deadline = time.monotonic() + 10
        while sum(one.done() for one in others) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        model.gate.set()
        codes = [one.result().status_code for one in others]
    assert codes.count(200) == 64
    assert codes.count(429) == 6
    assert first.result().json() == {"predictions": [1]}


def test_a_request_times_out_and_the_server_continues(model):
    model.gate.clear()
    application = make_application(model, "lengths", timeout=0.2)
    with TestClient(application, base_url="http://localhost") as client:
        answer = post(client, {"instances": ["x"]})
        assert (answer.status_code, answer.json()["error"]) == (503, "no answer within 0.2 s")
        model.gate.set()
        assert post(client, {"instances": ["x"]}).status_code == 200


def test_waiting_requests_are_batched_and_each_gets_its_own_answer(model):
    model.gate.clear()
    with (
        TestClient(make_application(model, "lengths"), base_url="http://localhost") as client,
        ThreadPoolExecutor(40) as threads,
    ):
        asked = [["a" * (i + 1), "b" * i] for i in range(40)]
        futures = [threads.submit(post, client, {"instances": texts}) for texts in asked]
        time.sleep(0.5)
        model.gate.set()
        answers = [future.result().json()["predictions"] for future in futures]
    assert answers == [[len(text) for text in texts] for texts in asked]
    assert max(model.calls) > 2


def test_requests_of_different_signatures_are_not_batched(model):
    model.gate.clear()
    with (
        TestClient(make_application(model, "lengths"), base_url="http://localhost") as client,
        ThreadPoolExecutor(6) as threads,
    ):
        text = {"instances": ["abc"]}
        prompt = {"signature_name": "prompts", "inputs": {"prompt": ["ab"], "length": 1}}
        futures = [threads.submit(post, client, body) for body in (text, prompt, text, prompt, text, text)]
        time.sleep(0.3)
        model.gate.set()
        answers = [future.result().json() for future in futures]
        assert client.get("/readyz").status_code == 200
    assert answers[0] == answers[4] == {"predictions": [3]}
    assert answers[1] == answers[3] == {"outputs": [2]}


def test_a_server_without_its_worker_is_not_ready(model, monkeypatch):
    with TestClient(make_application(model, "lengths"), base_url="http://localhost") as client:
        assert client.get("/readyz").status_code == 200
        monkeypatch.setattr(Worker, "is_alive", False)
        assert client.get("/readyz").status_code == 503


def test_an_invalid_request_does_not_fail_the_others_of_its_batch(model):
    model.gate.clear()
    with (
        TestClient(make_application(model, "lengths"), base_url="http://localhost") as client,
        ThreadPoolExecutor(10) as threads,
    ):
        texts = ["a", "bb", "bad", "cccc"]
        futures = [threads.submit(post, client, {"instances": [text]}) for text in texts]
        time.sleep(0.3)
        model.gate.set()
        codes = [future.result().status_code for future in futures]
    assert codes == [200, 200, 400, 200]


# Access


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:8501"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Host": "[::1]:8501"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "["}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_requests_from_other_sites_are_refused(headers, status, client):
    assert client.get("/v1/models/lengths", headers=headers).status_code == status


def test_every_path_but_the_health_checks_needs_the_token(model):
    application = make_application(model, "lengths", token="sécret")
    with TestClient(application, base_url="http://localhost") as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/models/lengths").status_code == 401
        wrong = {"Authorization": "Bearer secret"}
        assert client.get("/v1/models/lengths", headers=wrong).status_code == 401
        right = {"Authorization": "Bearer sécret".encode()}
        assert client.get("/v1/models/lengths", headers=right).status_code == 200


def test_a_server_that_is_not_ready_answers_503(model):
    client = TestClient(make_application(model, "lengths"), base_url="http://localhost")
    for answer in (client.get("/readyz"), post(client, {"instances": ["a"]})):
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers


# Versions


def version(folder, number, manifest=True):
    path = folder / str(number)
    path.mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"x")
    if manifest:
        digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        (path / MANIFEST).write_text(json.dumps({"sha256": {"saved_model.pb": digest}}))
    return path


def test_the_newest_complete_version_is_served(tmp_path):
    for number in (2, 10, 9):
        version(tmp_path, number)
    assert newest_version(tmp_path) == (10, tmp_path / "10")
    (tmp_path / "10" / "saved_model.pb").write_bytes(b"changed")
    assert newest_version(tmp_path)[0] == 9
    (tmp_path / "9" / MANIFEST).unlink()
    assert newest_version(tmp_path)[0] == 2
    (tmp_path / "2" / MANIFEST).write_text("[]")
    with pytest.raises(UserError, match="contains 3 versions, none complete"):
        newest_version(tmp_path)


def test_without_a_version_the_message_says_how_to_export_one(tmp_path):
    with pytest.raises(UserError, match="contains no version. Export the run again"):
        newest_version(tmp_path)
