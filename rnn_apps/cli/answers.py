"""Commands on finished runs."""

import json
import sys
from contextlib import contextmanager

import click

from rnn_apps.cli import completing
from rnn_apps.cli.shared import cli, examples, json_option, print_table, run_argument, verbose_option
from rnn_apps.cli.streaming import stream_answers
from rnn_apps.errors import UserError, shown

LARGEST_CONFUSION = 12  # classes of a matrix that fits on a screen; --json has larger ones


@cli.command(epilog=examples("rnn-apps evaluate RUN", "rnn-apps evaluate RUN --data more/ --json"))
@run_argument
@click.option("--data", type=click.Path(), help="Folder or file of other data.")
@click.option(
    "--max-bad-records",
    "max_invalid_records",
    type=click.FloatRange(0, 1_000_000_000),
    metavar="N",
    help="Records of other data that may be unusable: a number, or below 1 a fraction; 0.5 by default.",
)
@json_option
@verbose_option
def evaluate(run, data, max_invalid_records, as_json):
    """Score a RUN on its data or on other data.

    Printed are also the baselines and, for a classification, the confusion matrix.
    """
    opened = _opened(run)
    with _readers_heard():
        found = opened.evaluate(data, max_invalid_records)
    mark = None if data else opened.score_mark
    if as_json:
        click.echo(json.dumps({**found.as_dict(), "score_mark": mark}, ensure_ascii=False))
        return
    for sentence in (found.coverage, found.truncation):
        if sentence:
            click.echo(sentence)
    for name, value in found.items():
        click.echo(f"{name:<24} {value:.4f}")
    _print_baselines(found)
    if found.confusion is not None and len(found.confusion["labels"]) <= LARGEST_CONFUSION:
        _print_confusion(found.confusion)
    if mark:
        click.echo(mark)


@contextmanager
def _readers_heard():
    """What the readers of data log, such as files that are not read, is said on standard error."""
    from rnn_apps.runs.console import PrintConsole, log_to_console

    with log_to_console(PrintConsole(sys.stderr), "rnn_apps.data"):
        yield


def _print_baselines(found):
    for name, scores in found.baselines.items():
        listed = ", ".join(f"{key} {value:.4f}" for key, value in scores.items() if not key.startswith("f1/"))
        click.echo(f"baseline {name}: {listed}")
    if found.baselines_left_out:
        click.echo(found.baselines_left_out)


def _print_confusion(confusion):
    from rich.table import Table

    table = Table("label \\ answer", *map(_harmless, confusion["labels"]))
    for label, counts in zip(confusion["labels"], confusion["counts"]):
        table.add_row(_harmless(label), *(f"{count:,}" for count in counts))
    print_table(table)


@cli.command(
    epilog=examples(
        'rnn-apps predict RUN "a film to remember"',
        "rnn-apps predict RUN photo.jpg --beam 5 --nbest 3",
        'rnn-apps predict RUN --prompt "ROMEO:" --length 300 --temperature 0.7',
        "rnn-apps predict RUN reviews.csv",
        "rnn-apps predict RUN --file reviews.txt --json",
        "cat reviews.txt | rnn-apps predict RUN -",
        "cat sensor.csv | rnn-apps predict RUN --stream",
    )
)
@run_argument
@click.argument("inputs", nargs=-1, shell_complete=completing.files)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="File with one input per line; a table gives the texts in the recipe's column.",
)
@click.option("--text", "as_text", is_flag=True, help="Take INPUTS as texts, even where a file is called so.")
@click.option("--beam", type=int, help="Width of the beam search of a task that writes; 1 is greedy.")
@click.option("--nbest", type=int, help="Number of texts an input, best first, of a task that writes.")
@click.option("--prompt", multiple=True, help="Beginning of a text that a language model goes on with.")
@click.option("--length", type=int, help="Number of tokens that a language model writes.")
@click.option("--temperature", type=float, help="Draw texts at random: above 1 more freely, below 1 less.")
@click.option("--top-k", type=int, help="Draw among this many of the likeliest tokens of a language model.")
@click.option(
    "--top-p",
    type=float,
    help="Draw among the fewest tokens of a language model that hold this much probability.",
)
@click.option("--seed", type=int, help="Seed of what is drawn at random.")
@click.option(
    "--stream",
    is_flag=True,
    help='Answer step by step as input comes; INPUTS are files of any length, or "-" for standard input.',
)
@json_option
@verbose_option
def predict(run, inputs, file, as_text, prompt, stream, as_json, **options):
    """Answer INPUTS with the network of a RUN.

    INPUTS are texts or files, as the task reads them; "-" reads one per line from standard input.
    """
    if stream:
        _refuse_beside_stream(file, prompt, options)
        return _stream(_opened(run), inputs or ("-",), as_json)
    named = [text for text in inputs if text != "-"]
    reads_stdin = "-" in (*inputs, file) or not (named or prompt or file or sys.stdin.isatty())
    lines = _lines_of_stdin() if reads_stdin else []
    if not (named or prompt or lines or file not in (None, "-")):
        raise UserError("predict", "no input", fix='Give texts, --file, or lines on standard input with "-".')
    opened = _opened(run)
    options = {name: value for name, value in options.items() if value is not None}
    with _readers_heard():
        texts = [] if file in (None, "-") else opened.inputs_of(file)
        answers = opened.predict(named, as_text, **options) if named else []
        if more := [*prompt, *texts, *lines]:
            answers = [*answers, *opened.predict(more, as_text=True, **options)]
    for answer in answers:
        if as_json:
            click.echo(json.dumps(answer, ensure_ascii=False))
        else:
            click.echo(_harmless(opened.predictor.answer_line(answer)))


def _lines_of_stdin():
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    return [line.rstrip("\r\n") for line in sys.stdin]


def _opened(run):
    """The run; where it did not come to its end, that is said beside the answers."""
    import rnn_apps.runs

    opened = rnn_apps.runs.open_run(run)
    if not opened.is_complete:
        resume = f"rnn-apps run --resume {run}"
        click.echo(f"{run} is not finished: this is its best network so far. Go on with: {resume}", err=True)
    return opened


def _refuse_beside_stream(file, prompt, options):
    """A stream takes nothing but its lines."""
    given = {"file": file, "prompt": prompt or None, **options}
    for name, value in given.items():
        if value is not None:
            problem = "goes with whole inputs, not with --stream"
            raise UserError(problem=problem, fix="Leave one of them out.", option=name)


def _stream(opened, sources, as_json):
    for stream, answer in stream_answers(opened.predictor.open_stream, sources):
        click.echo(
            json.dumps(answer, ensure_ascii=False) if as_json else _harmless(stream.line(answer), "\t")
        )


def _harmless(text, kept=""):
    """Lines without what could steer the terminal."""
    lines = text.split("\n")
    return "\n".join("".join(c for c in line if c.isprintable() or c in kept) for line in lines)


@cli.command(
    epilog=examples(
        "rnn-apps compare runs/imdb/* runs/imdb_gru/*",
        "rnn-apps compare runs/imdb/* runs/imdb_gru/* --out runs/compared",
    )
)
@click.argument("runs", nargs=-1, required=True, type=click.Path(), shell_complete=completing.runs)
@click.option("--out", type=click.Path(), help="Folder of a page with curves and the spread of seeds.")
@verbose_option
def compare(runs, out):
    """Show RUNS side by side: scores, and what differs.

    A RUN may also be the folder that rnn-apps run --seeds makes: its seeds are shown one by one.
    """
    from rich.table import Table

    import rnn_apps.runs

    opened, differing = rnn_apps.runs.compare(runs)
    report = None if out is None else rnn_apps.runs.write_comparison(opened, out)
    table = Table("", *(str(run.folder) for run in opened))
    for key, values in differing.items():
        table.add_row(key, *map(shown, values))
    table.add_section()
    names = dict.fromkeys(name for run in opened for name in run.metrics.get("test", {}))
    for name in names:
        scores = [run.metrics.get("test", {}).get(name) for run in opened]
        table.add_row(name, *("-" if s is None else f"{s:.4f}" for s in scores))
    marks = [run.metrics.get("score_mark") or ("" if run.metrics else "not finished") for run in opened]
    if any(marks):
        table.add_row("", *marks)
    print_table(table)
    if report is not None:
        click.echo(f"Report: {report}")
