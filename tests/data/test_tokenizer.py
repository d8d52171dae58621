"""Encoding and decoding restore texts exactly, in exports too."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.data.tokenizer import END, START, Tokenizer

TEXTS = ["A dog runs.", "a dog and a cat", "It's  a CAT!", ""]


def test_words_are_numbered_by_frequency_and_then_the_alphabet():
    written = Tokenizer.learn(TEXTS)
    assert written.tokens == ["a", "cat", "dog", "!", "and", "it's", "runs"]
    assert written.size == 11
    assert Tokenizer.learn(TEXTS, min_count=2).tokens == ["a", "cat", "dog"]
    assert Tokenizer.learn(TEXTS, size=6).tokens == ["a", "cat"]


def test_numbers_carry_the_end_and_are_cut_before_it():
    written = Tokenizer(["a", "dog"])
    flat, lengths, _ = written.encode_all(["a dog", "dog a a a", "wolf", ""], max_length=3)
    assert flat.tolist() == [4, 5, END, 5, 4, 4, 1, END, END]  # what is cut does not end
    assert lengths.tolist() == [3, 3, 2, 1]
    assert flat.dtype == np.int32


def test_nothing_is_written_after_the_end_nor_for_padding_and_start():
    written = Tokenizer(["a", "dog"])
    texts = written.decode(tf.constant([[START, 4, 5, END, 5], [5, 0, 4, 0, 0], [END, 4, 4, 4, 4], [0] * 5]))
    assert [t.decode() for t in texts.numpy()] == ["a dog", "dog a", "", ""]
    assert written.decode(tf.zeros([2, 3, 0], tf.int32)).shape == (2, 3)
    assert written.decode(tf.constant([[[4], [5]]])).numpy().tolist() == [[b"a", b"dog"]]


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
    written = Tokenizer.learn([text, "other"], unit="character")
    flat, _, _ = written.encode_all([text], max_length=2000)
    assert written.decode(tf.constant([flat])).numpy()[0].decode() == text


def test_an_unknown_character_is_visible():
    written = Tokenizer(["a"], unit="character")
    flat, _, _ = written.encode_all(["aé"], 9)
    assert written.decode(tf.constant([flat])).numpy()[0].decode() == "a\ufffd"


def test_no_text_is_unknown_to_subwords_and_capitals_stay():
    written = Tokenizer.learn(["A dog and a Dog"] * 2, unit="subword", size=300)
    texts = ["a Wolf, é 猫 👩‍👩‍👧", "DOG  dog ", ""]
    flat, lengths, _ = written.encode_all(texts, 100)
    assert 1 not in flat
    padded = tf.RaggedTensor.from_row_lengths(flat, lengths).to_tensor()
    assert [text.decode() for text in written.decode(padded).numpy()] == texts


def test_subwords_are_joined_pieces_after_all_bytes():
    written = Tokenizer.learn(["low low low"], unit="subword")
    assert written.size == 4 + 256 + 3
    assert written.tokens[256:] == [" l", " lo", " low"]
    flat, lengths, _ = written.encode_all(["low low slow"], max_length=5)
    space, s = (4 + ord(letter) for letter in " s")
    assert flat.tolist() == [262, 262, space, s, 4 + ord("l")]
    assert lengths.tolist() == [5]
    assert Tokenizer.learn(["low low low"], "subword", size=262).tokens[256:] == [" l", " lo"]
    assert Tokenizer.learn(["low low low"], "subword", min_count=4).size == 260


@pytest.mark.parametrize(("given", "pairs_joined"), [(1, 0), (2, 2)])
def test_what_stands_side_by_side_once_is_no_subword(given, pairs_joined):
    written = Tokenizer.learn(["ab"] * given, unit="subword", min_count=1)
    assert written.size == 260 + pairs_joined


def test_a_vocabulary_too_small_for_the_bytes_is_refused():
    with pytest.raises(ValueError, match="size: received 259, expected at least 260 for subwords"):
        Tokenizer.learn(TEXTS, "subword", size=259)


@pytest.mark.parametrize("unit", ["word", "character", "subword"])
def test_saved_and_exported_it_does_the_same(unit, tmp_path):
    written = Tokenizer.learn(TEXTS, unit)
    written.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert (loaded.tokens, loaded.unit) == (written.tokens, written.unit)

    class Echo(tf.Module):
        def __init__(self):
            super().__init__()
            self.written = loaded

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def echo(self, texts):
            return self.written.decode(self.written.encode(texts).to_tensor())

    tf.saved_model.save(Echo(), str(tmp_path / "echo"))
    exported = tf.saved_model.load(str(tmp_path / "echo"))
    expected = ["a dog runs", "a dog and a cat", "it's a cat !", ""] if unit == "word" else TEXTS
    assert [t.decode() for t in exported.echo(tf.constant(TEXTS)).numpy()] == expected


def test_no_texts_and_no_tokens():
    written = Tokenizer.learn([])
    assert written.size == 4
    assert [len(part) for part in written.encode_all([], 3)] == [0, 0, 0]
    assert written.encode_all(["word"], 3)[0].tolist() == [1, END]


@pytest.mark.parametrize("shape", [(0, 1, 0), (0, 5), (3, 0)])
def test_numbers_of_nothing_are_texts_of_nothing(shape):
    texts = Tokenizer(["a"]).decode(tf.zeros(shape, tf.int32))
    assert texts.shape == shape[:-1]
    assert set(texts.numpy().ravel().tolist()) <= {b""}


def test_another_unit_is_refused():
    with pytest.raises(
        ValueError, match="received 'syllable', expected one of word, character, subword, token"
    ):
        Tokenizer([], unit="syllable")
