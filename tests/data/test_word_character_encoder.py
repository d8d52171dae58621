"""Words to word ids and character ids: by hand, padded, and the same after saving."""

import numpy as np
import tensorflow as tf

from rnn_apps.data.word_character_encoder import WordCharacterEncoder

SENTENCES = [["The", "cat", "the"], ["cat", "Äpfel"]]


def test_the_vocabulary_is_ranked_and_in_lower_case():
    encoder = WordCharacterEncoder.learn(SENTENCES, 100, 1, 4)
    assert encoder.words == ["cat", "the", "äpfel"]
    assert encoder.characters[:3] == ["e", "t", "a"]
    assert {"T", "Ä"} <= set(encoder.characters)
    assert WordCharacterEncoder.learn(SENTENCES, 100, 2, 4).words == ["cat", "the"]
    assert WordCharacterEncoder.learn(SENTENCES, 3, 1, 4).words == ["cat"]


def test_words_are_looked_up_in_lower_case_and_letters_as_they_are():
    encoder = WordCharacterEncoder(["cat", "äpfel"], ["c", "a", "t", "Ä"], 4)
    words, characters = encoder.encode(tf.constant(["CAT", "Äpfel", "dog", "at"]))
    assert words.numpy().tolist() == [2, 3, 1, 1]
    assert characters.numpy().tolist() == [[1, 1, 1, 0], [5, 1, 1, 1], [1, 1, 1, 0], [3, 4, 0, 0]]


def test_of_a_long_word_both_ends_are_read():
    encoder = WordCharacterEncoder([], list("abcdefgh"), 5)
    (row,) = encoder.encode(tf.constant(["abcdefgh"]))[1].numpy()
    assert row.tolist() == [2, 3, 4, 8, 9]  # abc, gh


def test_texts_are_padded_and_an_empty_one_has_a_step():
    encoder = WordCharacterEncoder(["a"], ["a"], 2)
    words, characters = encoder(tf.ragged.constant([["a", "b"], []], dtype=tf.string))
    assert words.numpy().tolist() == [[2, 1], [0, 0]]
    assert characters.shape == (2, 2, 2)
    assert encoder(tf.ragged.constant([[]], dtype=tf.string))[0].shape == (1, 1)


def test_all_at_once_is_each_by_itself_and_saving_changes_nothing(tmp_path):
    encoder = WordCharacterEncoder.learn(SENTENCES, 100, 1, 4)
    words, characters = encoder.encode_all(SENTENCES)
    for number, token in enumerate(token for sentence in SENTENCES for token in sentence):
        one = encoder.encode(tf.constant([token]))
        assert words[number] == one[0][0]
        np.testing.assert_array_equal(characters[number], one[1][0])
    encoder.save(tmp_path / "encoder.json")
    again = WordCharacterEncoder.load(tmp_path / "encoder.json")
    np.testing.assert_array_equal(again.encode_all(SENTENCES)[1], characters)
