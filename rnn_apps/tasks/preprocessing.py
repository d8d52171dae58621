"""What is learned from the training split and saved next to the model."""

import json
from pathlib import Path

CLASS_NAMES = "class_names.json"


def save_class_names(names, folder):
    """Write the names of the classes into a folder."""
    (Path(folder) / CLASS_NAMES).write_text(json.dumps(names), encoding="utf-8")


def load_class_names(folder):
    """Return the names that `save_class_names` wrote."""
    return json.loads((Path(folder) / CLASS_NAMES).read_text(encoding="utf-8"))


class Preprocessing:
    """What turns a raw input into numbers, and numbers into an answer.

    One object serves training, prediction and every export, so that they agree. This class holds only the
    names of the classes; a task that learns more has a subclass.

    Args:
        class_names: names of the classes of a classification, in the order of the outputs; else None.
    """

    def __init__(self, class_names=None):
        self.class_names = class_names

    def save(self, folder):
        """Write all of it into an existing folder."""
        save_class_names(self.class_names, folder)

    @classmethod
    def load(cls, folder, model):
        """Return what `save` wrote.

        Args:
            folder: path of the folder.
            model: the saved `keras.Model`, which may contain a part of the preprocessing, such as a frozen
                feature extractor.
        """
        return cls(load_class_names(folder))
