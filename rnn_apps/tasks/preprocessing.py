"""Preprocessing: learned from the training split, and saved next to the model."""

import json
from pathlib import Path
from typing import ClassVar


class Preprocessing:
    """Converts raw inputs to numbers, and numbers to answers.

    The same object serves training, prediction and all exports, so that they agree. This class holds only
    class names; a task that learns more has a subclass, which lists it in `files`.

    Args:
        class_names: class names of a classification, in the order of the outputs; else None.
        **learned: further attributes, such as vocabularies.

    Attributes:
        files: name of each attribute that is saved, to its file in the folder and its class, whose methods
            `save` and `load` take the path of the file; None for values that JSON can represent.
    """

    files: ClassVar[dict[str, tuple[str, type | None]]] = {"class_names": ("class_names.json", None)}

    def __init__(self, class_names=None, **learned):
        self.class_names = class_names
        vars(self).update(learned)

    def save(self, folder):
        """Save the preprocessing in an existing folder."""
        for name, (file, kind) in self.files.items():
            path, value = Path(folder) / file, getattr(self, name)
            if kind is None:
                path.write_text(json.dumps(value), encoding="utf-8")
            else:
                value.save(path)

    @classmethod
    def load(cls, folder, model):
        """Load the preprocessing that `save` saved.

        Args:
            folder: path of the folder.
            model: saved `keras.Model`, which may contain parts of the preprocessing, such as a frozen feature
                extractor.
        """
        learned = {}
        for name, (file, kind) in cls.files.items():
            path = Path(folder) / file
            learned[name] = json.loads(path.read_text(encoding="utf-8")) if kind is None else kind.load(path)
        return cls(**learned)
