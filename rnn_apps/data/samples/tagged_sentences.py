"""Generated English sentences with parts of speech: the stand-in where a treebank cannot be had.

What it is: sentences of a small grammar whose words change their tag with what stands around them. "book" is
what one reads or what one does with a flight, "her" stands before a noun or for a person, "that" points,
joins or opens a clause, "like" compares or loves, "fast" describes a train or how it runs. Names, and words
made from a stem and an ending, come that train never showed, so that their letters have to tell. Counting
each word's usual tag is right for about nine words of ten.

What it is not: evidence about real text; a score on it says that the machinery works.
"""

import random

# A noun in one place and a verb in another.
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
_JOINING = ("because", "while", "if", "that")
_NUMBERS = ("two", "three", "seven", "12", "40")
_SYLLABLES = (
    "bran", "tol", "mer", "kas", "vel", "dor", "fil", "gar", "hes", "lum", "nor", "pel", "rud", "sov", "win",
)  # fmt: skip
_ENDINGS = {
    "NOUN": ("ness", "ment", "tion"),
    "ADJ": ("ous", "ful", "ish"),
    "ADV": ("ously", "fully"),
    "VERB": ("ize", "ify"),
    "PROPN": ("burg", "ville", "son"),
}


def tagged_sentences(count, seed):
    """Return a list of (words, tags), each a list of str; the first do not depend on `count`.

    Args:
        count: of sentences.
        seed: of the choice; the same seed gives the same sentences.
    """
    chance = random.Random(seed)
    return [tuple(map(list, zip(*_sentence(chance)))) for _ in range(count)]


def _sentence(chance):
    kind = chance.random()
    clause = _clause(chance)
    if kind < 0.25:
        clause = [*clause, ("and", "CCONJ"), *_clause(chance)]
    elif kind < 0.5:
        clause = [*clause, (chance.choice(_JOINING[:3]), "SCONJ"), *_clause(chance)]
    elif kind < 0.65:
        clause = [*_subject(chance), ("think", "VERB"), ("that", "SCONJ"), *clause]
    first, tag = clause[0]
    mark = "!" if chance.random() < 0.1 else "."
    return [(first[0].upper() + first[1:], tag), *clause[1:], (mark, "PUNCT")]


def _clause(chance):
    """A subject and what it does."""
    found = _subject(chance)
    if chance.random() < 0.35:
        found += [(chance.choice(_MODALS), "AUX")]
        found += [("not", "PART")] if chance.random() < 0.3 else []
        found += [_base_verb(chance)]
    elif chance.random() < 0.3:
        found += [(chance.choice(("likes", "like")), "VERB")]
    else:
        found += [(chance.choice(_PAST), "VERB")]
    found += _object(chance)
    if chance.random() < 0.45:
        found += [(chance.choice(_PLACES), "ADP"), *_noun_phrase(chance)]
    if chance.random() < 0.4:
        found += [_adverb(chance)]
    return found


def _base_verb(chance):
    kind = chance.random()
    if kind < 0.15:
        return _made(chance, "VERB")
    return chance.choice(_NOUN_OR_VERB if kind < 0.75 else _VERBS), "VERB"


def _adverb(chance):
    kind = chance.random()
    if kind < 0.2:
        return _made(chance, "ADV")
    return chance.choice(_ADJECTIVE_OR_ADVERB if kind < 0.7 else _ADVERBS), "ADV"


def _subject(chance):
    kind = chance.random()
    if kind < 0.3:
        return [(chance.choice(_SUBJECTS), "PRON")]
    return [_name(chance)] if kind < 0.45 else _noun_phrase(chance)


def _object(chance):
    kind = chance.random()
    if kind < 0.25:
        return [(chance.choice(_OBJECTS), "PRON")]
    if kind < 0.32:
        return [("that", "PRON")]
    return [_name(chance)] if kind < 0.42 else _noun_phrase(chance)


def _name(chance):
    word, tag = _made(chance, "PROPN")
    return word.capitalize(), tag


def _noun_phrase(chance):
    kind = chance.random()
    if kind < 0.12:
        return [(chance.choice(_NUMBERS), "NUM"), (chance.choice(_NOUN_OR_VERB + _NOUNS) + "s", "NOUN")]
    found = [(chance.choice(_DETERMINERS), "DET")]
    if chance.random() < 0.4:
        found += [_adjective(chance)]
    kind = chance.random()
    if kind < 0.12:
        return [*found, _made(chance, "NOUN")]
    return [*found, (chance.choice(_NOUN_OR_VERB if kind < 0.65 else _NOUNS), "NOUN")]


def _adjective(chance):
    kind = chance.random()
    if kind < 0.15:
        return _made(chance, "ADJ")
    return chance.choice(_ADJECTIVE_OR_ADVERB[:4] if kind < 0.5 else _ADJECTIVES), "ADJ"


def _made(chance, tag):
    """A word of two syllables and an ending that tells what it is."""
    stem = "".join(chance.choice(_SYLLABLES) + chance.choice("aeiou") for _ in range(2))
    return stem + chance.choice(_ENDINGS[tag]), tag
