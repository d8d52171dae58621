"""Subwords: pieces learnt by byte-pair encoding; text to pieces and back on stock operations, to the letter.

A word is a run of letters, marks and digits, or of anything else but blanks, with the one space before it;
other blanks stand alone, and pieces never cross words. The space is part of the piece, and one is put before
every text, so that a word is the same piece at the start of a text as inside it; `join_pieces` takes it away.

A word is split from left to right, each time at its longest piece: not in the order in which pairs were
joined, but at least as well (Uzan et al.), and the vocabulary needs no order. All 256 bytes are pieces, so
that nothing is unknown.

References:
    Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words with Subword Units. ACL 2016.
    Wang, Cho, Gu: Neural Machine Translation with Byte-Level Subwords. AAAI 2020.
    Uzan, Schmidt, Tanner, Pinter: Greed is All You Need: An Evaluation of Tokenizer Inference Methods.
    ACL 2024.
"""

import codecs
import heapq
import re
from collections import Counter, defaultdict

import tensorflow as tf

NUM_BYTES = 256
_WORD = r" ?[\pL\pM\pN]+| ?[^\s\pL\pM\pN]+|\s"
_TOO_LONG = r".{32}"  # characters; longer runs (Thai, base64) are cut, which bounds the loop
_CUT = b"\xff"  # a byte that no UTF-8 text holds
_BATCH = 512


def learn_pieces(texts, size, min_count=2):
    """Return the pieces of `texts`: the 256 bytes, then joined ones, the first found the most frequent.

    Args:
        texts: list of str.
        size: pieces at most, but never fewer than the bytes.
        min_count: how often two pieces must stand side by side to be joined.

    Returns:
        List of str; a byte that is no character by itself is written as ``<0xE2>``.
    """
    pieces = dict.fromkeys(bytes([value]) for value in range(NUM_BYTES))
    for joined in _merges(_count_words(texts), min_count):
        if len(pieces) >= size:
            break
        pieces[joined] = None
    return [_written(piece) for piece in pieces]


def _count_words(texts):
    counts = Counter()
    for i in range(0, len(texts), _BATCH):
        batch = [text.encode("utf-8", "replace") for text in texts[i : i + _BATCH]]
        counts.update(split_words(batch).flat_values.numpy().tolist())
    return counts


def _merges(counts, min_count):
    """Yield what is joined, the most frequent pair first, equals in the order of their bytes.

    Only the words that hold a pair are counted again. The heap keeps counts that have changed since; they are
    put right when they come up.

    Args:
        counts: word to how often it comes.
        min_count: least count of a pair.
    """
    words = [[bytes([value]) for value in word] for word in counts]
    counts = list(counts.values())
    totals, places = Counter(), defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:]):
            totals[pair] += counts[index]
            places[pair].add(index)
    heap = [(-total, pair) for pair, total in totals.items()]
    heapq.heapify(heap)
    while heap:
        negative, pair = heapq.heappop(heap)
        if -negative != totals[pair]:
            if totals[pair]:
                heapq.heappush(heap, (-totals[pair], pair))
        elif totals[pair] < min_count:
            return
        elif _can_be_a_piece(b"".join(pair)):
            yield b"".join(pair)
            for new in _join(pair, words, counts, totals, places):
                heapq.heappush(heap, (-totals[new], new))


def _join(pair, words, counts, totals, places):
    """Join a pair in all words; return the pairs that come more often than before."""
    change = Counter()
    for index in places.pop(pair):
        old, new = words[index], []
        for piece in old:
            if new and (new[-1], piece) == pair:
                new[-1] += piece
            else:
                new.append(piece)
        for gone in zip(old, old[1:]):
            change[gone] -= counts[index]
        for there in zip(new, new[1:]):
            change[there] += counts[index]
            places[there].add(index)
        words[index] = new
    totals.update(change)
    return [one for one, difference in change.items() if difference > 0]


def _can_be_a_piece(joined):
    """Whole characters, or the first bytes of one: what cuts a character and holds another is refused."""
    try:
        whole = codecs.getincrementaldecoder("utf-8")().decode(joined)
    except UnicodeDecodeError:
        return False
    return not whole or whole.encode() == joined


def _written(piece):
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{value:02X}>" for value in piece)


def piece_bytes(piece):
    """Return the bytes of a piece as `learn_pieces` writes it."""
    if re.fullmatch(r"(<0x[0-9A-F]{2}>)+", piece):
        return bytes.fromhex(re.sub("[<>]|0x", "", piece))
    return piece.encode()


def split_words(texts):
    """Return the words of each text: strings (batch,) to ragged strings (batch, words)."""
    texts = _valid(texts)
    texts = tf.where(tf.equal(texts, ""), "", tf.strings.join([" ", texts]))
    texts = tf.strings.regex_replace(texts, _WORD, _CUT + rb"\0")
    texts = tf.strings.regex_replace(texts, _TOO_LONG, rb"\0" + _CUT)
    words = tf.strings.split(texts, _CUT)
    return tf.ragged.boolean_mask(words, words != "")


def split_pieces(texts, table, lengths):
    """Return the pieces of each text: strings (batch,) to ragged strings (batch, pieces).

    Args:
        texts: strings (batch,).
        table: lookup table of the pieces; what gives its default value is none.
        lengths: of the pieces, in bytes, each once.
    """
    words = split_words(texts)
    unique, which = tf.unique(words.flat_values)
    pieces = _longest_first(unique, table, tf.constant(lengths, tf.int32))
    return words.with_flat_values(tf.gather(pieces, which)).merge_dims(1, 2)


def _longest_first(words, table, lengths):
    """Split words from the left, each time at the longest piece, else at a byte.

    Args:
        words: strings (words,), none empty.
        table: as for `split_pieces`.
        lengths: int32 (lengths,).

    Returns:
        Ragged strings (words, pieces).
    """

    def take_one(owners, rests, all_owners, all_pieces):
        several = tf.repeat(lengths[None], tf.size(rests), axis=0)  # (rests, lengths)
        starts = tf.strings.substr(rests[:, None], tf.zeros_like(several), several)
        known = table.lookup(starts) != table.default_value
        longest = tf.reduce_max(tf.where(known, several, 1), axis=1)
        pieces = tf.strings.substr(rests, tf.zeros_like(longest), longest)
        rests = tf.strings.substr(rests, tf.strings.length(pieces), tf.strings.length(rests))
        left = rests != ""
        all_owners, all_pieces = tf.concat([all_owners, owners], 0), tf.concat([all_pieces, pieces], 0)
        return owners[left], rests[left], all_owners, all_pieces

    ids, none = tf.range(tf.size(words, tf.int64)), tf.zeros([0], tf.int64)
    _, _, owners, pieces = tf.while_loop(
        lambda owners, *_: tf.size(owners) > 0,
        take_one,
        (ids, words, none, tf.zeros([0], tf.string)),
        shape_invariants=(tf.TensorShape([None]),) * 4,
    )
    order = tf.argsort(owners, stable=True)
    rows = tf.gather(owners, order)
    return tf.RaggedTensor.from_value_rowids(tf.gather(pieces, order), rows, nrows=tf.size(words, tf.int64))


def join_pieces(pieces):
    """Return what pieces spell, bad bytes as U+FFFD: ragged strings (batch, pieces) to strings (batch,)."""
    texts = _valid(tf.strings.reduce_join(pieces, axis=-1))
    return tf.strings.regex_replace(texts, r"\A ", "")


def _valid(texts):
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace", replacement_char=0xFFFD)
