"""Captions and sentence pairs from data sets that TFDS itself prepared, and from synthetic data."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from rnn_apps.data.caption_sources import load_captioned_clips, load_captioned_images
from rnn_apps.data.images import read_image
from rnn_apps.data.parallel import open_pairs
from rnn_apps.data.records import InvalidRecords
from rnn_apps.data.splits import DataSource, SplitRequest
from rnn_apps.errors import DataError


def loaded(load, name, *options):
    return load(DataSource(name, None, 100, 3), SplitRequest(), InvalidRecords("fail", 0), *options)


DOGS = [(f"ein Hund {i}", f"a dog {i}") for i in range(12)]
PAIRS = {"train": [*DOGS, ("", "nothing"), *DOGS], "test": [("ja", "yes")]}


def prepare(folder, monkeypatch, name, version, features, splits):
    """Write a set under a real builder's name as TFDS does."""
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():

        class Prepared(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version(version)
            BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name[1], version=version)]
            pkg_dir_path = folder

            def _info(self):
                return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

            def _split_generators(self, dl_manager):
                return {split: self._generate_examples(split) for split in splits}

            def _generate_examples(self, split):
                yield from enumerate(splits[split])

        Prepared.name = name[0]
        tfds.disable_progress_bar()
        Prepared(data_dir=folder, config=name[1]).download_and_prepare()
    monkeypatch.setenv("TFDS_DATA_DIR", str(folder))


def a_picture(value):
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (value, value, value)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def coco(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    features = {
        "image": tfds.features.Image(encoding_format="png"),
        "captions": tfds.features.Sequence({"text": tfds.features.Text(), "id": np.int64}),
    }
    splits = {
        split: [
            {
                "image": io.BytesIO(a_picture(10 * i + start)),
                "captions": [{"text": f" {split}  {i} ", "id": 1}, {"text": "another", "id": 2}],
            }
            for i in range(4)
        ]
        for start, split in ((1, "train"), (2, "val"), (3, "test"))
    }
    prepare(tmp_path, monkeypatch, ("coco_captions", "2014"), "1.1.0", features, splits)


def test_captions_and_images_of_a_set_of_tfds_belong_together(coco):
    found = loaded(load_captioned_images, "tfds:coco_captions")
    assert {part: len(inputs) for part, inputs in found.splits.items()} == {
        "train": 4,
        "validation": 4,
        "test": 4,
    }
    for start, part, split in ((1, "train", "train"), (2, "validation", "val"), (3, "test", "test")):
        for one in [*found.splits[part], *found.splits[part][1::-1]]:  # in order, and back
            number = int(one.captions[0].split()[1])
            assert one.captions == [f"{split} {number}", "another"]
            assert (read_image(found.store.read(one.frames[0]), (2, 2)) == 10 * number + start).all()


def test_a_set_without_images_says_what_it_has(monkeypatch):
    info = SimpleNamespace(features=["text"], splits=["train", "val", "test"], full_name="some_set/1.0.0")
    builder = SimpleNamespace(name="some_set", info=info)
    monkeypatch.setattr("rnn_apps.data.tfds_source.open_builder", lambda name: builder)
    with pytest.raises(DataError, match="some_set: received the features text, expected also"):
        loaded(load_captioned_images, "tfds:some_set")


@pytest.fixture
def wmt(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    features = {"de": tfds.features.Text(), "en": tfds.features.Text()}
    splits = {split: [{"de": de, "en": en} for de, en in rows] for split, rows in PAIRS.items()}
    prepare(tmp_path, monkeypatch, ("wmt16_translate", "de-en"), "1.0.0", features, splits)


def pairs_of(languages, most=None, invalid=None):
    source = DataSource("tfds:wmt16_translate/de-en", None, 0, 1)
    reader = open_pairs(source, SplitRequest(0.5), invalid or InvalidRecords("fail", 0.9), languages, most)
    return reader.lists()


def test_pairs_of_tfds_go_either_way_and_empty_ones_are_counted_as_skipped(wmt):
    invalid = InvalidRecords("fail", 0.9)
    parts = pairs_of(("en", "de"), invalid=invalid)
    empty = [row for rows in PAIRS.values() for row in rows if not all(text.strip() for text in row)]
    assert invalid.skipped.total() == len(empty) > 0
    train, validation = (list(map(tuple, parts[split])) for split in ("train", "validation"))
    assert sorted(train + validation) == sorted([(en, de) for de, en in DOGS] * 2)
    assert not set(train) & set(validation)
    assert parts["test"] == [["yes", "ja"]]


def test_a_language_that_the_set_lacks_is_named_with_those_it_has(wmt):
    with pytest.raises(DataError, match='no feature "fr"; its features are de, en.*target_language=FEATURE'):
        pairs_of(("en", "fr"))


@pytest.mark.parametrize("load", [load_captioned_images, load_captioned_clips])
def test_generated_inputs_come_in_three_splits_and_their_frames_can_be_read(load):
    found = loaded(load, "sample")
    assert [len(found.splits[part]) for part in ("train", "validation", "test")] == [80, 10, 10]
    one = found.splits["test"][0]
    images = [read_image(found.store.read(frame), (16, 16)) for frame in one.frames]
    assert len(images) == (1 if load is load_captioned_images else 8)
    assert all(image.any() for image in images[1:-1] or images)
    assert len(one.captions) > 1


def test_generated_pairs_come_in_three_splits_and_train_can_be_cut():
    parts = loaded(open_pairs, "sample", ("en", "de"), 30).lists()
    assert [len(parts[part]) for part in ("train", "validation", "test")] == [30, 10, 10]
