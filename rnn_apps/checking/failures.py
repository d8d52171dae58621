"""What an exception says, without what Keras and TensorFlow wrap around it."""

import re

from rnn_apps.tasks.cell import raised_at

LONGEST_LINE = 160
BOLD = re.compile(r"\x1b\[[0-9;]*m")
WRAPPERS = ("Exception encountered when calling", "in user code:", "Could not automatically infer")
BEFORE_THE_MESSAGE = "Exception encountered: "  # where a layer could not be read, after its configuration
AFTER_THE_MESSAGE = "Arguments received by"
OPERATION = re.compile(r"\{\{function_node [^}]*\}\} ?| \[Op:\w+\]( name:.*)?")
NAMES_ITS_TYPE = re.compile(r"[A-Z]\w*(Error|Exception|Interrupt|Warning): ")


def explained(error, module=None):
    """Return one line on an exception: its type, the sentence that tells something, and where it was raised.

    Args:
        error: the exception.
        module: name of a module; where a line of it is on the way to the exception, that line is named.
    """
    text = _message(error)[:LONGEST_LINE]
    if not NAMES_ITS_TYPE.match(text):  # within a graph the type is part of the text
        text = f"{type(error).__name__}: {text}".removesuffix(": ")
    place = raised_at(error, module) if module else None
    return f"{text} ({place})" if place else text


def _message(error):
    """The first line of an exception's text that is no wrapper, no place, and no line of code."""
    whole = OPERATION.sub("", BOLD.sub("", str(error))).rpartition(BEFORE_THE_MESSAGE)[2]
    code_from = None
    for line in whole.partition(AFTER_THE_MESSAGE)[0].splitlines():
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if text.startswith('File "'):
            code_from = indent
        elif text and (code_from is None or indent <= code_from):
            code_from = None
            if not any(wrapper in text for wrapper in WRAPPERS):
                return text
    return next((line.strip() for line in whole.splitlines() if line.strip()), "")
