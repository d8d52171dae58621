"""Subwords: which are learned, where words are split, and that every text is restored exactly."""

import random
import re
import unicodedata
from collections import Counter

import pytest
import tensorflow as tf

from rnn_apps.data.subwords import (
    NUM_BYTES,
    join_pieces,
    learn_pieces,
    piece_bytes,
    split_pieces,
    split_words,
)

TEXTS = [
    "Der große Hund läuft über die Straße.",
    "The big dog runs over the street.",
    "Zwei große Hunde laufen – über Straßen!",
    "犬が走る。犬が走る。 犬",
    "👩‍👩‍👧 and 👩‍👩‍👧, 100 % of them…",
]
HARD = [
    "",
    " ",
    "     ",
    " leading and trailing ",
    "two  spaces   three    four",
    "\t\ttabs\tand\nlines\r\n\n\x0b\x0c end\n",
    "\u2581 is SentencePiece's marker, ▁▁ twice",
    "\x00 nul \x00\x00 \x01\x1f\x7f\x85",
    "e\u0301 u\u0308\u0301 \u0301alone",
    "👩‍👩‍👧🇩🇪 🏳️‍🌈",
    "\ufeffmark \u200bzero\u00a0hard\u3000wide \u2028line\u2029",
    "\u202eright to left עברית العربية",
    "日本語のテキスト ภาษาไทย हिन्दी",
    "\ufffd \ufffe \uffff \U0010ffff \ue000",
    "<0xE2> <0x41><0x80> \\0 \\1 $1 %s",
    "don't stop—it's 3,141.59!!! ???",
    "a" * 100 + "é" * 40 + "!" * 40,
]


def a_table(pieces):
    keys = tf.constant([b"", *map(piece_bytes, pieces)])
    pairs = tf.lookup.KeyValueTensorInitializer(keys, tf.range(-1, len(pieces)))
    return tf.lookup.StaticHashTable(pairs, default_value=-1)


def lengths_of(pieces):
    return sorted({len(piece_bytes(piece)) for piece in pieces})


def split(texts, pieces):
    return split_pieces(tf.constant(texts, tf.string), a_table(pieces), lengths_of(pieces))


def back(texts, pieces):
    return [text.decode() for text in join_pieces(split(texts, pieces)).numpy()]


def random_texts(count, seed):
    """Text of any characters there are, from one byte to four, with many blanks."""
    chance = random.Random(seed)
    ranges = [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)]

    def letter():
        return " " if chance.random() < 0.3 else chr(chance.randint(*chance.choice(ranges)))

    return ["".join(letter() for _ in range(chance.randrange(40))) for _ in range(count)]


def words_by_hand(text):
    """Letter by letter: a run of letters, or of other signs, after at most one space; other blanks alone."""
    words, last = [], "blank"
    for letter in " " + text if text else "":
        is_blank, is_letter = letter in " \t\n\f\r", unicodedata.category(letter)[0] in "LMN"
        kind = "blank" if is_blank else "letter" if is_letter else "sign"
        goes_on = kind == last or (last == "blank" and words and words[-1] == " ")
        if kind != "blank" and goes_on:
            words[-1] += letter
        else:
            words.append(letter)
        last = kind
    return [word[i : i + 32] for word in words for i in range(0, len(word), 32)]


def longest_by_hand(word, pieces):
    found, rest = [], word.encode()
    while rest:
        fitting = [n for n in range(1, 100) if rest[:n] in pieces]
        found.append(rest[: max(fitting, default=1)])
        rest = rest[len(found[-1]) :]
    return found


def merges_by_hand(words, number):
    """Byte-pair encoding that counts everything anew before each merge."""
    words = {tuple(bytes([value]) for value in word): count for word, count in words.items()}
    merges = []
    while len(merges) < number:
        totals = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                totals[pair] += count
        totals = {pair: n for pair, n in totals.items() if n > 1 and is_whole_or_begun(b"".join(pair))}
        if not totals:
            break
        best = min(totals, key=lambda pair: (-totals[pair], pair))
        merges += [b"".join(best)] if b"".join(best) not in merges else []
        merged = Counter()
        for word, count in words.items():
            new, i = [], 0
            while i < len(word):
                step = 2 if word[i : i + 2] == best else 1
                new.append(b"".join(word[i : i + step]))
                i += step
            merged[tuple(new)] += count
        words = merged
    return merges


def is_whole_or_begun(piece):
    """Whole characters, or a first byte that announces more bytes than there are."""
    announced = {0b110: 2, 0b1110: 3, 0b11110: 4}
    long = next((n for mark, n in announced.items() if piece[0] >> (7 - n) == mark), 1)
    if len(piece) < long:
        return all(0x80 <= value < 0xC0 for value in piece[1:])
    return piece.decode("utf-8", "ignore").encode() == piece


def test_the_example_of_sennrich_by_hand():
    # " low" comes 5 times, " lower" 2, " newest" 6, " widest" 3. es and st come 9 times each, then est 9;
    # " l", lo and ow 7 each, and so on; of equals the first in the order of bytes, a space before letters.
    text = " ".join(["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3)
    pieces = learn_pieces([text], size=1000)
    of_nine, of_seven = ["es", "est"], [" l", " lo", " low"]
    of_six, of_three = [" n", " ne", " new", " newest"], [" w", " wi", " wid", " widest"]
    assert pieces[NUM_BYTES:] == [*of_nine, *of_seven, *of_six, *of_three, " lowe", " lower"]
    assert learn_pieces([text], size=259) == pieces[:259]
    assert learn_pieces([text], size=0) == pieces[:256]
    assert learn_pieces([text], size=1000, min_count=7)[NUM_BYTES:] == [*of_nine, *of_seven]


@pytest.mark.parametrize("seed", range(6))
def test_counting_only_what_changed_gives_what_counting_all_again_gives(seed):
    chance = random.Random(seed)
    letters = "aab " if seed < 3 else "aäöü猫犬👩 -"
    texts = ["".join(chance.choices(letters, k=30)) for _ in range(40)]
    words = Counter(word.encode() for text in texts for word in words_by_hand(text))
    learnt = [piece_bytes(piece) for piece in learn_pieces(texts, NUM_BYTES + 60)[NUM_BYTES:]]
    assert len(learnt) > 30
    assert learnt == merges_by_hand(words, 60)


def test_the_first_pieces_are_all_bytes():
    pieces = learn_pieces([], size=300)
    assert [piece_bytes(piece) for piece in pieces] == [bytes([value]) for value in range(256)]
    assert (pieces[0x41], pieces[0xE2]) == ("A", "<0xE2>")


def test_no_piece_cuts_a_character_and_holds_another():
    # f and the first byte of an umlaut stand together 8 times, the bytes of an umlaut twice.
    pieces = [piece_bytes(piece) for piece in learn_pieces(["fä fö fü fß fä fö fü fß", *TEXTS * 3], 500)]
    assert " fä".encode() in pieces
    assert all(is_whole_or_begun(piece) for piece in pieces[NUM_BYTES:])
    assert any(len(piece) > 1 and piece.decode("utf-8", "ignore") == "" for piece in pieces)


def test_the_order_of_the_texts_does_not_matter():
    pieces = learn_pieces(TEXTS * 2, 320)
    assert learn_pieces(TEXTS[::-1] * 2, 320) == pieces
    assert len(set(map(piece_bytes, pieces))) == len(pieces) == 320


def test_more_texts_than_one_batch_are_all_counted():
    assert learn_pieces(["x"] * 600 + ["yz"] * 601, 1000)[NUM_BYTES : NUM_BYTES + 1] == [" y"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The dog's  3 legs.", [" The", " dog", "'", "s", " ", " 3", " legs", "."]),
        ("a\n b\t", [" a", "\n", " b", "\t"]),
        (" a", [" ", " a"]),
        ("größe2 (x)", [" größe2", " (", "x", ")"]),
        ("", []),
        ("a" * 70, [" " + "a" * 31, "a" * 32, "a" * 7]),
        ("é" * 31 + "!", [" " + "é" * 31, "!"]),
    ],
)
def test_words_are_runs_with_the_space_before_them(text, words):
    assert [word.decode() for word in split_words([text]).numpy()[0]] == words


@pytest.mark.parametrize("text", HARD)
def test_words_are_those_found_letter_by_letter(text):
    assert [word.decode() for word in split_words([text])[0].numpy()] == words_by_hand(text)


@pytest.mark.parametrize("size", [256, 400])
def test_each_word_is_split_at_its_longest_pieces(size):
    pieces = learn_pieces(TEXTS * 2, size)
    as_bytes = set(map(piece_bytes, pieces))
    texts = [*TEXTS, "", "Hundestraße", "über über", *HARD]
    expected = [
        [p for word in words_by_hand(text) for p in longest_by_hand(word, as_bytes)] for text in texts
    ]
    assert split(texts, pieces).to_list() == expected
    assert size == 256 or any(len(piece) > 3 for row in expected for piece in row)


def test_the_longest_piece_wins_over_the_first_found():
    pieces = [*learn_pieces([], 0), "ab", "bcd", "abc", " a"]
    assert split(["xabcd abcd"], pieces).to_list() == [[b" ", b"x", b"abc", b"d", b" a", b"bcd"]]


def test_what_has_no_piece_falls_to_bytes_even_without_byte_pieces():
    assert split(["aé"], ["a"]).to_list() == [[b" ", b"a", b"\xc3", b"\xa9"]]


@pytest.mark.parametrize("size", [256, 500])
def test_every_text_comes_back_to_the_letter(size):
    pieces = learn_pieces(TEXTS * 2 + HARD * 2, size)
    texts = [*HARD, *TEXTS, *random_texts(150, seed=size)]
    assert back(texts, pieces) == texts
    pieces_known = set(map(piece_bytes, pieces))
    assert {piece for row in split(texts, pieces).to_list() for piece in row} <= pieces_known


@pytest.mark.parametrize(
    "bad", [b"caf\xe9", b"\xff", b"a\xe2\x82 b", b"\xed\xa0\x80", b"\xc0\x80x", b" \xf0\x9f"]
)
def test_bytes_that_are_not_utf_8_become_the_replacement_character(bad):
    assert back([bad], learn_pieces([], 0)) == [bad.decode("utf-8", "replace")]


def test_whatever_a_network_writes_can_be_read():
    pieces = [piece_bytes(piece) for piece in learn_pieces(TEXTS * 2, 400)]
    chance = random.Random(1)
    rows = [chance.choices(pieces, k=chance.randrange(30)) for _ in range(300)]
    expected = [b"".join(row).decode("utf-8", "replace").removeprefix(" ") for row in rows]
    assert any("\ufffd" in text for text in expected)
    assert [text.decode() for text in join_pieces(tf.ragged.constant(rows)).numpy()] == expected


def test_a_word_is_the_same_pieces_at_the_start_and_inside():
    start, inside = split(["Hund", "der Hund"], learn_pieces(["Hund der"] * 2, 400)).to_list()
    assert start == [b" Hund"]
    assert inside[-1] == b" Hund"


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["", "a", ""]])
def test_nothing_has_no_pieces(texts):
    pieces = split(texts, learn_pieces([], 0))
    assert pieces.to_list() == [[b" ", b"a"] if text else [] for text in texts]
    assert join_pieces(pieces).numpy().tolist() == [text.encode() for text in texts]


def test_pieces_that_are_no_characters_are_written_in_hexadecimal():
    assert piece_bytes("<0xE2><0x80>") == b"\xe2\x80"
    assert piece_bytes(" Straße") == " Straße".encode()
    assert piece_bytes("<0xE2> ") == b"<0xE2> "
    learnt = learn_pieces(["<0x41> <0xE2>"] * 20, 1000)
    assert not any(re.search("<0x", piece) for piece in learnt[NUM_BYTES:])  # no word holds < and letters


def test_exported_it_does_the_same(tmp_path):
    pieces = learn_pieces(TEXTS * 2 + HARD * 2, 500)

    class Echo(tf.Module):
        def __init__(self):
            super().__init__()
            self.table = a_table(pieces)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def echo(self, texts):
            found = split_pieces(texts, self.table, lengths_of(pieces))
            return {"numbers": self.table.lookup(found.flat_values), "texts": join_pieces(found)}

    tf.saved_model.save(Echo(), str(tmp_path / "echo"))
    exported = tf.saved_model.load(str(tmp_path / "echo"))
    for texts in (HARD + TEXTS, [], [""], random_texts(50, seed=3)):
        answer = exported.echo(tf.constant(texts, tf.string))
        assert [text.decode() for text in answer["texts"].numpy()] == texts
        expected = [p for row in split(texts, pieces).to_list() for p in row]
        assert [piece_bytes(pieces[i]) for i in answer["numbers"].numpy()] == expected
