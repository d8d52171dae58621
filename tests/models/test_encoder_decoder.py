"""Encoders for decoders: an input serves all its texts, padding changes nothing, everything reloads."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.models.encoder_decoder import (
    clip_feature_extractor,
    encoder_decoder,
    frame_sequence_encoder,
    region_encoder,
    token_encoder,
    with_feature_extractor,
)
from rnn_apps.models.sequence_decoder import SequenceDecoder
from rnn_apps.models.visual_encoder import visual_encoder

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(4, 9, (3, 5)).astype("int32")
OWNERS = np.array([1, 0, 1], "int32")


def decoder(**changes):
    settings = {"embedding": 3, "units": (5,), "attention": "additive", "seed": 1, "name": "decoder"}
    return SequenceDecoder(9, **{**settings, **changes})


ENCODERS = {
    "regions": (lambda: region_encoder(4, 6, 7, seed=1), RNG.normal(size=(2, 4, 6)).astype("float32")),
    "frames": (
        lambda: frame_sequence_encoder(6, 7, seed=1, units=(4,), cell="gru"),
        RNG.normal(size=(2, 3, 6)).astype("float32"),
    ),
    "text": (
        lambda: token_encoder(11, 3, seed=1, units=(4,), cell="lstm"),
        RNG.integers(1, 11, (2, 6)).astype("int32"),
    ),
}


@pytest.fixture(params=ENCODERS)
def kind(request):
    return request.param


@pytest.mark.parametrize("units", [(5,), (5, 4)])
def test_an_input_serves_all_texts_that_it_owns(kind, units):
    make, given = ENCODERS[kind]
    network = encoder_decoder(make(), decoder(units=units))
    together = network([given, OWNERS, TOKENS])
    alone = network([given[OWNERS], np.arange(3, dtype="int32"), TOKENS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together[0] - network([given[::-1], OWNERS, TOKENS])[0]).max() > 1e-5


def test_without_attention_only_the_summary_is_read(kind):
    make, given = ENCODERS[kind]
    encoder = make()
    network = encoder_decoder(encoder, decoder(attention=None))
    logits = network([given, OWNERS, TOKENS])
    summary = encoder(given)["summary"].numpy()[OWNERS]
    np.testing.assert_allclose(logits, network.get_layer("decoder")(TOKENS, summary=summary), atol=1e-5)


def test_it_trains_and_reloads(kind, tmp_path):
    make, given = ENCODERS[kind]
    network = encoder_decoder(make(), decoder())
    variables = [v.value for v in network.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network([given, OWNERS, TOKENS], training=True) ** 2)
    assert all(g is not None for g in tape.gradient(loss, variables))
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again([given, OWNERS, TOKENS]), network([given, OWNERS, TOKENS]))


@pytest.mark.parametrize("kind", ["frames", "text"])
def test_padding_of_the_input_changes_nothing(kind):
    make, given = ENCODERS[kind]
    network = encoder_decoder(make(), decoder())
    padded = np.pad(given, [(0, 0), (0, 3)] + [(0, 0)] * (given.ndim - 2))
    np.testing.assert_allclose(network([padded, OWNERS, TOKENS]), network([given, OWNERS, TOKENS]), atol=1e-5)


@pytest.mark.parametrize("kind", ["frames", "text"])
def test_the_order_of_the_input_is_read(kind):
    make, given = ENCODERS[kind]
    encoder = make()
    assert np.abs(encoder(given)["summary"] - encoder(given[:, ::-1])["summary"]).max() > 1e-4


def test_where_a_region_is_can_be_told_from_the_mean_of_all():
    make, given = ENCODERS["regions"]
    encoder = make()
    swapped = given[:, [1, 0, 2, 3]]
    assert np.abs(encoder(given)["summary"] - encoder(swapped)["summary"]).max() > 1e-3


def test_every_frame_is_seen_by_the_network_for_pictures_and_padding_gives_zeros():
    front = visual_encoder("small_cnn", image_size=(32, 32), seed=1)
    clips = RNG.integers(1, 256, (2, 3, 32, 32, 3)).astype("float32")
    clips[1, 2] = 0
    features = clip_feature_extractor(front)(clips).numpy()
    places, width = front.output_shape[1:]
    assert features.shape == (2, 3, places * width)
    for clip, frame in ((0, 0), (0, 2), (1, 1)):
        expected = front(clips[clip, frame][None])[0]
        found = features[clip, frame].reshape(places, width)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert not features[1, 2].any()


def test_the_whole_is_the_front_and_the_network(tmp_path):
    front = visual_encoder("small_cnn", image_size=(16, 16), seed=1)
    network = encoder_decoder(region_encoder(*front.output_shape[1:], 7, seed=1), decoder())
    whole = with_feature_extractor(front, network)
    pictures = RNG.integers(0, 256, (2, 16, 16, 3)).astype("float32")
    expected = network([front(pictures), tf.constant(OWNERS), tf.constant(TOKENS)])
    np.testing.assert_allclose(whole([pictures, OWNERS, TOKENS]), expected, atol=1e-5)
    whole.save(tmp_path / "whole.keras")
    again = keras.models.load_model(tmp_path / "whole.keras")
    np.testing.assert_allclose(again([pictures, OWNERS, TOKENS]), expected, atol=1e-5)
