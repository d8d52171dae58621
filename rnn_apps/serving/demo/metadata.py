"""Reads what an export says about itself to the demo page."""

import json
from pathlib import Path

FOLDER = "assets.extra/demo"


class Metadata:
    """The demo metadata stored with a SavedModel; empty for an export written before there was any.

    Args:
        version: path of the SavedModel.

    Attributes:
        folder: folder of the example files.
        values: name to value.
        examples: list of {"text": ...} or {"files": [paths]}.
    """

    def __init__(self, version):
        self.folder = (Path(version) / FOLDER).absolute()
        path = self.folder / "facts.json"
        self.values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        self.examples = [
            {"files": [str(self.folder / name) for name in example["files"]]}
            if "files" in example
            else example
            for example in self.values.get("examples", ())
        ]

    def get(self, name, default=None):
        """Return a value, or `default` if the export does not have it."""
        value = self.values.get(name)
        return default if value is None else value
