"""Synthetic English sentences for language models, for tests and demonstrations without real text.

There is one short sentence per line, in lower case with spaces around all punctuation, with long-range
dependencies. A verb agrees with a subject that is separated from it by a clause or an aside ("the kings that
the old woman near the river fears sleep"); quotes, round and square brackets are closed by their
counterpart; and names recur ("anna finds the letter in the garden , and later anna keeps it"). The last four
words do not determine these, so a 5-gram model can only guess what a recurrent network can learn.

The vocabulary has about 150 words. A score on this data shows that the code works, and says nothing about
real text.
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
# Third person singular; the plural has no s.
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
_BRACKETS = ('""', "()", "[]")


def synthetic_text(num_lines, seed):
    """Return a text of `num_lines` lines; the first lines do not depend on their number."""
    rng = random.Random(seed)
    return "".join(f"{rng.choice(_SENTENCES)(rng)} .\n" for _ in range(num_lines))


def _clause(rng):
    """A subject, mostly with a relative clause, and a verb phrase."""
    is_plural = rng.random() < 0.5
    subject = _noun_phrase(rng, is_plural)
    if rng.random() < 0.6:
        subject += " " + _relative(rng, is_plural)
    return f"{subject} {_verb_phrase(rng, is_plural)}"


def _relative(rng, is_plural):
    """A relative clause in which the noun is the subject or the object."""
    other_is_plural = rng.random() < 0.5
    other = f"{_noun_phrase(rng, other_is_plural)} {rng.choice(_PLACES)}"
    if rng.random() < 0.5:
        return f"that {_verb(rng, _TRANSITIVE, is_plural)} {other}"
    return f"that {other} {_verb(rng, _TRANSITIVE, other_is_plural)}"


def _aside(rng):
    """A clause in brackets or quotes between subject and verb."""
    is_plural = rng.random() < 0.5
    inner = _enclosed(rng, _clause(rng))
    return f"{_noun_phrase(rng, is_plural)} {inner} {_verb_phrase(rng, is_plural)}"


def _quoted(rng):
    inner = _enclosed(rng, _clause(rng))
    return f"{rng.choice(_NAMES)} {rng.choice(_SAYS)} {inner} and {rng.choice(_LEAVES)}"


def _reported(rng):
    name, says, leaves = (rng.choice(words) for words in (_NAMES, _SAYS, _LEAVES))
    return f"{name} {says} that {_clause(rng)} and {leaves}"


def _lost(rng):
    """A sentence in which a name recurs."""
    name, finds, later = (rng.choice(words) for words in (_NAMES, _FINDS, _LATER))
    return f"{name} {finds} {_thing(rng)} , and {later} {name} misses it"


def _given(rng):
    """A sentence in which two names recur in reverse order."""
    giver, receiver = rng.sample(_NAMES, 2)
    return f"{giver} gives {receiver} {_thing(rng)} , and {receiver} thanks {giver}"


_SENTENCES = (_clause, _aside, _quoted, _reported, _lost, _given)


def _enclosed(rng, text):
    opening, closing = rng.choice(_BRACKETS)
    return f"{opening} {text} {closing}"


def _thing(rng):
    return f"the {rng.choice(_ADJECTIVES)} {rng.choice(_THINGS)} {rng.choice(_PLACES)}"


def _noun_phrase(rng, is_plural):
    noun = rng.choice(list(_ANIMATE))
    adjective = f"{rng.choice(_ADJECTIVES)} " if rng.random() < 0.4 else ""
    return f"the {adjective}{_ANIMATE[noun] if is_plural else noun}"


def _verb_phrase(rng, is_plural):
    return f"{_verb(rng, _INTRANSITIVE, is_plural)} {rng.choice(_TIMES)}"


def _verb(rng, verbs, is_plural):
    verb = rng.choice(verbs)
    return verb[:-1] if is_plural else verb
