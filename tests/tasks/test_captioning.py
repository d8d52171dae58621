"""Captioning from the user's own folder: odd and bad pictures, missing weights, what is cached."""

import io
import json
import zlib

import keras
import numpy as np
import pytest
from PIL import Image
from tests_of_tasks import small_recipe

from rnn_apps.data.splits import SplitRequest
from rnn_apps.errors import DataError, UserError
from rnn_apps.recipe import with_data
from rnn_apps.tasks import find_task
from rnn_apps.tasks.caption_dataset import CaptionDataset, CaptionPreprocessing
from rnn_apps.tasks.image_captioning.pictures import Pictures
from rnn_apps.tasks.visual import make_visual_encoder

RNG = np.random.default_rng(0)


def encoded(pixels, kind="PNG", **options):
    stream = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(height=20, width=24, channels=3):
    return RNG.integers(0, 256, (height, width, channels)).astype(np.uint8)


def bomb():
    """A PNG whose header says 20,000 x 20,000."""
    whole = bytearray(encoded(noise()))
    whole[16:24] = (20_000).to_bytes(4, "big") * 2
    whole[29:33] = zlib.crc32(whole[12:29]).to_bytes(4, "big")
    return bytes(whole)


def animated():
    frames = [Image.fromarray(noise()) for _ in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


GOOD = {
    "cmyk.jpg": lambda: encoded(Image.fromarray(noise()).convert("CMYK"), "JPEG"),
    "alpha.png": lambda: encoded(noise(channels=4)),
    "deep.png": lambda: encoded(Image.fromarray(noise()[..., 0].astype(np.uint16) * 256)),
    "animated.gif": animated,
    "one.png": lambda: encoded(noise(1, 1)),
    "mislabelled.jpg": lambda: encoded(noise()),
    "grey.png": lambda: encoded(noise()[..., 0]),
}
BAD = {
    "empty.jpg": (lambda: b"", "the file is empty"),
    "cut.png": (lambda: encoded(noise())[:200], "cannot be decoded"),
    "text.jpg": (lambda: b"no picture at all", "expected a JPEG, PNG, GIF or BMP image"),
    "bomb.png": (bomb, "too many pixels, expected at most"),
    "half.jpg": (lambda: encoded(noise(), "JPEG")[:60], "cannot be"),
}


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures with two captions each, in all parts."""

    def make(extra=()):
        (tmp_path / "images").mkdir(exist_ok=True)
        lines = []
        for i in range(12):
            (tmp_path / "images" / f"{i}.png").write_bytes(encoded(noise()))
            split = ("train", "train", "val", "test")[i % 4]
            lines.append({"image": f"{i}.png", "captions": [f"a picture {i % 3}", "it is"], "split": split})
        for name, content in extra:
            (tmp_path / "images" / name).write_bytes(content)
            lines.append({"image": name, "captions": ["a bad one"], "split": "train"})
        (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, lines)))
        return tmp_path

    return make


def recipe_of(folder, **changes):
    encoder = {"name": "small_cnn", "weights": None, "image_size": [16, 16], "horizontal_flip": False}
    model = {"encoder": {**encoder, **changes.pop("encoder", {})}}
    data = {"min_count": 1, **changes.pop("data", {})}
    recipe = small_recipe("image_captioning", model=model, data=data)
    return with_data(recipe, folder)


def prepared(folder, **changes):
    keras.utils.set_random_seed(1)
    return find_task("image_captioning").prepare(recipe_of(folder, **changes))


@pytest.mark.parametrize("name", GOOD)
def test_odd_but_sound_pictures_are_read(name, folder, tmp_path):
    task = prepared(folder([(name, GOOD[name]())]))
    assert task.dataset.describe()["train"] == 7
    assert task.dataset.inputs["train"][[6]].any()
    assert len(task.predictor.raw_tensor([tmp_path / "images" / name])) == 1


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_named_with_what_is_wrong(name, folder, tmp_path):
    make, problem = BAD[name]
    with pytest.raises(DataError) as error:
        prepared(folder([(name, make())]))
    assert name in str(error.value)
    assert problem in str(error.value)
    assert "data.on_invalid_record=skip" in str(error.value)


def test_bad_pictures_are_skipped_and_counted_also_when_the_rest_is_cached(folder):
    extra = [(name, make()) for name, (make, _) in BAD.items()]
    for _ in range(2):
        dataset = prepared(folder(extra), data={"on_invalid_record": "skip"}).dataset
        assert dataset.describe()["train"] == 6
        assert sum(dataset.describe()["skipped"].values()) == len(BAD)
        assert [one.name for one in dataset.inputs["train"].inputs] == [
            f"{i}.png" for i in range(12) if i % 4 < 2
        ]


@pytest.mark.parametrize("name", BAD)
def test_a_file_to_predict_that_is_no_picture_is_named(name, tmp_path, folder):
    (tmp_path / name).write_bytes(BAD[name][0]())
    with pytest.raises(UserError, match=name):
        Pictures(recipe_of(folder())).raw_tensor([tmp_path / name])


def test_a_file_that_is_not_there_is_named(tmp_path, folder):
    with pytest.raises(UserError, match="gone.jpg: cannot be read"):
        Pictures(recipe_of(folder())).raw_tensor([tmp_path / "gone.jpg"])
    is_folder = r"images: is a folder; expected an image file. Name the images in it: .*images/\*\.png$"
    with pytest.raises(UserError, match=is_folder):
        Pictures(recipe_of(folder())).raw_tensor([tmp_path / "images"])


def test_a_part_without_a_picture_that_can_be_read_is_named(folder, tmp_path):
    make = folder()
    for i in range(3, 12, 4):
        (tmp_path / "images" / f"{i}.png").write_bytes(b"")
    with pytest.raises(DataError, match="no valid example for test"):
        prepared(make, data={"on_invalid_record": "skip"})


@pytest.mark.slow
def test_what_has_no_weights_is_part_of_the_name_of_the_cache(folder):
    small = {"name": "MobileNetV2", "image_size": [32, 32], "horizontal_flip": False}
    folders = set()
    for changes in ({"pooled": True}, {"options": {"alpha": 0.35, "pooling": None}}, {}):
        encoder = {**small, "options": {"alpha": 0.35}, **changes}
        keras.utils.set_random_seed(1)
        recipe = recipe_of(folder(), encoder=encoder)
        cnn = make_visual_encoder(recipe.model.encoder, recipe.seed)
        dataset = CaptionDataset(Pictures, recipe, CaptionPreprocessing(cnn=cnn, extractor=cnn))
        dataset.read(SplitRequest())
        folders.add(dataset.inputs["test"]._caches[0].folder)
    assert len(folders) == 3


def test_a_changed_picture_is_read_anew(folder, tmp_path):
    before = prepared(folder()).dataset.inputs["train"][[0, 1]].copy()
    (tmp_path / "images" / "0.png").write_bytes(encoded(np.full((30, 30, 3), 200, np.uint8)))
    after = prepared(tmp_path).dataset.inputs["train"][[0, 1]]
    assert (after[0] == 200).all()
    np.testing.assert_array_equal(after[1], before[1])


@pytest.mark.slow
def test_features_of_a_frozen_network_are_those_of_its_pictures_mirrored_or_not(folder):
    encoder = {
        "name": "MobileNetV2",
        "options": {"alpha": 0.35},
        "image_size": [32, 32],
        "horizontal_flip": True,
    }
    task = prepared(folder(), encoder=encoder)
    inputs, cnn = task.dataset.inputs["train"], task.predictor.preprocessing.cnn
    pixels = np.stack([task.dataset.images("train", i)[0] for i in range(6)]).astype("float32")
    for mirrored in (False, True):
        images = pixels[:, :, ::-1] if mirrored else pixels
        expected = cnn(images, training=False).numpy()
        found = inputs.partly_mirrored(np.arange(6), np.full(6, mirrored))
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)
    assert task.trained is task.predictor.network
    assert cnn.trainable_weights == []
    before = task.dataset.describe()["encoder"]
    cnn.set_weights([weight + 1 for weight in cnn.get_weights()])
    assert task.dataset.describe()["encoder"] != before  # a resumed run takes note of other weights


def test_weights_that_cannot_be_fetched_say_how_to_name_a_file(folder, monkeypatch):
    def no_network(**arguments):
        raise Exception("URL fetch failure on somewhere: None -- no route to host")

    monkeypatch.setattr(keras.applications, "MobileNetV2", no_network)
    made = folder()
    with pytest.raises(
        UserError, match=r"model.encoder.weights: .* cannot be downloaded .*model.encoder.weights=FILE"
    ):
        prepared(made, encoder={"name": "MobileNetV2", "weights": "imagenet"})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("nowhere.weights.h5", "no such file"),
        (__file__, r"does not fit: .*Expected a \.weights\.h5 or \.h5 file of MobileNetV2"),
    ],
)
def test_a_wrong_file_of_weights_is_named(weights, message, folder):
    encoder = {"name": "MobileNetV2", "options": {"alpha": 0.35}, "image_size": [32, 32]}
    with pytest.raises(UserError, match=message) as error:
        prepared(folder(), encoder={**encoder, "weights": weights})
    assert "model.encoder.weights" in str(error.value)


def test_a_network_that_does_not_exist_is_refused_with_those_that_do(folder):
    with pytest.raises(UserError, match="no such model; received .NoNetV9.*small_cnn"):
        prepared(folder(), encoder={"name": "NoNetV9", "image_size": [32, 32]})


def test_no_picture_stands_on_both_sides_and_captions_of_one_stay_together(folder, tmp_path):
    make = folder()
    lines = [json.loads(line) for line in (make / "captions.jsonl").read_text().splitlines()]
    rows = [
        {"image": line["image"], "caption": line["captions"][which]} for which in (0, 1) for line in lines
    ]
    (make / "captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    dataset = prepared(make, data={"validation_fraction": 0.3}).dataset
    names = [one.name for inputs in dataset.inputs.values() for one in inputs.inputs]
    assert sorted(names) == sorted(set(names))
    assert all(len(one.captions) == 2 for inputs in dataset.inputs.values() for one in inputs.inputs)
