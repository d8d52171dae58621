"""Makes the tests of the report draw real figures."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def figures_are_drawn(drawn):
    with drawn():
        yield
