"""What a tagger's exported files are scored on: every token of the records, whatever stands in it."""

from types import SimpleNamespace

from rnn_apps.tasks.tagging.predictor import TagPredictor

RECORDS = [
    {"tokens": ["New York", "is", "1\u00a0000"], "labels": ["A", "B", "C"]},
    {"tokens": ["", "far"], "labels": ["A", "B"]},
]


def tagger(tags, most=None):
    """Gives the words of a text these tags in turn, `most` of them at most."""

    def answer(text):
        return {"tags": [tag for _, tag in zip(text.split()[:most], tags)]}

    return SimpleNamespace(answer=answer, predict=lambda texts: [answer(text) for text in texts])


def score(network, files):
    return TagPredictor.export_score(network, files, RECORDS)


def test_tokens_with_blanks_and_empty_ones_keep_their_places():
    assert score(tagger("ABC"), tagger("ABB")) == ("accuracy", 1.0, 4 / 5)


def test_tokens_that_files_of_few_steps_leave_out_are_wrong():
    assert score(tagger("ABC"), tagger("ABC", most=1)) == ("accuracy", 1.0, 2 / 5)


def test_a_label_that_nobody_gives_is_wrong():
    assert score(tagger("XYZ"), tagger("ABC")) == ("accuracy", 0.0, 1.0)
