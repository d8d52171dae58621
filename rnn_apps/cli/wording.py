"""Writes the settings, arguments and fixes of errors as options of the command."""

import os
import shlex

import click

from rnn_apps.errors import Argument, Call, Setting, Wording

_OPTION_OF_SETTING = {"data.path": "data", "data.max_invalid_records": "max_invalid_records"}
_COMMAND_OF_FUNCTION = {"recipe.packaged_recipes": "list"}
_TRAINING = "rnn-apps run RECIPE"
STARTED_AS = "RNN_APPS_STARTED_AS"  # what the user typed in place of "run"


class CommandWording(Wording):
    """The wording of one command.

    Args:
        command: click command that the user typed.
        commands: name to command of all of them.
    """

    def __init__(self, command, commands):
        self._parameters, self._commands = _by_name(command), commands

    def where(self, error):
        """Return the location, or the option that the error is about."""
        if error.option is None:
            return error.where
        option = self._parameters.get(error.option)
        if option is None:
            return super().where(error)
        return f"{_name(option)} {error.where}" if error.where else _name(option)

    def fixes(self, error):
        """Return the fixes that apply to the command, or else those that need a new training."""
        return [fix for fix in error.fixes if not self._needs_training(fix)] or error.fixes

    def fix(self, fix):
        """Return the text of one fix, with options that the user can type."""
        if isinstance(fix, Setting):
            return self._setting(fix)
        if isinstance(fix, Argument):
            return f"{fix.purpose}: {_options(fix.assignments, self._parameters)}"
        if isinstance(fix, Call):
            name = _COMMAND_OF_FUNCTION.get(fix.function, fix.function)
            options = _options(fix.assignments, _by_name(self._commands[name]))
            typed = os.environ.get(STARTED_AS, name) if name == "run" else name
            return f"{fix.purpose}: {' '.join(filter(None, ('rnn-apps', typed, options)))}"
        return super().fix(fix)

    def _needs_training(self, fix):
        return isinstance(fix, Setting) and None in map(self._assignment, fix.assignments)

    def _setting(self, fix):
        if not self._needs_training(fix):
            return f"{fix.purpose}: {' '.join(map(self._assignment, fix.assignments))}"
        options = " ".join(f"--set {_quoted(assignment)}" for assignment in fix.assignments)
        return f"{fix.purpose} when training: {_TRAINING} {options}"

    def _assignment(self, assignment):
        """The options that assign a setting; None if the command has none."""
        key, has_value, value = assignment.partition("=")
        option = self._parameters.get(_OPTION_OF_SETTING.get(key))
        takes_settings = "overrides" in self._parameters
        if option is not None:
            if has_value or isinstance(option, click.Argument):
                return _with_value(option, value)
            return f"{_name(option)} or {key}" if takes_settings else _name(option)
        if takes_settings:
            return f"{_name(self._parameters['overrides'])} {_quoted(assignment)}" if has_value else key
        return None if has_value else key


def _by_name(command):
    return {parameter.name: parameter for parameter in command.params}


def _name(parameter):
    return parameter.name.upper() if isinstance(parameter, click.Argument) else parameter.opts[0]


def _with_value(parameter, value):
    takes_value = isinstance(parameter, click.Option) and not parameter.is_flag
    return f"{_name(parameter)} {_quoted(value)}" if value and takes_value else _name(parameter)


def _options(assignments, parameters):
    """Write arguments of a function as options; those without an option stay in Python's form."""
    pairs = ((text, *text.partition("=")[::2]) for text in assignments)
    return " ".join(
        _with_value(parameters[name], value) if name in parameters else text for text, name, value in pairs
    )


def _quoted(text):
    """Quote a text for the shell; brackets of lists stay unquoted, because they match no file."""
    bare = text.replace("[", "").replace("]", "")
    return text if shlex.quote(bare) == bare else shlex.quote(text)
