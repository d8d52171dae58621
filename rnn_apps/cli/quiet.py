"""Keeps TensorFlow's own log lines from the terminal."""

import logging
import os
import sys
import warnings

_is_quiet = False


def be_quiet():
    """Discard what TensorFlow's C++ code writes to stderr; Python's stderr still reaches the terminal."""
    global _is_quiet
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore")
    for name in ("tensorflow", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    _is_quiet = True


def speak_again():
    """Give stderr back to a program that is to replace this process."""
    if _is_quiet:
        os.dup2(sys.stderr.fileno(), 2)
