"""Makes the tests of the report draw real figures."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def figures_are_drawn(looked_into, not_looked_into):
    with looked_into(drawn=True):
        yield
