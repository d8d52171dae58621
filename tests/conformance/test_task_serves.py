"""Rule: a request over HTTP to the exported SavedModel is answered as `predict` answers."""

import pytest
from comparing import assert_same
from fastapi.testclient import TestClient

from rnn_apps.serving.application import make_application
from rnn_apps.serving.model import Model


def check_served(folder, tiny, inputs, answers):
    """The server over an export gives the answers of `predict`, to one request after the other."""
    with TestClient(make_application(Model(folder), "tiny"), base_url="http://localhost") as client:
        for raw, answer in zip(inputs, answers, strict=True):
            response = client.post("/v1/models/tiny:predict", json={"instances": [tiny.request(raw)]})
            assert response.status_code == 200, response.text
            (found,) = response.json()["predictions"]
            expected = tiny.served(answer)
            found = found if isinstance(found, dict) else dict.fromkeys(expected, found)  # the one output
            found = {name: fitted(value, expected.get(name)) for name, value in found.items()}
            assert_same(found, expected, "the server")


def fitted(found, expected):
    """A list of candidates as long as that of `predict`, which asks for fewer of them."""
    return found[: len(expected)] if isinstance(expected, list) and isinstance(found, list) else found


def test_a_request_over_http_is_answered_as_predict_answers(run, tiny, inputs, answers):
    check_served(run.folder / "export", tiny, inputs, answers)


# Seeded fault


@pytest.mark.parametrize("task", ["text_classification", "forecasting"], indirect=True)
def test_an_export_that_answers_otherwise_is_caught(run, tiny, inputs, answers):
    with pytest.raises(AssertionError, match="the server: .* differs"):
        check_served(run.folder / "export", tiny, inputs, answers[::-1])
