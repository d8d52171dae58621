"""Extracts the message of an exception from the text that Keras and TensorFlow wrap around it."""

import re

from rnn_apps.tasks.cell import raised_at

MAX_LENGTH = 160
BOLD = re.compile(r"\x1b\[[0-9;]*m")
WRAPPERS = ("Exception encountered when calling", "in user code:", "Could not automatically infer")
MESSAGE_START = "Exception encountered: "  # after the configuration of a layer that could not be loaded
MESSAGE_END = "Arguments received by"
OPERATION = re.compile(r"\{\{function_node [^}]*\}\} ?| \[Op:\w+\]( name:.*)?")
TYPE_NAME = re.compile(r"[A-Z]\w*(Error|Exception|Interrupt|Warning): ")


def describe_error(error: Exception, module: str | None = None) -> str:
    """Return an exception in one line: its type, its message, and where it was raised.

    Args:
        error: the exception.
        module: name of a module; if a line of it is in the traceback, that line is named.
    """
    text = _message(error)[:MAX_LENGTH]
    if not TYPE_NAME.match(text):  # inside a graph the type is already part of the text
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    location = raised_at(error, module) if module else None
    return f"{text} ({location})" if location else text


def _message(error):
    """Return the first line of the text that is not a wrapper, a location or a line of code."""
    full_text = OPERATION.sub("", BOLD.sub("", str(error))).rpartition(MESSAGE_START)[2]
    code_indent = None
    for line in full_text.partition(MESSAGE_END)[0].splitlines():
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if text.startswith('File "'):
            code_indent = indent
        elif text and (code_indent is None or indent <= code_indent):
            code_indent = None
            if not any(wrapper in text for wrapper in WRAPPERS):
                return text
    return next((line.strip() for line in full_text.splitlines() if line.strip()), "")
