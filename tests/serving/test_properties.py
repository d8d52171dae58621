"""Property tests of the server: any request is answered with 200, or with 4xx and a reason.

`RNN_APPS_EXAMPLES` sets the number of generated requests.
"""

import json
import os

import httpx
import numpy as np
import pytest
import tensorflow as tf
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnn_apps.serving.application import make_application

EXAMPLES = int(os.environ.get("RNN_APPS_EXAMPLES", "150"))
SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
SPECS = {
    "serving_default": {"text": tf.TensorSpec([None], tf.string)},
    "arrays": {
        "series": tf.TensorSpec([None, None, 2], tf.float32),
        "known": tf.TensorSpec([None], tf.int32),
    },
    "prompts": {"prompt": tf.TensorSpec([None], tf.string), "length": tf.TensorSpec([], tf.int32)},
}


class Echo:
    """A model that returns the number of examples, once per example."""

    version, specs = 1, SPECS

    def __init__(self, fault=None):
        self.fault = fault
        self.outputs = {name: {"count": tf.TensorSpec([None], tf.int32)} for name in SPECS}

    def answer(self, signature, inputs):
        if self.fault:
            raise self.fault
        for name, spec in SPECS[signature].items():
            assert inputs[name].ndim == spec.shape.rank
            tf.constant(inputs[name], spec.dtype)  # what the network would receive
        count = max(len(array) for array in inputs.values() if array.ndim)
        return {"count": np.full(count, count, np.int32)}


@pytest.fixture(scope="module")
def client():
    with TestClient(make_application(Echo(), "echo"), base_url="http://localhost") as client:
        yield client


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just({"b64": "aGk="})
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
NAMES = st.sampled_from(["text", "series", "known", "prompt", "length", "instances", "inputs", "other"])
ALMOST_VALID = st.fixed_dictionaries(
    {},
    optional={
        "signature_name": st.sampled_from([*SPECS, "no", 1]),
        "instances": st.lists(JSON | st.dictionaries(NAMES, JSON, max_size=3), max_size=3),
        "inputs": JSON | st.dictionaries(NAMES, JSON, max_size=3),
    },
)


def check(answer):
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert list(answer.json()) == ["error"]
        assert "/a/path" not in answer.text
        assert "Traceback" not in answer.text


@SETTINGS
@given(body=ALMOST_VALID | JSON)
def test_any_json_is_answered_or_refused(client, body):
    check(client.post("/v1/models/echo:predict", content=json.dumps(body).encode("utf-8", "surrogatepass")))


@SETTINGS
@given(body=st.binary(max_size=200) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_refused(client, body):
    answer = client.post("/v1/models/echo:predict", content=body)
    check(answer)
    assert answer.status_code != 200


@SETTINGS
@given(path=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_any_path_is_answered_or_refused(client, path):
    try:
        answer = client.get(f"/v1/models/{path}")
    except (httpx.InvalidURL, UnicodeError):  # refused by the client itself
        return
    check(answer)


@SETTINGS
@given(texts=st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_every_valid_utf_8_text_is_accepted(client, texts):
    answer = client.post("/v1/models/echo:predict", json={"instances": texts})
    assert answer.json() == {"predictions": [len(texts)] * len(texts)}


@pytest.mark.parametrize("fault", [RuntimeError("x"), MemoryError(), ZeroDivisionError("/a/path")])
def test_the_check_detects_an_internal_error(fault):
    with TestClient(make_application(Echo(fault), "echo"), base_url="http://localhost") as client:
        answer = client.post("/v1/models/echo:predict", json={"instances": ["a"]})
    assert answer.status_code == 503
    with pytest.raises(AssertionError):
        check(answer)
