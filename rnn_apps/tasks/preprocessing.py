"""Preprocessing: learned from the training split, and saved next to the model."""

import json
from pathlib import Path

CLASS_NAMES = "class_names.json"


def save_class_names(names, folder):
    """Save class names in a folder."""
    (Path(folder) / CLASS_NAMES).write_text(json.dumps(names), encoding="utf-8")


def load_class_names(folder):
    """Load the class names that `save_class_names` saved."""
    return json.loads((Path(folder) / CLASS_NAMES).read_text(encoding="utf-8"))


class Preprocessing:
    """Converts raw inputs to numbers, and numbers to answers.

    The same object serves training, prediction and all exports, so that they agree. This class holds only
    class names; tasks that learn more have a subclass.

    Args:
        class_names: class names of a classification, in the order of the outputs; else None.
    """

    def __init__(self, class_names=None):
        self.class_names = class_names

    def save(self, folder):
        """Save the preprocessing in an existing folder."""
        save_class_names(self.class_names, folder)

    @classmethod
    def load(cls, folder, model):
        """Load the preprocessing that `save` saved.

        Args:
            folder: path of the folder.
            model: saved `keras.Model`, which may contain parts of the preprocessing, such as a frozen feature
                extractor.
        """
        return cls(load_class_names(folder))
