"""The command that prints a shell's completion script."""

import click
from click.shell_completion import get_completion_class

from rnn_apps.cli.shared import cli, examples

# A key that ends in "=" and a folder that ends in "/" go on without a blank; click's own scripts add one.
_AFTER_BASH = """
_rnn_apps_open() {
    _rnn_apps_completion "$@"
    [[ ${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
    return 0
}
complete -o nosort -F _rnn_apps_open rnn-apps
"""
_ZSH = "compadd -U -V unsorted -a completions"
_OPEN_ZSH = """local end=' '
        [[ $completions[1] == *[=/] ]] && end=''
        compadd -U -V unsorted -S "$end" -a completions"""


@cli.command(
    epilog=examples(
        "rnn-apps completion bash >> ~/.bashrc",
        "rnn-apps completion zsh >> ~/.zshrc",
        "rnn-apps completion fish > ~/.config/fish/completions/rnn-apps.fish",
    )
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")), metavar="SHELL")
def completion(shell):
    """Print the completion script of a SHELL.

    SHELL is bash, zsh or fish. Completed are commands, options, recipes, folders of runs, formats, and
    keys of --set.
    """
    script = get_completion_class(shell)(cli, {}, "rnn-apps", "_RNN_APPS_COMPLETE").source()
    if shell == "bash":
        script += _AFTER_BASH
    click.echo(script.replace(_ZSH, _OPEN_ZSH), nl=False)
