"""Rule: the demo page over an export offers test examples, and answers them as `predict` does."""

from pathlib import Path

import pytest


def check_page(page, tiny, inputs, answers):
    """Check that a page has the metadata of its export and shows the given answers to its examples."""
    assert {name: page.metadata.get(name) for name in tiny.demo_facts} == tiny.demo_facts
    examples = page.examples()
    assert len(examples) >= len(inputs)
    for example, raw, answer in zip(examples, inputs, answers):
        assert same_input(example.value, raw)
        shown = page.answer(example.value, *tiny.demo_settings())
        text = f"{shown.summary}\n{shown.html}"
        missing = [part for part in tiny.demo_says(answer) if part not in text]
        assert not missing, f"the page does not say {missing}; it says {shown.summary}"


def same_input(offered, raw):
    """Whether an example of the page is an input: the text, or files of the same content."""
    if not Path(raw).exists():
        return offered == raw
    files = sorted(Path(raw).iterdir()) if Path(raw).is_dir() else [Path(raw)]
    offered = [Path(one) for one in (offered if isinstance(offered, list) else [offered])]
    return [file.read_bytes() for file in offered] == [file.read_bytes() for file in files]


def test_the_demo_page_answers_its_examples_as_predict_does(run, tiny, inputs, answers, demo_page):
    page = demo_page(run)
    if tiny.is_trained_here:
        check_page(page, tiny, inputs, answers)
    else:
        assert page is None


# Seeded fault


@pytest.mark.parametrize("task", ["text_classification", "forecasting"], indirect=True)
def test_a_page_that_answers_otherwise_is_caught(run, tiny, inputs, answers, demo_page):
    with pytest.raises(AssertionError, match="the page does not say"):
        check_page(demo_page(run), tiny, inputs, answers[::-1])
