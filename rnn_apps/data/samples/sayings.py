"""Generated English sentences for language models: the stand-in where real text cannot be had.

What it is: one short sentence a line, in lower case with blanks around every mark, in which far words decide
near ones. A verb agrees with a subject that stands before a clause or an aside of its own ("the kings that
the old woman near the river fears sleep"); what is opened by a quote, a round or a square bracket is closed
by the same; and a name comes again after a while ("anna finds the letter in the garden , and later anna
keeps it"). The last four words say nothing of these, so that a 5-gram model has to guess where a recurrent
network learns to know.

What it is not: evidence about real text. It has about 150 words; a score on it says that the machinery works.
"""

import random

# Singular and plural.
_ANIMATE = {
    "dog": "dogs", "cat": "cats", "horse": "horses", "bird": "birds", "mouse": "mice", "child": "children",
    "woman": "women", "man": "men", "king": "kings", "sailor": "sailors", "teacher": "teachers",
    "doctor": "doctors", "friend": "friends", "soldier": "soldiers",
}  # fmt: skip
_THINGS = ("letter", "key", "ring", "book", "lamp", "coat", "map", "stone", "coin", "rose")
_ADJECTIVES = ("old", "young", "small", "tall", "grey", "strange", "clever", "tired", "happy", "quiet")
# Third person singular; the plural is without the s.
_INTRANSITIVE = (
    "sleeps", "waits", "sings", "laughs", "works", "dances", "dreams", "listens", "rests", "smiles",
)  # fmt: skip
_TRANSITIVE = ("sees", "loves", "follows", "fears", "helps", "knows", "hears", "needs", "greets", "paints")
_PLACES = tuple(
    f"{where} the {what}"
    for where in ("near", "behind", "beside")
    for what in ("river", "house", "tree", "bridge", "gate", "church", "mill", "tower")
)
_TIMES = ("at night", "in winter", "every day", "after dark", "in the rain", "without a word")
_NAMES = (
    "anna", "peter", "maria", "thomas", "clara", "felix", "helen", "jacob", "laura", "oscar", "paula",
    "simon", "vera", "walter", "agnes", "bruno",
)  # fmt: skip
_SAYS = ("says", "writes", "shouts", "whispers", "thinks")
_LEAVES = ("turns away", "goes home", "falls silent", "sits down", "closes the door")
_FINDS = ("finds", "hides", "drops", "sells", "forgets")
_LATER = ("later", "one day", "in the end", "a year after")
_MARKS = ('""', "()", "[]")


def sayings(count, seed):
    """Return text of that many lines, each ended.

    Args:
        count: of lines. The first lines do not depend on it.
        seed: of the choice; the same seed gives the same text.
    """
    chance = random.Random(seed)
    return "".join(f"{chance.choice(_SENTENCES)(chance)} .\n" for _ in range(count))


def _clause(chance):
    """A subject, mostly with a clause of its own, and what it does."""
    is_plural = chance.random() < 0.5
    subject = _noun_phrase(chance, is_plural)
    if chance.random() < 0.6:
        subject += " " + _relative(chance, is_plural)
    return f"{subject} {_ends(chance, is_plural)}"


def _relative(chance, is_plural):
    """What the subject does to somebody, or somebody of any number to the subject."""
    other_is_plural = chance.random() < 0.5
    other = f"{_noun_phrase(chance, other_is_plural)} {chance.choice(_PLACES)}"
    if chance.random() < 0.5:
        return f"that {_verb(chance, _TRANSITIVE, is_plural)} {other}"
    return f"that {other} {_verb(chance, _TRANSITIVE, other_is_plural)}"


def _aside(chance):
    """A whole clause in brackets or quotes between subject and verb."""
    is_plural = chance.random() < 0.5
    inner = _enclosed(chance, _clause(chance))
    return f"{_noun_phrase(chance, is_plural)} {inner} {_ends(chance, is_plural)}"


def _quoted(chance):
    inner = _enclosed(chance, _clause(chance))
    return f"{chance.choice(_NAMES)} {chance.choice(_SAYS)} {inner} and {chance.choice(_LEAVES)}"


def _reported(chance):
    name, says, leaves = (chance.choice(words) for words in (_NAMES, _SAYS, _LEAVES))
    return f"{name} {says} that {_clause(chance)} and {leaves}"


def _kept(chance):
    """A name that comes again."""
    name, finds, later = (chance.choice(words) for words in (_NAMES, _FINDS, _LATER))
    return f"{name} {finds} {_thing(chance)} , and {later} {name} misses it"


def _given(chance):
    """Two names that come again in the other order."""
    name, other = chance.sample(_NAMES, 2)
    return f"{name} gives {other} {_thing(chance)} , and {other} thanks {name}"


_SENTENCES = (_clause, _aside, _quoted, _reported, _kept, _given)


def _enclosed(chance, text):
    opening, closing = chance.choice(_MARKS)
    return f"{opening} {text} {closing}"


def _thing(chance):
    return f"the {chance.choice(_ADJECTIVES)} {chance.choice(_THINGS)} {chance.choice(_PLACES)}"


def _noun_phrase(chance, is_plural):
    noun = chance.choice(list(_ANIMATE))
    adjective = f"{chance.choice(_ADJECTIVES)} " if chance.random() < 0.4 else ""
    return f"the {adjective}{_ANIMATE[noun] if is_plural else noun}"


def _ends(chance, is_plural):
    return f"{_verb(chance, _INTRANSITIVE, is_plural)} {chance.choice(_TIMES)}"


def _verb(chance, verbs, is_plural):
    verb = chance.choice(verbs)
    return verb[:-1] if is_plural else verb
