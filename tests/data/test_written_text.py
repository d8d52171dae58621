"""What a network writes comes back to the letter, and in an export too."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.data.written_text import END, START, WrittenText

TEXTS = ["A dog runs.", "a dog and a cat", "It's  a CAT!", ""]


def test_words_are_numbered_by_frequency_and_then_the_alphabet():
    written = WrittenText.learn(TEXTS)
    assert written.tokens == ["a", "cat", "dog", "!", "and", "it's", "runs"]
    assert written.size == 11
    assert WrittenText.learn(TEXTS, min_count=2).tokens == ["a", "cat", "dog"]
    assert WrittenText.learn(TEXTS, size=6).tokens == ["a", "cat"]


def test_numbers_carry_the_end_and_are_cut_before_it():
    written = WrittenText(["a", "dog"])
    flat, lengths = written.encode_all(["a dog", "dog a a a", "wolf", ""], max_length=3)
    assert flat.tolist() == [4, 5, END, 5, 4, 4, END, 1, END, END]
    assert lengths.tolist() == [3, 4, 2, 1]
    assert flat.dtype == np.int32


def test_nothing_is_written_after_the_end_nor_for_padding_and_start():
    written = WrittenText(["a", "dog"])
    texts = written.texts(tf.constant([[START, 4, 5, END, 5], [5, 0, 4, 0, 0], [END, 4, 4, 4, 4], [0] * 5]))
    assert [t.decode() for t in texts.numpy()] == ["a dog", "dog a", "", ""]
    assert written.texts(tf.zeros([2, 3, 0], tf.int32)).shape == (2, 3)
    assert written.texts(tf.constant([[[4], [5]]])).numpy().tolist() == [[b"a", b"dog"]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " two  spaces ",
        "Straße, naïve\n\ttabs",
        "日本語テキスト",
        "👩‍👩‍👧 e\u0301",
        "\x00 nul",
        "\u202e right",
        "a" * 1000,
    ],
)
def test_characters_come_back_to_the_letter(text):
    written = WrittenText.learn([text, "other"], unit="character")
    flat, _ = written.encode_all([text], max_length=2000)
    assert written.texts(tf.constant([flat])).numpy()[0].decode() == text


def test_an_unknown_character_is_visible():
    written = WrittenText(["a"], unit="character")
    flat, _ = written.encode_all(["aé"], 9)
    assert written.texts(tf.constant([flat])).numpy()[0].decode() == "a\ufffd"


@pytest.mark.parametrize("unit", ["word", "character"])
def test_saved_and_exported_it_does_the_same(unit, tmp_path):
    written = WrittenText.learn(TEXTS, unit)
    written.save(tmp_path / "written.json")
    loaded = WrittenText.load(tmp_path / "written.json")
    assert (loaded.tokens, loaded.unit) == (written.tokens, written.unit)

    class Echo(tf.Module):
        def __init__(self):
            super().__init__()
            self.written = loaded

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def echo(self, texts):
            return self.written.texts(self.written.numbers(texts).to_tensor())

    tf.saved_model.save(Echo(), str(tmp_path / "echo"))
    exported = tf.saved_model.load(str(tmp_path / "echo"))
    expected = ["a dog runs", "a dog and a cat", "it's a cat !", ""] if unit == "word" else TEXTS
    assert [t.decode() for t in exported.echo(tf.constant(TEXTS)).numpy()] == expected


def test_no_texts_and_no_tokens():
    written = WrittenText.learn([])
    assert written.size == 4
    assert [len(part) for part in written.encode_all([], 3)] == [0, 0]
    assert written.encode_all(["word"], 3)[0].tolist() == [1, END]


@pytest.mark.parametrize("shape", [(0, 1, 0), (0, 5), (3, 0)])
def test_numbers_of_nothing_are_texts_of_nothing(shape):
    texts = WrittenText(["a"]).texts(tf.zeros(shape, tf.int32))
    assert texts.shape == shape[:-1]
    assert set(texts.numpy().ravel().tolist()) <= {b""}


def test_another_unit_is_refused():
    with pytest.raises(ValueError, match="unit: received 'syllable', expected word or character"):
        WrittenText([], unit="syllable")
