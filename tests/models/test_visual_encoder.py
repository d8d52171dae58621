"""The visual encoder: shapes, scaling, what is frozen, weights from a file, and a saved network."""

import keras
import numpy as np
import pytest

from rnn_apps.models.visual_encoder import ApplicationPreprocessing, application_names, visual_encoder

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3)).astype("float32")
SMALL_MOBILE = {"name": "MobileNetV2", "image_size": (64, 96), "options": {"alpha": 0.35}}


@pytest.fixture(scope="module")
def mobile():
    return visual_encoder(**SMALL_MOBILE)


def test_regions_are_the_rows_of_the_last_feature_map(mobile):
    network = mobile.get_layer("mobilenetv2_0.35_64")
    maps = network(IMAGES / 127.5 - 1, training=False)
    assert maps.shape == (2, 2, 3, 1280)
    regions = mobile(IMAGES)
    np.testing.assert_allclose(regions, np.reshape(maps, (2, 6, 1280)), atol=1e-5)


def test_the_small_cnn_is_trained_whole_and_starts_from_its_seed():
    first, again, other = (visual_encoder("small_cnn", image_size=(64, 96), seed=s) for s in (1, 1, 2))
    assert first(IMAGES).shape == (2, 24, 128)
    np.testing.assert_array_equal(first(IMAGES), again(IMAGES))
    assert np.abs(first(IMAGES) - other(IMAGES)).max() > 0.1
    assert len(first.trainable_weights) == len(first.weights)


@pytest.mark.parametrize(
    ("application", "expected"),
    [
        ("MobileNetV2", lambda x: x / 127.5 - 1),
        ("VGG16", lambda x: x[..., ::-1] - [103.939, 116.779, 123.68]),
        ("DenseNet121", lambda x: (x / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]),
        ("EfficientNetB0", lambda x: x),  # it scales inside
    ],
)
def test_images_are_scaled_as_the_network_was_trained_on(application, expected):
    answer = ApplicationPreprocessing(application)(IMAGES.copy())
    np.testing.assert_allclose(answer, expected(IMAGES), atol=1e-3)


def test_every_application_has_its_preprocessing():
    assert {"MobileNetV2", "ResNet50", "VGG16", "ConvNeXtTiny"} <= set(application_names())
    for name in application_names():
        ApplicationPreprocessing(name)


def test_a_frozen_network_trains_nothing_and_an_unfrozen_one_from_the_layer_on(mobile):
    assert mobile.trainable_weights == []
    encoder = visual_encoder(**SMALL_MOBILE, trainable_from="block_16_expand")
    names = {w.path.split("/")[-2] for w in encoder.trainable_weights}
    assert names == {"block_16_expand", "block_16_depthwise", "block_16_project", "Conv_1"}


def test_normalisation_keeps_its_statistics_while_training():
    encoder = visual_encoder(**SMALL_MOBILE, trainable_from="block_16_expand")
    np.testing.assert_array_equal(encoder(IMAGES, training=True), encoder(IMAGES, training=False))


@pytest.mark.parametrize("name", ["MobileNetV2", "small_cnn"])
def test_weights_come_from_a_file(name, tmp_path):
    settings = SMALL_MOBILE if name == "MobileNetV2" else {"name": name, "image_size": (64, 96)}
    first = visual_encoder(**settings)
    path = tmp_path / "cnn.weights.h5"
    saved = first if name == "small_cnn" else first.get_layer("mobilenetv2_0.35_64")
    saved.save_weights(path)
    other = visual_encoder(**settings, weights=str(path))
    np.testing.assert_allclose(first(IMAGES), other(IMAGES), atol=1e-6)


def test_a_saved_encoder_answers_the_same(mobile, tmp_path):
    mobile.save(tmp_path / "encoder.keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(mobile(IMAGES), loaded(IMAGES))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "MobileNetV9"}, "received 'MobileNetV9', expected small_cnn or a model of keras.app"),
        ({"options": {"alfa": 1}}, r"options: received \['alfa'\], expected of MobileNetV2: \['alpha'"),
        ({"name": "small_cnn"}, "small_cnn has no options and is trained whole"),
        (
            {"trainable_from": "block_99"},
            "trainable_from: received 'block_99', expected a layer of mobilenet",
        ),
    ],
)
def test_what_does_not_exist_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        visual_encoder(**{**SMALL_MOBILE, **changes})
