"""Rule: the same records in every kind of file that a task reads have the same scores."""

import csv
import gzip
import io
import json

import pytest

from rnn_apps.data.split_files import ENDINGS
from rnn_apps.data.tagged_files import TAGGED_ENDINGS

TEXTS = {"A gem!": "positive", 'Dull, "dull", dull;\tand long.': "negative", "Grüße\u00a0🎬": "positive"}
SENTENCES = [(["They", "book", "it"], ["PRON", "VERB", "PRON"]), (["naïve", "."], ["ADJ", "PUNCT"])]


def table(ending):
    """Texts and labels as a table."""
    if ending == ".jsonl":
        return "\n".join(json.dumps({"text": text, "label": label}) for text, label in TEXTS.items())
    rows = io.StringIO()
    writer = csv.writer(rows, delimiter="\t" if ending == ".tsv" else ",")
    writer.writerows([("text", "label"), *TEXTS.items()])
    return rows.getvalue()


def tagged(ending):
    """Sentences and tags, one word a line but in JSON lines."""
    if ending == ".jsonl":
        return "\n".join(json.dumps({"tokens": tokens, "tags": tags}) for tokens, tags in SENTENCES)
    empty = "\t_" * 6 if ending == ".conllu" else ""
    columns = "{number}\t{token}\t_\t{tag}" + empty if ending == ".conllu" else "{token}\t{tag}"
    sentences = (
        "\n".join(
            columns.format(number=n, token=token, tag=tag) for n, (token, tag) in enumerate(zip(*one), 1)
        )
        for one in SENTENCES
    )
    return "\n\n".join(sentences) + "\n\n"


WRITERS = {"text_classification": table, "tagging": tagged}


def scored(run, folder, ending, write):
    """The evaluation of a run on the records in a file of this kind."""
    content = write(ending.removesuffix(".gz")).encode()
    (folder / f"test{ending}").write_bytes(gzip.compress(content) if ending.endswith(".gz") else content)
    return run.evaluate(folder)


def check_read(found, expected):
    """A file is scored as JSON lines with the same records are."""
    assert found.scored == expected.scored > 0
    assert found == pytest.approx(expected, abs=1e-6)
    assert found.confusion == expected.confusion


@pytest.fixture(scope="session")
def of_json_lines(run, task, tmp_path_factory):
    return scored(run, tmp_path_factory.mktemp("lines"), ".jsonl", WRITERS[task])


@pytest.mark.parametrize("ending", [ending for ending in ENDINGS if ending != ".jsonl"])
@pytest.mark.parametrize("task", ["text_classification"], indirect=True)
def test_every_kind_of_table_is_read_alike(run, task, ending, of_json_lines, tmp_path):
    check_read(scored(run, tmp_path, ending, table), of_json_lines)


@pytest.mark.parametrize("ending", [ending for ending in TAGGED_ENDINGS if ending != ".jsonl"])
@pytest.mark.parametrize("task", ["tagging"], indirect=True)
def test_every_kind_of_tagged_file_is_read_alike(run, task, ending, of_json_lines, tmp_path):
    check_read(scored(run, tmp_path, ending, tagged), of_json_lines)


# Seeded fault


@pytest.mark.parametrize("task", ["text_classification", "tagging"], indirect=True)
def test_a_kind_of_file_that_loses_its_last_line_is_caught(run, task, of_json_lines, tmp_path):
    ending = {"text_classification": ".csv", "tagging": ".conll"}[task]

    def lossy(ending):
        return WRITERS[task](ending).rstrip().rpartition("\n")[0]

    with pytest.raises(AssertionError):
        check_read(scored(run, tmp_path, ending, lossy), of_json_lines)
