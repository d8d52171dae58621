"""Tests of the report see real figures."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def figures_are_drawn(drawn_figures, figures_are_empty):
    with drawn_figures():
        yield
