"""Apache Beam: its workers write what one process writes, and what they leave is done here."""

import importlib.util
import json

import pytest
from folders import files_of

import rnn_apps
from rnn_apps.cli import call
from rnn_apps.errors import DataError, RnnAppsError, UserError
from rnn_apps.recipe import apply_overrides, load_recipe, with_data
from rnn_apps.runs import beam, blocks
from rnn_apps.runs.beam import BeamJob

SETTINGS = {"data.on_invalid_record": "skip", "data.max_length": 8, "data.vocabulary_size": 30}
ONE_PROCESS = {
    "runner": "DirectRunner",
    "beam_options": "--direct_running_mode=in_memory --direct_num_workers=1",
}


@pytest.fixture
def recipe(tmp_path):
    """A recipe on 200 texts, two of which are empty, in several blocks of several shards."""
    texts = [f"{'good' if i % 2 else 'bad'} film number {i}" if i % 99 else "" for i in range(1, 201)]
    rows = [f"{text},{('negative', 'positive')[i % 2]}" for i, text in enumerate(texts, start=1)]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    return apply_overrides(with_data(load_recipe("imdb"), tmp_path / "reviews.csv"), SETTINGS)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "CHUNK_EXAMPLES", 10)
    monkeypatch.setattr(blocks, "SHARD_BYTES", 900)
    monkeypatch.setattr(blocks, "BLOCK_CHUNKS", 4)


@pytest.fixture
def expected(recipe, tmp_path, new_console):
    """The files that one process writes."""
    rnn_apps.prepare(recipe, tmp_path / "own", console=new_console())
    found = files_of(tmp_path / "own")
    assert len({name[:11] for name in found if name.startswith("train-")}) > 3
    return found


def test_each_worker_encodes_its_blocks(recipe, expected, tmp_path, new_console, monkeypatch):
    written, write = [], blocks.write_shard

    def recording(folder, name, *args):
        written.append(name)
        return write(folder, name, *args)

    monkeypatch.setattr(blocks, "write_shard", recording)
    console = new_console()
    rnn_apps.prepare(recipe, tmp_path / "beam", console=console, workers=3, **ONE_PROCESS)
    assert files_of(tmp_path / "beam") == expected
    assert "Encoding in 3 workers of DirectRunner" in console.lines
    assert not any("No worker" in line for line in console.lines)
    assert len(written) == len(set(written))
    order = [int(name.split("-")[1]) % 3 for name in written if name.startswith("train")]
    assert order == sorted(order, key=order.index)  # one worker after another
    assert set(order) == {0, 1, 2}


@pytest.mark.slow
def test_workers_are_processes_of_their_own(recipe, tmp_path, new_console, monkeypatch):
    """With the sizes of the package, which processes of their own have, and a worker without a block."""
    monkeypatch.undo()
    rnn_apps.prepare(recipe, tmp_path / "own", console=new_console())
    monkeypatch.setattr(blocks, "write_shard", None)  # this process writes none
    console = new_console()
    rnn_apps.prepare(recipe, tmp_path / "beam", console=console, runner="DirectRunner", workers=2)
    assert files_of(tmp_path / "beam") == files_of(tmp_path / "own")


def test_workers_continue_what_was_begun(recipe, expected, tmp_path, new_console, monkeypatch):
    write, written = blocks.write_shard, []

    def stopping(*args):
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(args[1])
        return write(*args)

    monkeypatch.setattr(blocks, "write_shard", stopping)
    with pytest.raises(KeyboardInterrupt):
        rnn_apps.prepare(recipe, tmp_path / "beam", console=new_console())
    monkeypatch.setattr(blocks, "write_shard", lambda *args: written.append(args[1]) or write(*args))
    rnn_apps.prepare(recipe, tmp_path / "beam", console=new_console(), workers=2, **ONE_PROCESS)
    assert files_of(tmp_path / "beam") == expected
    assert len(written) == len(set(written))


def test_an_invalid_record_is_reported_as_without_beam(recipe, tmp_path, new_console):
    refusing = apply_overrides(recipe, {"data.on_invalid_record": "fail"})
    for beam_or_none in ({}, {"workers": 2, **ONE_PROCESS}):
        with pytest.raises(DataError, match=r"reviews.csv:100: text is empty"):
            rnn_apps.prepare(refusing, tmp_path / "out", console=new_console(), **beam_or_none)
        assert not (tmp_path / "out").exists()


def test_what_workers_leave_is_done_here_and_logged(recipe, expected, tmp_path, new_console, monkeypatch):
    def failing(self, chunk, dataset):
        raise UserError("the disk of the worker", "is full")

    def run(job, build):
        with monkeypatch.context() as context:
            context.setattr(blocks.Block, "add", failing)
            original(job, build)

    original = BeamJob.run
    monkeypatch.setattr(BeamJob, "run", run)
    console = new_console()
    rnn_apps.prepare(recipe, tmp_path / "beam", console=console, workers=2, **ONE_PROCESS)
    assert "No worker has completed train-00000: it is encoded here" in console.lines
    assert files_of(tmp_path / "beam") == expected


def test_a_pipeline_that_fails_leaves_what_was_prepared(recipe, expected, tmp_path, new_console, monkeypatch):
    def failing(self, chunk, dataset):
        raise ZeroDivisionError("of a worker")

    with monkeypatch.context() as context:
        context.setattr(blocks.Block, "add", failing)
        with pytest.raises(RnnAppsError, match="(?s)DirectRunner failed: .*of a worker.*again to contin"):
            rnn_apps.prepare(recipe, tmp_path / "beam", console=new_console(), workers=2, **ONE_PROCESS)
    console = new_console()
    rnn_apps.prepare(recipe, tmp_path / "beam", console=console)
    assert not any("Learning" in line for line in console.lines)
    assert files_of(tmp_path / "beam") == expected


@pytest.fixture
def table(tmp_path):
    rows = [json.dumps({"id": i, "text": f"a film {'to remember ' * (i % 5)}{i}"}) for i in range(25)]
    rows[3] = "{no JSON"
    (tmp_path / "in.jsonl").write_text("\n".join(rows))
    return tmp_path / "in.jsonl"


def test_workers_predict_what_one_process_predicts(finished, table, tmp_path, new_console):
    finished.predict_files(table, tmp_path / "own" / "a", shard_size=4)
    console = new_console()
    result = finished.predict_files(
        table, tmp_path / "beam" / "a", shard_size=4, console=console, workers=2, **ONE_PROCESS
    )
    assert (result.answered, result.invalid, len(result.shards)) == (24, 1, 7)
    assert console.lines == ["Predicting in 2 workers of DirectRunner"]
    own, found = files_of(tmp_path / "own"), files_of(tmp_path / "beam")
    assert own.keys() == found.keys()
    for name in own:
        rows, others = (
            [json.loads(line) for line in files[name].decode().splitlines() if name != "a.json"]
            for files in (own, found)
        )
        assert [row.get("id") for row in rows] == [row.get("id") for row in others]
        for row, other in zip(rows, others):
            assert row.get("score") == pytest.approx(other.get("score"), abs=1e-5)


def test_shards_that_workers_left_are_kept_unless_they_are_damaged(
    finished, table, tmp_path, new_console, monkeypatch
):
    options = {"shard_size": 4, "workers": 2, **ONE_PROCESS}
    with monkeypatch.context() as context:
        context.setattr("rnn_apps.runs.batch_outputs.ShardFiles.take", stop_at(2))
        with pytest.raises(KeyboardInterrupt):
            finished.predict_files(table, tmp_path / "a", console=new_console(), **options)
    assert len(list(tmp_path.glob(".a-*.json"))) == 5
    (tmp_path / "a-00003-of-00007.jsonl").write_text("damaged")
    (tmp_path / ".a-00004.json").write_text("[]")
    predicted, predict = [], type(finished.predictor).predict
    monkeypatch.setattr(
        type(finished.predictor),
        "predict",
        lambda self, inputs: predicted.extend(inputs) or predict(self, inputs),
    )
    result = finished.predict_files(table, tmp_path / "a", shard_size=4, console=new_console())
    assert (result.answered, result.invalid) == (24, 1)
    assert len(predicted) == 8
    assert not list(tmp_path.glob(".a-*"))


def stop_at(number):
    """`ShardFiles.take` until a shard."""
    from rnn_apps.runs.batch_outputs import ShardFiles

    take = ShardFiles.take

    def stopping(self, found):
        if found == number:
            raise KeyboardInterrupt
        return take(self, found)

    return stopping


def test_workers_elsewhere_need_absolute_paths(finished, table, tmp_path):
    with pytest.raises(UserError, match=r"in\.jsonl: received a relative path, expected an absolute path"):
        finished.predict_files("in.jsonl", tmp_path / "a", runner="FlinkRunner", workers=2)
    assert not list(tmp_path.glob("a*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--workers", "2"],
            "--workers: applies only with a runner of Apache Beam. Name it: --runner Direct",
        ),
        (["--beam-options", "--streaming"], "--beam-options: applies only with a runner of Apache Beam."),
        (["--runner", "DirectRuner"], '--runner: received "DirectRuner", expected one of DataflowRunner'),
        (["--runner", "DirectRuner"], 'Did you mean "DirectRunner"?'),
        (["--runner", "my.Runner"], '--runner: "my.Runner" is not available (No module'),
        (
            ["--runner", "FlinkRunner"],
            "--workers: FlinkRunner needs a number of workers. Add it: --workers 16",
        ),
        (["--runner", "direct", "--workers", "0"], "--workers: received 0, expected a whole number from 1"),
        (
            ["--runner", "direct", "--beam-options", "--direct_num_wokers=2"],
            '--beam-options: "direct_num_wokers" is not an option of Apache Beam. Did you mean "direct_',
        ),
        (
            ["--runner", "direct", "--beam-options", "--direct_num_workers=two"],
            "--beam-options: argument --direct_num_workers: invalid int value: 'two'",
        ),
        (
            ["--runner", "direct", "--beam-options", "host"],
            '--beam-options: received "host", expected options',
        ),
        (
            ["--runner", "direct", "--beam-options", "'"],
            "--beam-options: cannot be split (No closing",
        ),
    ],
)
def test_wrong_options_are_named_and_nothing_is_written(recipe, tmp_path, capsys, options, message):
    arguments = ["prepare", "imdb", "--data", str(recipe.data.path), "--to", str(tmp_path / "out")]
    assert call([*arguments, *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_beam_the_command_says_what_to_install(finished, table, tmp_path, capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        beam.importlib.util, "find_spec", lambda name: None if name == "apache_beam" else find(name)
    )
    command = ["predict", str(finished.folder), str(table), "--out", str(tmp_path / "a")]
    assert call([*command, "--runner", "DirectRunner"]) == 2
    expected = "--runner: needs Apache Beam, which is not installed. pip install 'rnn-apps[beam]'"
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.glob("a*"))
