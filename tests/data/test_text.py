"""Text to word ids, against a tokenizer written in plain Python."""

import unicodedata
from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from rnn_apps.data.text import tokenize
from rnn_apps.data.tokenizer import TextEncoder, Tokenizer

TRICKY = [
    "",
    " \t\n\u00a0\u2003 ",
    "One two  two\nthree",
    "Don't stop! Really?! No...",
    "first<br />second<BR/>third<br>fourth<br  />fifth",
    "not<b>bold</b> markup &amp; entities",
    "Grüße, ÉCOLE, naïve, Ångström",
    "Ünïcödé composed and e\u0301 combining",
    "日本語の文 Привет МИР مرحبا שלום",
    "film 🎬🍿 10/10, 3.5 stars — 2001: a space_odyssey",
    "x²+y³ ½ Ⅳ",
    "'quoted' ''' rock'n'roll",
    "a-b_c/d\\e|f",
    "!!!??",
    "<br",
    "tab\tand\x0bvertical\x0cfeed\x85next\u2028line",
    "zero\u200bwidth\u200djoiner",
    "null\x00byte",
]


def python_tokens(text):
    """The documented rule, letter by letter: letters, marks, digits, apostrophes; ! and ? are words."""
    lowered, i = [], 0
    while i < len(text):
        end = text.find(">", i)
        tag = text[i : end + 1].lower() if end >= 0 else ""
        if tag.startswith("<br") and tag[3:-1].strip(" \t\n\x0b\x0c\r") in ("", "/"):
            lowered.append(" ")
            i = end + 1
        else:
            lowered.append(text[i])
            i += 1
    tokens, word = [], ""
    for letter in "".join(lowered).lower() + " ":
        if letter == "'" or unicodedata.category(letter)[0] in "LMN":
            word += letter
            continue
        tokens += [word] if word else []
        tokens += [letter] if letter in "!?" else []
        word = ""
    return tokens


def decoded(ragged):
    return [[word.decode() for word in row] for row in ragged.to_list()]


@pytest.mark.parametrize("text", TRICKY, ids=lambda text: ascii(text)[:30])
def test_words_are_those_of_the_documented_rule(text):
    assert decoded(tokenize(tf.constant([text]))) == [python_tokens(text)]


def test_bytes_that_are_no_utf_8_split_words_and_stop_nothing():
    assert decoded(tokenize(tf.constant([b"caf\xe9 noir \xff\xfe"]))) == [["caf", "noir"]]


def encoder_of(words, max_length, keep="start"):
    return TextEncoder(Tokenizer(words, "word", markers=False), max_length, keep)


def test_the_vocabulary_is_by_frequency_then_by_alphabet_and_cut_to_size():
    texts = ["b b b a a", "c c a ! !", "d"]
    counts = Counter(token for text in texts for token in python_tokens(text))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    assert TextEncoder.learn(texts, 100, 10).words == ranked
    small = TextEncoder.learn(texts, 5, 10)
    assert small.words == ranked[:3]
    assert small.vocabulary_size == 5


def test_numbers_are_rank_plus_two_one_for_unknown_and_zero_for_padding():
    encoder = encoder_of(["film", "good"], max_length=10)
    assert encoder(tf.constant(["good film", "a good"])).numpy().tolist() == [[3, 2], [1, 3]]
    assert encoder(tf.constant(["good", "film film good"])).numpy().tolist() == [[3, 0, 0], [2, 2, 3]]


@pytest.mark.parametrize(
    ("keep", "length", "kept"),
    [
        ("start", 4, [0, 1, 2, 3]),
        ("end", 4, [3, 4, 5, 6]),
        ("both", 4, [0, 1, 5, 6]),
        ("both", 5, [0, 1, 2, 5, 6]),
        ("both", 1, [0]),
        ("start", 7, [0, 1, 2, 3, 4, 5, 6]),
        ("both", 6, [0, 1, 2, 4, 5, 6]),
        ("both", 8, [0, 1, 2, 3, 4, 5, 6]),
        ("end", 9, [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_of_a_long_text_the_start_the_end_or_both_are_kept(keep, length, kept):
    words = list("abcdefg")
    encoder = encoder_of(words, length, keep)
    assert decoded(encoder.tokens(tf.constant([" ".join(words)]))) == [[words[i] for i in kept]]


@pytest.mark.parametrize("keep", ["start", "end", "both"])
def test_texts_of_all_lengths_in_one_batch_do_not_disturb_one_another(keep):
    texts = [" ".join("abcdefgh"[:n]) for n in range(9)]
    encoder = encoder_of(list("abcdefgh"), 5, keep)
    alone = [decoded(encoder.tokens(tf.constant([text])))[0] for text in texts]
    assert decoded(encoder.tokens(tf.constant(texts))) == alone


def test_a_text_without_words_is_one_step_of_padding():
    encoder = encoder_of(["a"], 5)
    assert encoder(tf.constant([""])).numpy().tolist() == [[0]]
    assert encoder(tf.constant([], tf.string)).shape == (0, 1)


def test_texts_of_which_nothing_can_be_learned_give_an_empty_vocabulary():
    encoder = TextEncoder.learn(["...", ""], 100, 5)
    assert encoder.words == []
    assert encoder(tf.constant(["any word"])).numpy().tolist() == [[1, 1]]


def test_encoding_all_equals_encoding_each_over_any_number_of_batches():
    texts = [f"word{i % 7} and {'x ' * (i % 5)}" for i in range(1100)]
    encoder = TextEncoder.learn(texts, 8, 4)
    numbers, lengths, _ = encoder.encode_all(texts)
    number_of = {word: i + 2 for i, word in enumerate(encoder.words)}
    expected = [[number_of.get(word, 1) for word in python_tokens(text)[:4]] for text in texts]
    assert lengths.tolist() == [len(row) for row in expected]
    assert numbers.tolist() == [number for row in expected for number in row]
    assert [part.tolist() for part in encoder.encode_all([])] == [[], [], []]


def test_single_surrogates_are_encoded_as_something_and_stop_nothing():
    assert encoder_of(["a"], 5).encode_all(["a \udce9"])[0].tolist()[0] == 2


def test_a_review_of_100_000_words_is_cut():
    encoder = encoder_of(["a", "z"], 400, "both")
    assert encoder.encode_all(["a " * 100_000 + "z"])[0].tolist() == [2] * 399 + [3]


@pytest.mark.parametrize("words", [[], ["don't", "grüße", "!", "日本語"]])
def test_a_saved_encoder_comes_back_the_same(tmp_path, words):
    encoder_of(words, 7, "both").save(tmp_path)
    again = TextEncoder.load(tmp_path)
    assert (again.words, again.max_length, again.keep) == (words, 7, "both")
    text = tf.constant(["don't grüße ! 日本語 unknown"])
    np.testing.assert_array_equal(again(text), encoder_of(words, 7, "both")(text))


def test_every_word_of_the_tricky_texts_survives_the_file(tmp_path):
    encoder = TextEncoder.learn(TRICKY, 1000, 10)
    encoder.save(tmp_path)
    assert TextEncoder.load(tmp_path).words == encoder.words
