"""Rule: an explanation ends with the answer that it explains."""

import numpy as np
import pytest
from comparing import assert_same

from rnn_apps.errors import UserError


def check_explained(explanations, tiny, inputs, answers):
    """There is one explanation for each input, it is of that input, and what it ends with is the answer."""
    for explanation, raw, answer in zip(explanations, inputs, answers, strict=True):
        assert len(explanation), "nothing is explained"
        assert np.isfinite([value for value in leaves(explanation) if isinstance(value, float)]).all()
        assert_same(tiny.explained(explanation), tiny.explains(raw, answer), "the explanation")


def leaves(value):
    """All that is in nested lists and mappings."""
    if isinstance(value, (list, tuple, dict)):
        inner = value.values() if isinstance(value, dict) else value
        return [leaf for one in inner for leaf in leaves(one)]
    return [value]


def test_an_explanation_ends_with_the_answer(run, tiny, inputs, answers):
    if tiny.is_trained_here:
        check_explained(run.explain(inputs), tiny, inputs, answers)
        assert run.explain([]) == []
    else:
        with pytest.raises(UserError, match="explain: the task imported does not explain"):
            run.explain(inputs)


# Seeded fault


@pytest.mark.parametrize(
    "task", ["text_classification", "tagging", "forecasting", "language_model"], indirect=True
)
def test_explanations_of_other_inputs_are_caught(run, tiny, inputs, answers):
    with pytest.raises(AssertionError, match="the explanation"):
        check_explained(run.explain(inputs[::-1]), tiny, inputs, answers)
