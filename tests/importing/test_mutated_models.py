"""Tests that randomly mutated model files are either imported or refused with a message."""

import copy
import json
import os
import random
import zipfile
from pathlib import Path

import pytest

from rnn_apps.errors import RnnAppsError
from rnn_apps.importing import import_model

pytestmark = pytest.mark.slow

MUTATIONS = int(os.environ.get("RNN_APPS_MUTATIONS", "24"))
VALUES = [
    None,
    True,
    -1,
    0,
    1,
    3,
    2**30,
    1e30,
    0.5,
    "",
    "relu",
    "/etc/passwd",
    "http://127.0.0.1:9/x",
    [],
    [1],
]
VALUES += [[None, None], {}, {"class_name": "Dense", "config": {}}, [[]] * 3, "a" * 1000, {"config": []}]
GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*.keras"))


def paths(value, path=()):
    """Yield the path of keys to every value in a configuration."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield from paths(one, (*path, key))


def mutated(config, rng):
    """Return a copy with one to three values replaced, removed or repeated."""
    config = copy.deepcopy(config)
    for _ in range(rng.randint(1, 3)):
        *way, last = rng.choice([path for path in paths(config) if path])
        parent = config
        for key in way:
            parent = parent[key]
        action = rng.random()
        if action < 0.7:
            parent[last] = copy.deepcopy(rng.choice(VALUES))
        elif action < 0.85 or isinstance(parent, dict):
            del parent[last]
        else:
            parent.insert(last, copy.deepcopy(parent[last]))
    return config


def refusal_of(path):
    """Return the message that refuses a file, or None if it is imported; other errors propagate."""
    try:
        import_model(path)
    except RnnAppsError as error:
        return str(error)
    return None


@pytest.mark.parametrize("source", GOLDEN, ids=lambda path: path.stem)
def test_a_mutated_configuration_gives_a_model_or_a_message(source, tmp_path):
    rng, outcomes = random.Random(source.stem), {"imported": 0, "refused": 0}
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    path = tmp_path / "mutated.keras"
    for _ in range(MUTATIONS // len(GOLDEN)):
        changed = json.dumps(mutated(config, rng)).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, changed if name == "config.json" else content)
        refusal = refusal_of(path)
        outcomes["refused" if refusal else "imported"] += 1
        assert refusal is None or refusal.startswith(str(path)), changed.decode()[:3000]
    assert outcomes["refused"] > 0
