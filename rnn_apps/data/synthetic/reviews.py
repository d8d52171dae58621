"""Synthetic film reviews, for tests and demonstrations without IMDB.

They are short English texts from a small grammar, labelled with the writer's opinion, in which word order
matters. Words of praise and blame occur in both classes: negated ("hardly a masterpiece"), conceded
("although the script is dull, ..."), attributed to others and rejected ("one critic found it tedious, but I
disagree"), as disappointed expectations, or as facts of the plot ("a sad teacher", "a terrible storm"). A
bag-of-words model therefore does poorly, while a small recurrent network learns the task in minutes.

The vocabulary has about 200 words; there is no irony, no misspelling and no ambiguity. A score on this data
shows that the code works, and says nothing about the score on IMDB.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

CLASS_NAMES = ("negative", "positive")

# By kind and class; each may follow "is", "was" or "found it", with or without a negator.
WORDS = {
    "quality": (
        ("dull", "weak", "clumsy", "tedious", "terrible", "boring", "shallow", "awkward", "dreadful"),
        ("superb", "brilliant", "clever", "moving", "lovely", "funny", "charming", "gripping", "rich"),
    ),
    "verdict": (
        ("a mess", "a failure", "a disaster", "a bore", "a waste of time", "a disappointment"),
        ("a masterpiece", "a triumph", "a success", "a gem", "a joy", "a delight"),
    ),
    "feeling": (
        ("bored", "annoyed", "disappointed", "irritated", "exhausted"),
        ("charmed", "moved", "impressed", "delighted", "captivated"),
    ),
}  # fmt: skip
NEGATORS = ("not", "hardly", "far from", "anything but", "by no means")
PARTS = (
    "the acting", "the script", "the story", "the dialogue", "the music", "the humour", "the camera work",
    "the first half", "the second half", "the last scene",
)  # fmt: skip
WHOLE = ("the film", "the whole thing", "all of it")

# {own} is the writer's opinion, {against} the opposite, {said} somebody else's opinion.
PLAIN = (
    "this time {own}",
    "all in all, {own}",
    "in the end, {own}",
    "I must say that {own}",
    "to be honest, {own}",
)
CONTRASTS = (
    "{against}, but {own}",
    "{against}, but {own}",
    "{against}, yet {own}",
    "although {against}, {own}",
    "{own}, although {against}",
    "{own}, even though {against}",
)
TURNS = (
    "I expected {against} and got {own}",
    "I got {own} where I expected {against}",
    "what starts as {against} ends as {own}",
    "it ends as {own} after it starts as {against}",
)
FRIENDS = ("my friend", "my sister", "my brother", "my neighbour")
OVERRULED = (
    "{friend} found it {said}; {own}",
    "{friend} found it {said}, but {own}",
    "{own}; {friend} found it {said}",
    "{own}, though {friend} found it {said}",
)
CRITICS = ("one critic", "the man beside me", "our local paper", "my old teacher")
ASSENTS = (("but I disagree", "but that is wrong"), ("and I agree", "and that is right"))

# Facts without an opinion of the film, but with words of praise and blame.
FACTS = (
    "it follows {person} who {deed}",
    "the plot is about {person} who {deed}",
    "{person} {deed}",
    "it was filmed in {country}",
    "the director comes from {country}",
    "it runs for {number} hours",
    "I saw it with {number} people on a {day}",
    "the cast has {number} new names",
)
DEEDS = (
    "meets {other} in {place}", "hides from {other} in {place}", "is not happy in {place}",
    "looks for {other} after {event}", "saves {other} during {event}", "never speaks of {event}",
    "writes a book about {event}", "hardly remembers {event}",
)  # fmt: skip
PEOPLE = (
    "a widow", "a detective", "a thief", "a soldier", "a lawyer", "a clerk", "a waiter", "a king", "a spy",
    "a sad teacher", "a brilliant painter", "a charming heir", "a clumsy cook", "a clever nurse",
    "a dull farmer", "a funny singer", "a terrible dentist", "a rich pilot",
)  # fmt: skip
FILLERS = {
    "place": (
        "a village", "a desert", "a garden", "an office", "a lovely castle", "a dull town",
        "a charming hotel", "a dreadful prison",
    ),
    "event": (
        "a war", "a wedding", "a long winter", "a trial", "a terrible storm", "a lovely summer",
        "a family disaster", "a triumph at the races",
    ),
    "country": ("Spain", "Norway", "Chile", "Japan", "Ireland", "Poland"),
    "number": ("two", "three", "four", "five"),
    "day": ("Monday", "Friday", "Sunday"),
}  # fmt: skip

DIRECT = 0.85  # fraction of judgements; the others negate the opposite
SHAPES = ((1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 0), (2, 1))  # opinions and facts in one review


class Review(NamedTuple):
    """A review and the index of its class in `CLASS_NAMES`: 0 negative, 1 positive."""

    text: str
    label: int


def reviews(size: int, seed: int = 0) -> Iterator[Review]:
    """Yield `size` distinct reviews, half of each class.

    Labels come in shuffled pairs, so the first n reviews are balanced too and do not depend on `size`. Two
    seeds may share a few short reviews: take all splits of a data set from one call.

    >>> [review.label for review in reviews(4, seed=1)].count(1)
    2
    """
    rng = random.Random(seed)
    seen: set[str] = set()
    for index in range(size):
        if index % 2 == 0:
            pair = rng.sample((0, 1), 2)
        label = pair[index % 2]
        text = _text(rng, label)
        while text in seen:
            text = _text(rng, label)
        seen.add(text)
        yield Review(text, label)


def _text(rng: random.Random, label: int) -> str:
    num_opinions, num_facts = rng.choice(SHAPES)
    parts = rng.sample(PARTS, len(PARTS))
    sentences = [opinion(rng, label, parts) for opinion in rng.sample(OPINIONS, num_opinions)]
    sentences += [_fact(rng, form) for form in rng.sample(FACTS, num_facts)]
    rng.shuffle(sentences)
    return " ".join(sentence[0].upper() + sentence[1:] + "." for sentence in sentences)


def _plain(rng: random.Random, label: int, parts: list[str]) -> str:
    return rng.choice(PLAIN).format(own=_own(rng, label, parts))


def _contrast(rng: random.Random, label: int, parts: list[str]) -> str:
    against = _against(rng, 1 - label, parts)
    return rng.choice(CONTRASTS).format(own=_own(rng, label, parts), against=against)


def _turn(rng: random.Random, label: int, parts: list[str]) -> str:
    verdicts = WORDS["verdict"]
    return rng.choice(TURNS).format(own=rng.choice(verdicts[label]), against=rng.choice(verdicts[1 - label]))


def _overruled(rng: random.Random, label: int, parts: list[str]) -> str:
    said = _judgement(rng, rng.choice(("quality", "verdict")), 1 - label)
    return rng.choice(OVERRULED).format(friend=rng.choice(FRIENDS), said=said, own=_own(rng, label, parts))


def _assent(rng: random.Random, label: int, parts: list[str]) -> str:
    """Report an opinion, and agree or disagree with it."""
    agrees = rng.randrange(2)
    said = rng.choice(WORDS[rng.choice(("quality", "verdict"))][label if agrees else 1 - label])
    return f"{rng.choice(CRITICS)} found it {said}, {rng.choice(ASSENTS[agrees])}"


OPINIONS = (_plain, _plain, _contrast, _contrast, _turn, _overruled, _assent)


def _own(rng: random.Random, label: int, parts: list[str]) -> str:
    kind = rng.choice(tuple(WORDS))
    if kind == "feeling":
        return f"I was {_judgement(rng, kind, label)}"
    subject = parts.pop() if rng.random() < 0.5 else rng.choice(WHOLE)
    return f"{subject} is {_judgement(rng, kind, label)}"


def _against(rng: random.Random, label: int, parts: list[str]) -> str:
    """Return a concession, about a part of the film or its beginning."""
    kind = rng.choice(tuple(WORDS))
    if kind == "feeling":
        return f"I was {_judgement(rng, kind, label)} at first"
    return f"{parts.pop()} is {_judgement(rng, kind, label)}"


def _judgement(rng: random.Random, kind: str, label: int) -> str:
    """Return a word of the class, or a negated one of the other class."""
    if rng.random() < DIRECT:
        return rng.choice(WORDS[kind][label])
    return f"{rng.choice(NEGATORS)} {rng.choice(WORDS[kind][1 - label])}"


def _fact(rng: random.Random, form: str) -> str:
    person, other = rng.sample(PEOPLE, 2)
    fillers = {name: rng.choice(values) for name, values in FILLERS.items()}
    deed = rng.choice(DEEDS).format(other=other, **fillers)
    return form.format(person=person, deed=deed, **fillers)
