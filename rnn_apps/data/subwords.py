"""Subword tokens: byte-pair encoding, and lossless splitting and joining with TensorFlow operations.

A word is a run of letters, marks and digits, or of other characters except white space, with one preceding
space; other white space is a word of its own, and pieces never cross words. The space is part of the piece,
and one is put before every text, so that a word has the same piece at the start of a text as inside it;
`join_pieces` removes it.

A word is split from left to right into the longest pieces, not in the order of the merges: this is at least
as good (Uzan et al.), and the vocabulary needs no order. All 256 bytes are pieces, so nothing is unknown.

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

from rnn_apps.data.text import count_tokens

NUM_BYTES = 256
_WORD = r" ?[\pL\pM\pN]+| ?[^\s\pL\pM\pN]+|\s"
_TOO_LONG = r".{32}"  # longer words (Thai, base64) are cut, which bounds the loop
_CUT = b"\xff"  # a byte that never occurs in UTF-8


def learn_pieces(texts, size, min_count=2):
    """Return the pieces of `texts`: the 256 bytes, then merged pieces, the most frequent first.

    Args:
        texts: Iterable of str.
        size: Maximum number of pieces, at least 256.
        min_count: Minimum count of two adjacent pieces to be merged.

    Returns:
        List of str; bytes that are not valid UTF-8 are written as ``<0xE2>``.
    """
    pieces = dict.fromkeys(bytes([value]) for value in range(NUM_BYTES))
    for merged in _merges(count_tokens(texts, split_words), min_count):
        if len(pieces) >= size:
            break
        pieces[merged] = None
    return [_piece_text(piece) for piece in pieces]


def _merges(counts, min_count):
    """Yield the merged pieces, the most frequent pair first, ties in the order of their bytes.

    Only the words that contain a pair are counted again. The heap may hold outdated counts; they are
    corrected when they are popped.

    Args:
        counts: Word to count.
        min_count: Minimum count of a pair.
    """
    words = [[bytes([value]) for value in word] for word in counts]
    counts = list(counts.values())
    totals, word_indices = Counter(), defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:]):
            totals[pair] += counts[index]
            word_indices[pair].add(index)
    heap = [(-total, pair) for pair, total in totals.items()]
    heapq.heapify(heap)
    while heap:
        negative, pair = heapq.heappop(heap)
        if -negative != totals[pair]:
            if totals[pair]:
                heapq.heappush(heap, (-totals[pair], pair))
        elif totals[pair] < min_count:
            return
        elif _is_valid_piece(b"".join(pair)):
            yield b"".join(pair)
            for new in _merge(pair, words, counts, totals, word_indices):
                heapq.heappush(heap, (-totals[new], new))


def _merge(pair, words, counts, totals, word_indices):
    """Merge a pair in all words; return the pairs that became more frequent."""
    change = Counter()
    for index in word_indices.pop(pair):
        old, new = words[index], []
        for piece in old:
            if new and (new[-1], piece) == pair:
                new[-1] += piece
            else:
                new.append(piece)
        for old_pair in zip(old, old[1:]):
            change[old_pair] -= counts[index]
        for new_pair in zip(new, new[1:]):
            change[new_pair] += counts[index]
            word_indices[new_pair].add(index)
        words[index] = new
    totals.update(change)
    return [changed for changed, difference in change.items() if difference > 0]


def _is_valid_piece(piece):
    """Whether a piece is complete characters, or the first bytes of one, not both."""
    try:
        complete = codecs.getincrementaldecoder("utf-8")().decode(piece)
    except UnicodeDecodeError:
        return False
    return not complete or complete.encode() == piece


def _piece_text(piece):
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{value:02X}>" for value in piece)


def piece_bytes(piece):
    """Return the bytes of a piece from `learn_pieces`."""
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
        texts: Strings (batch,).
        table: Lookup table of the pieces; other strings give its default value.
        lengths: Distinct lengths of the pieces in bytes.
    """
    words = split_words(texts)
    distinct, indices = tf.unique(words.flat_values)
    pieces = _longest_first(distinct, table, tf.constant(lengths, tf.int32))
    return words.with_flat_values(tf.gather(pieces, indices)).merge_dims(1, 2)


def _longest_first(words, table, lengths):
    """Split words from the left into the longest pieces, or else bytes.

    Args:
        words: Strings (words,), not empty.
        table: As for `split_pieces`.
        lengths: int32 (lengths,).

    Returns:
        Ragged strings (words, pieces).
    """

    def take_one_piece(indices, rests, all_indices, all_pieces):
        candidates = tf.repeat(lengths[None], tf.size(rests), axis=0)  # (rests, lengths)
        prefixes = tf.strings.substr(rests[:, None], tf.zeros_like(candidates), candidates)
        is_known = table.lookup(prefixes) != table.default_value
        longest = tf.reduce_max(tf.where(is_known, candidates, 1), axis=1)
        pieces = tf.strings.substr(rests, tf.zeros_like(longest), longest)
        rests = tf.strings.substr(rests, tf.strings.length(pieces), tf.strings.length(rests))
        all_indices, all_pieces = tf.concat([all_indices, indices], 0), tf.concat([all_pieces, pieces], 0)
        return indices[rests != ""], rests[rests != ""], all_indices, all_pieces

    no_indices, no_pieces = tf.zeros([0], tf.int64), tf.zeros([0], tf.string)
    _, _, indices, pieces = tf.while_loop(
        lambda indices, *_: tf.size(indices) > 0,
        take_one_piece,
        (tf.range(tf.size(words, tf.int64)), words, no_indices, no_pieces),
        shape_invariants=(tf.TensorShape([None]),) * 4,
    )
    order = tf.argsort(indices, stable=True)
    rows = tf.gather(indices, order)
    return tf.RaggedTensor.from_value_rowids(tf.gather(pieces, order), rows, nrows=tf.size(words, tf.int64))


def join_pieces(pieces):
    """Return texts from ragged strings (batch, pieces): strings (batch,), invalid bytes as U+FFFD."""
    texts = _valid(tf.strings.reduce_join(pieces, axis=-1))
    return tf.strings.regex_replace(texts, r"\A ", "")


def _valid(texts):
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace", replacement_char=0xFFFD)
