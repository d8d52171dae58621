"""Synthetic English sentences with part-of-speech tags, for tests and demonstrations without a treebank.

A small grammar generates words whose tag depends on the context: "book" is a noun or a verb, "her" a
determiner or a pronoun, "that" a determiner, a pronoun or a conjunction, "like" a preposition or a verb,
"fast" an adjective or an adverb. Names, and words made from a stem and a suffix, include some that are not
in train, so that only their spelling tells the tag. The most frequent tag of each word is right for about
nine words out of ten.

A score on this data shows that the code works, and says nothing about real text.
"""

import random

# Nouns that are also verbs.
_NOUN_OR_VERB = (
    "book", "plan", "walk", "watch", "play", "look", "guide", "cook", "test", "visit", "report", "paint",
    "trade", "answer", "help", "count", "drink", "dream",
)  # fmt: skip
_NOUNS = (
    "teacher", "river", "garden", "doctor", "letter", "train", "window", "horse", "city", "story", "child",
    "sister", "engine", "market", "winter", "table",
)  # fmt: skip
_VERBS = ("see", "find", "need", "know", "carry", "bring", "hear", "describe", "remember", "follow")
_PAST = (
    "saw", "found", "needed", "knew", "carried", "brought", "heard", "described", "remembered", "followed",
)  # fmt: skip
_ADJECTIVES = ("old", "small", "green", "quiet", "early", "heavy", "strange", "kind")
_ADJECTIVE_OR_ADVERB = ("fast", "hard", "late", "straight", "well")
_ADVERBS = ("often", "never", "soon", "here", "again")
_PLACES = ("in", "near", "behind", "under", "over", "like")
_DETERMINERS = ("the", "a", "this", "every", "her", "his", "that")
_SUBJECTS = ("she", "he", "it", "they", "we")
_OBJECTS = ("her", "him", "it", "them", "us")
_MODALS = ("can", "will", "must")
_CONJUNCTIONS = ("because", "while", "if", "that")
_NUMBERS = ("two", "three", "seven", "12", "40")
_SYLLABLES = (
    "bran", "tol", "mer", "kas", "vel", "dor", "fil", "gar", "hes", "lum", "nor", "pel", "rud", "sov", "win",
)  # fmt: skip
_SUFFIXES = {
    "NOUN": ("ness", "ment", "tion"),
    "ADJ": ("ous", "ful", "ish"),
    "ADV": ("ously", "fully"),
    "VERB": ("ize", "ify"),
    "PROPN": ("burg", "ville", "son"),
}
# Tag: fractions of derived and of ambiguous words, these words, and all others.
_OPEN_CLASSES = {
    "NOUN": (0.12, 0.53, _NOUN_OR_VERB, _NOUNS),
    "VERB": (0.15, 0.6, _NOUN_OR_VERB, _VERBS),
    "ADJ": (0.15, 0.35, _ADJECTIVE_OR_ADVERB[:4], _ADJECTIVES),
    "ADV": (0.2, 0.5, _ADJECTIVE_OR_ADVERB, _ADVERBS),
}


def tagged_sentences(count, seed):
    """Return a list of (words, tags), each a list of str; the first ones do not depend on `count`."""
    rng = random.Random(seed)
    return [tuple(map(list, zip(*_sentence(rng)))) for _ in range(count)]


def _sentence(rng):
    kind = rng.random()
    clause = _clause(rng)
    if kind < 0.25:
        clause = [*clause, ("and", "CCONJ"), *_clause(rng)]
    elif kind < 0.5:
        clause = [*clause, (rng.choice(_CONJUNCTIONS[:3]), "SCONJ"), *_clause(rng)]
    elif kind < 0.65:
        clause = [*_subject(rng), ("think", "VERB"), ("that", "SCONJ"), *clause]
    first, tag = clause[0]
    mark = "!" if rng.random() < 0.1 else "."
    return [(first[0].upper() + first[1:], tag), *clause[1:], (mark, "PUNCT")]


def _clause(rng):
    """A subject and a predicate."""
    words = _subject(rng)
    if rng.random() < 0.35:
        words += [(rng.choice(_MODALS), "AUX")]
        words += [("not", "PART")] if rng.random() < 0.3 else []
        words += [_word(rng, "VERB")]
    elif rng.random() < 0.3:
        words += [(rng.choice(("likes", "like")), "VERB")]
    else:
        words += [(rng.choice(_PAST), "VERB")]
    words += _object(rng)
    if rng.random() < 0.45:
        words += [(rng.choice(_PLACES), "ADP"), *_noun_phrase(rng)]
    if rng.random() < 0.4:
        words += [_word(rng, "ADV")]
    return words


def _subject(rng):
    kind = rng.random()
    if kind < 0.3:
        return [(rng.choice(_SUBJECTS), "PRON")]
    return [_name(rng)] if kind < 0.45 else _noun_phrase(rng)


def _object(rng):
    kind = rng.random()
    if kind < 0.25:
        return [(rng.choice(_OBJECTS), "PRON")]
    if kind < 0.32:
        return [("that", "PRON")]
    return [_name(rng)] if kind < 0.42 else _noun_phrase(rng)


def _name(rng):
    word, tag = _derived_word(rng, "PROPN")
    return word.capitalize(), tag


def _noun_phrase(rng):
    kind = rng.random()
    if kind < 0.12:
        return [(rng.choice(_NUMBERS), "NUM"), (rng.choice(_NOUN_OR_VERB + _NOUNS) + "s", "NOUN")]
    words = [(rng.choice(_DETERMINERS), "DET")]
    if rng.random() < 0.4:
        words += [_word(rng, "ADJ")]
    return [*words, _word(rng, "NOUN")]


def _word(rng, tag):
    """A word of an open class."""
    derived, ambiguous, ambiguous_words, words = _OPEN_CLASSES[tag]
    kind = rng.random()
    if kind < derived:
        return _derived_word(rng, tag)
    return rng.choice(ambiguous_words if kind < derived + ambiguous else words), tag


def _derived_word(rng, tag):
    """A word of a random stem and a suffix that tells the tag."""
    stem = "".join(rng.choice(_SYLLABLES) + rng.choice("aeiou") for _ in range(2))
    return stem + rng.choice(_SUFFIXES[tag]), tag
