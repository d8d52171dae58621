"""What a terminal shows while a network trains, and what a file gets in its place."""

import io

from rich.console import Console

from rnn_apps.progress import Progress


def shown(terminal):
    out = io.StringIO()
    with Progress(Console(file=out, force_terminal=terminal, width=120, highlight=False)) as progress:
        progress.log("Run folder: runs/[red]imdb[/red]")
        progress.step(0, 4, {})
        for step in range(1, 5):
            progress.step(step, 4, {"loss": 0.5 / step, "accuracy": 0.25 * step})
        progress.log("Epoch 1/1")
        bar_is_up = progress._bar is not None
        progress.close()
        assert progress._bar is None
    return out.getvalue(), bar_is_up


def test_a_terminal_gets_a_bar_with_steps_time_left_loss_and_metric():
    text, bar_is_up = shown(terminal=True)
    assert bar_is_up
    assert "preparing the first steps" in text or "loss" in text
    assert "4/4" in text
    assert "loss 0.1250  accuracy 1.0000" in text
    assert "Epoch 1/1" in text


def test_a_long_line_is_broken_between_words_on_a_terminal_and_nowhere_in_a_file():
    text = "many words " * 20
    for terminal in (True, False):
        out = io.StringIO()
        Progress(Console(file=out, force_terminal=terminal, width=30, color_system=None)).log(text)
        lines = out.getvalue().splitlines()
        assert {word for line in lines for word in line.split()} == {"many", "words"}
        assert (len(lines) > 1) == terminal


def test_a_file_gets_lines_alone_and_text_as_it_is():
    text, bar_is_up = shown(terminal=False)
    assert not bar_is_up
    assert text == "Run folder: runs/[red]imdb[/red]\nEpoch 1/1\n"
