"""Synthetic English sentences and their German translations: agreement and word order, no idioms.

Determiners and adjectives agree with the noun in gender, number and case ("a red house", "ein rotes Haus";
"with the old dog", "mit dem alten Hund"), verbs with their subject. Participles and infinitives end a clause
("has seen the cat", "hat die Katze gesehen"). The verb ends a subordinate clause ("because the dog sees the
cat", "weil der Hund die Katze sieht") and precedes the subject if another word comes first ("today the dog
sees", "heute sieht der Hund"). The sentences are grammatical but need not make sense.
"""

import random
from typing import NamedTuple


class _Noun(NamedTuple):
    """English singular and plural; German gender, singular and plural. The dative plural ends in -n."""

    one: str
    many: str
    gender: str
    singular: str
    plural: str


class _Verb(NamedTuple):
    """English forms, German forms, and the German preposition and case of the object."""

    base: str
    third: str
    participle: str
    infinitive: str
    singular: str
    german_participle: str
    preposition: str = ""
    case: str = "accusative"


_ANIMATE = [
    _Noun("dog", "dogs", "m", "Hund", "Hunde"),
    _Noun("cat", "cats", "f", "Katze", "Katzen"),
    _Noun("horse", "horses", "n", "Pferd", "Pferde"),
    _Noun("bird", "birds", "m", "Vogel", "Vögel"),
    _Noun("mouse", "mice", "f", "Maus", "Mäuse"),
    _Noun("child", "children", "n", "Kind", "Kinder"),
    _Noun("woman", "women", "f", "Frau", "Frauen"),
    _Noun("man", "men", "m", "Mann", "Männer"),
    _Noun("girl", "girls", "n", "Mädchen", "Mädchen"),
    _Noun("teacher", "teachers", "m", "Lehrer", "Lehrer"),
    _Noun("daughter", "daughters", "f", "Tochter", "Töchter"),
    _Noun("friend", "friends", "m", "Freund", "Freunde"),
]
_THINGS = [
    _Noun("house", "houses", "n", "Haus", "Häuser"),
    _Noun("book", "books", "n", "Buch", "Bücher"),
    _Noun("apple", "apples", "m", "Apfel", "Äpfel"),
    _Noun("tree", "trees", "m", "Baum", "Bäume"),
    _Noun("flower", "flowers", "f", "Blume", "Blumen"),
    _Noun("door", "doors", "f", "Tür", "Türen"),
    _Noun("ship", "ships", "n", "Schiff", "Schiffe"),
    _Noun("letter", "letters", "m", "Brief", "Briefe"),
]
_ADJECTIVES = {
    "old": "alt", "young": "jung", "small": "klein", "big": "groß", "red": "rot", "green": "grün",
    "white": "weiß", "black": "schwarz", "beautiful": "schön", "new": "neu", "strange": "seltsam",
    "poor": "arm", "ugly": "hässlich", "brown": "braun",
}  # fmt: skip
_TRANSITIVE = [
    _Verb("see", "sees", "seen", "sehen", "sieht", "gesehen"),
    _Verb("find", "finds", "found", "finden", "findet", "gefunden"),
    _Verb("look for", "looks for", "looked for", "suchen", "sucht", "gesucht"),
    _Verb("paint", "paints", "painted", "malen", "malt", "gemalt"),
    _Verb("carry", "carries", "carried", "tragen", "trägt", "getragen"),
    _Verb("buy", "buys", "bought", "kaufen", "kauft", "gekauft"),
    _Verb("forget", "forgets", "forgotten", "vergessen", "vergisst", "vergessen"),
    _Verb("love", "loves", "loved", "lieben", "liebt", "geliebt"),
    _Verb("wait for", "waits for", "waited for", "warten", "wartet", "gewartet", "auf"),
    _Verb("laugh at", "laughs at", "laughed at", "lachen", "lacht", "gelacht", "über"),
    _Verb("play with", "plays with", "played with", "spielen", "spielt", "gespielt", "mit", "dative"),
    _Verb("speak with", "speaks with", "spoken with", "sprechen", "spricht", "gesprochen", "mit", "dative"),
]
_INTRANSITIVE = [
    _Verb("sleep", "sleeps", "slept", "schlafen", "schläft", "geschlafen"),
    _Verb("dance", "dances", "danced", "tanzen", "tanzt", "getanzt"),
    _Verb("sing", "sings", "sung", "singen", "singt", "gesungen"),
    _Verb("work", "works", "worked", "arbeiten", "arbeitet", "gearbeitet"),
]
_MODALS = {  # English singular and plural: German singular and plural
    ("can", "can"): ("kann", "können"),
    ("must", "must"): ("muss", "müssen"),
    ("wants to", "want to"): ("will", "wollen"),
    ("will", "will"): ("wird", "werden"),
}
_CONJUNCTIONS = {"because": "weil", "although": "obwohl", "while": "während", "before": "bevor"}
_ADVERBS = {"today": "heute", "now": "jetzt", "often": "oft", "in the evening": "am Abend"}

# Endings of determiners by case, for m, f, n and plural; "-" is no ending.
_STRONG = {"nominative": "er e es e", "accusative": "en e es e", "dative": "em er em en"}
_DER = {"nominative": "der die das die", "accusative": "den die das die", "dative": "dem der dem den"}
_EIN = {"nominative": "- e - e", "accusative": "en e - e", "dative": "em er em en"}
# English determiner: German stem, endings, and whether it takes a singular and a plural.
_DETERMINERS = {
    "the": ("", _DER, True, True),
    "this": ("dies", _STRONG, True, False),
    "these": ("dies", _STRONG, False, True),
    "every": ("jed", _STRONG, True, False),
    "a": ("ein", _EIN, True, False),
    "no": ("kein", _EIN, True, True),
    "my": ("mein", _EIN, True, True),
    "two": ("zwei", None, False, True),
    "many": ("viel", _STRONG, False, True),
}
_LIKE_ADJECTIVES = ("two", "many")  # they do not change the endings of the following words
_MAX_TRIES = 100


def sentence_pairs(count, seed):
    """Return a list of (English, German) sentences, distinct unless too few exist.

    Args:
        count: Number of pairs; many millions exist.
        seed: Random seed.
    """
    rng, pairs, seen, tries = random.Random(seed), [], set(), 0
    while len(pairs) < count:
        pair = _sentence(rng)
        if pair in seen and tries < _MAX_TRIES:
            tries += 1
            continue
        seen.add(pair)
        pairs.append(pair)
        tries = 0
    return pairs


def _sentence(rng):
    """A main clause alone, with an adverb, or with a subordinate clause after or before it."""
    kind = rng.random()
    main = _clause(rng)
    if kind < 0.25:
        return main.english, main.plain()
    if kind < 0.5:
        english, german = rng.choice(list(_ADVERBS.items()))
        return f"{english} {main.english}", f"{german} {main.inverted()}"
    (conjunction, german), other = rng.choice(list(_CONJUNCTIONS.items())), _clause(rng)
    if kind < 0.75:
        english = f"{main.english} {conjunction} {other.english}"
        return english, f"{main.plain()}, {german} {other.verb_last()}"
    english = f"{conjunction} {other.english}, {main.english}"
    return english, f"{german} {other.verb_last()}, {main.inverted()}"


class _Clause(NamedTuple):
    """An English clause, and the constituents of the German one."""

    english: str
    subject: str
    finite: str
    object: str
    rest: str

    def plain(self):
        return _spaced(self.subject, self.finite, self.object, self.rest)

    def inverted(self):
        return _spaced(self.finite, self.subject, self.object, self.rest)

    def verb_last(self):
        return _spaced(self.subject, self.object, self.rest, self.finite)


def _clause(rng):
    is_plural = rng.random() < 0.4
    english, subject = _noun_phrase(rng, _ANIMATE, is_plural, "nominative")
    verb = rng.choice(_INTRANSITIVE if rng.random() < 0.15 else _TRANSITIVE)
    english_verb, finite, rest = _predicate(rng, verb, is_plural)
    if verb in _INTRANSITIVE:
        return _Clause(_spaced(english, english_verb), subject, finite, "", rest)
    nouns = _ANIMATE + _THINGS
    english_object, german_object = _noun_phrase(rng, nouns, rng.random() < 0.4, verb.case)
    german_object = _spaced(verb.preposition, german_object)
    return _Clause(_spaced(english, english_verb, english_object), subject, finite, german_object, rest)


def _predicate(rng, verb, is_plural):
    """English verb, German finite verb, and the end of the German clause."""
    tense = rng.random()
    if tense < 0.4:
        return (verb.base, verb.infinitive, "") if is_plural else (verb.third, verb.singular, "")
    if tense < 0.7:
        english, german = ("have", "haben") if is_plural else ("has", "hat")
        return f"{english} {verb.participle}", german, verb.german_participle
    english, german = rng.choice(list(_MODALS.items()))
    return f"{english[is_plural]} {verb.base}", german[is_plural], verb.infinitive


def _noun_phrase(rng, nouns, is_plural, case):
    """English and German noun phrase with a determiner and, with probability 0.6, an adjective."""
    noun = rng.choice(nouns)
    fitting = [word for word, entry in _DETERMINERS.items() if entry[2 + is_plural]]
    determiner, adjective = rng.choice(fitting), None
    if rng.random() < 0.6:
        adjective = rng.choice(list(_ADJECTIVES))
    english = _spaced(determiner, adjective, noun.many if is_plural else noun.one)
    if determiner == "a" and english[2] in "aeiou":
        english = "an" + english[1:]
    return english, _german_noun_phrase(determiner, adjective, noun, is_plural, case)


def _german_noun_phrase(determiner, adjective, noun, is_plural, case):
    column = 3 if is_plural else "mfn".index(noun.gender)
    stem, endings, *_ = _DETERMINERS[determiner]
    ending = endings[case].split()[column].strip("-") if endings else ""
    if adjective:
        adjective = _ADJECTIVES[adjective] + _adjective_ending(determiner, ending, column, case)
    word = noun.plural if is_plural else noun.singular
    if is_plural and case == "dative" and not word.endswith("n"):
        word += "n"
    return _spaced(stem + ending, adjective, word)


def _adjective_ending(determiner, ending, column, case):
    """Strong unless the determiner shows gender and case, otherwise weak."""
    is_shown = ending and determiner not in _LIKE_ADJECTIVES
    if not is_shown:
        return _STRONG[case].split()[column]
    is_direct = case == "nominative" or (case == "accusative" and column in (1, 2))
    return "e" if is_direct and column < 3 else "en"


def _spaced(*words):
    return " ".join(word for word in words if word)
