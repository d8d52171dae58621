"""Words read from their letters: padding changes nothing, and words are read one by one."""

import keras
import numpy as np

from rnn_apps.models.plain_keras import plain_model
from rnn_apps.models.word_features import CharacterEncoder, word_feature_extractor

LETTERS = np.array([[[2, 3, 0, 0], [4, 0, 0, 0]], [[2, 3, 0, 0], [0, 0, 0, 0]]], "int32")


def test_a_word_is_the_same_wherever_it_stands_and_none_gives_zeros():
    read = CharacterEncoder(6, 3, 4, seed=1)(LETTERS).numpy()
    assert read.shape == (2, 2, 8)
    np.testing.assert_allclose(read[0, 0], read[1, 0], atol=1e-7)
    assert (read[1, 1] == 0).all()
    assert np.abs(read[0, 1] - read[0, 0]).max() > 1e-3


def test_padding_of_letters_changes_nothing():
    encoder = CharacterEncoder(6, 3, 4, seed=1)
    wide = np.pad(LETTERS, [(0, 0), (0, 0), (0, 3)])
    np.testing.assert_allclose(encoder(wide), encoder(LETTERS), atol=1e-6)


def test_the_front_gives_features_and_which_words_are_there():
    characters = CharacterEncoder(6, 3, 4, cell="lstm", seed=1, name="letters")
    front = word_feature_extractor(9, 5, characters, max_characters=4, seed=1)
    words = np.array([[3, 4], [3, 0]], "int32")
    features, there = front([words, LETTERS])
    assert features.shape == (2, 2, 13)
    assert there.numpy().tolist() == [[True, True], [True, False]]
    alone, _ = word_feature_extractor(9, 5)(words)
    assert alone.shape == (2, 2, 5)


def test_it_is_saved_and_has_a_form_in_plain_keras(tmp_path):
    front = word_feature_extractor(
        9, 5, CharacterEncoder(6, 3, 4, seed=1, name="letters"), max_characters=4, seed=1
    )
    given = [np.array([[3, 4], [3, 0]], "int32"), LETTERS]
    front.save(tmp_path / "front.keras")
    again = keras.models.load_model(tmp_path / "front.keras", compile=False)
    np.testing.assert_array_equal(again(given)[0], front(given)[0])
    np.testing.assert_allclose(plain_model(front)(given)[0][0], front(given)[0][0], atol=1e-6)
