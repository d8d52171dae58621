"""Rule: an input that comes line by line is answered as the whole is, or the error says why not."""

import pytest
from comparing import assert_same

from rnn_apps.errors import UserError


def check_stream(run, tiny, raw):
    """The last answer of a stream is that for the whole input, or its last step."""
    lines = tiny.lines(raw)
    if lines is None:
        with pytest.raises(UserError, match=f"stream: the task {run.recipe.task} needs the whole input"):
            next(run.stream([raw]))
        return
    *_, last = run.stream(lines)
    assert_same(last, last_step(tiny.whole(run, raw), last), "the end of the stream")


def last_step(whole, last):
    """The entries of a whole answer that a stream ends with: of lists over steps (``tags``) the last one."""
    of_steps = {name: whole[f"{name}s"][-1] for name in last if f"{name}s" in whole}
    return {name: value for name, value in whole.items() if name not in ("text", "input")} | of_steps


def test_a_stream_ends_with_the_answer_to_the_whole_or_is_refused(run, tiny, inputs):
    for raw in inputs:
        check_stream(run, tiny, raw)


# Seeded fault


class Forgetful:
    """A run whose stream starts again with every line."""

    def __init__(self, run):
        self.run, self.recipe, self.predict = run, run.recipe, run.predict

    def stream(self, lines):
        for line in lines:
            yield from self.run.stream([line])


@pytest.mark.parametrize("task", ["text_classification", "tagging", "frame_labelling"], indirect=True)
def test_a_stream_that_forgets_what_it_has_read_is_caught(run, tiny, inputs):
    with pytest.raises(AssertionError, match="the end of the stream"):
        check_stream(Forgetful(run), tiny, max(inputs, key=lambda raw: len(tiny.lines(raw))))
