"""Synthetic sentences: agreement checked by rules, and hidden from a 5-gram model."""

import re
import subprocess
import sys

import numpy as np
import pytest

from rnn_apps.baselines.ngrams import NGramModel
from rnn_apps.data.synthetic.text import synthetic_text

# Typed by hand: what is one and what is many.
NOUNS = {
    "dog": "dogs", "cat": "cats", "horse": "horses", "bird": "birds", "mouse": "mice", "child": "children",
    "woman": "women", "man": "men", "king": "kings", "sailor": "sailors", "teacher": "teachers",
    "doctor": "doctors", "friend": "friends", "soldier": "soldiers",
}  # fmt: skip
VERBS = {
    "sleeps": "sleep", "waits": "wait", "sings": "sing", "laughs": "laugh", "works": "work",
    "dances": "dance", "dreams": "dream", "listens": "listen", "rests": "rest", "smiles": "smile",
}  # fmt: skip
DONE_TO_SOMEBODY = {
    "sees": "see", "loves": "love", "follows": "follow", "fears": "fear", "helps": "help", "knows": "know",
    "hears": "hear", "needs": "need", "greets": "greet", "paints": "paint",
}  # fmt: skip
NUMBER = {
    **{form: many for pair in NOUNS.items() for many, form in enumerate(pair)},
    **{form: many for pair in (VERBS | DONE_TO_SOMEBODY).items() for many, form in enumerate(pair)},
}
OTHER = {a: b for pair in VERBS.items() for a, b in (pair, pair[::-1])}
CLOSING = {"(": ")", "[": "]"}


@pytest.fixture(scope="module")
def lines():
    return synthetic_text(6000, seed=1).splitlines()


def verbs_of(words):
    """Yield place, number of the subject and place of the subject for every verb that has one.

    A noun after a verb of `DONE_TO_SOMEBODY` is an object, all others are subjects that wait for their verb;
    after "that" a verb belongs to the subject before it, which goes on waiting.
    """
    waiting, is_object = [], False
    for place, word in enumerate(words):
        if word in NOUNS or word in NOUNS.values():
            if not is_object:
                waiting.append((NUMBER[word], place))
            is_object = False
        elif word in OTHER or word in NUMBER:
            number, subject = waiting[-1] if words[place - 1] == "that" else waiting.pop()
            yield place, number, subject
            is_object = word not in OTHER and words[place - 1] == "that"
    assert waiting == []


def test_every_verb_agrees_with_its_subject_however_far(lines):
    distances = []
    for line in lines:
        for place, number, subject in verbs_of(line.split()):
            assert NUMBER[line.split()[place]] == number, line
            distances.append(place - subject)
    assert min(distances) == 1
    assert np.mean(np.array(distances) > 4) > 0.3


def test_what_is_opened_is_closed_by_its_own_mark(lines):
    for line in lines:
        marks = re.findall(r'["()\[\]]', line)
        assert len(marks) in (0, 2), line
        if marks:
            assert marks[1] == CLOSING.get(marks[0], '"'), line
    assert all(sum(mark in line for line in lines) > 300 for mark in '"([')


def test_names_come_again_after_a_while_and_two_in_the_other_order(lines):
    kept = [re.match(r"(\w+) \w+ the .* , and .* (\w+) misses it \.$", line) for line in lines]
    given = [re.match(r"(\w+) gives (\w+) the .* , and (\w+) thanks (\w+) \.$", line) for line in lines]
    kept, given = [m.groups() for m in kept if m], [m.groups() for m in given if m]
    assert min(len(kept), len(given)) > 800
    assert all(name == again for name, again in kept)
    assert all((giver, other) == (last, first) != (other, giver) for giver, other, first, last in given)
    assert len({name for name, _ in kept}) == 16


def test_lines_are_sentences_of_few_words_with_spaces_around_marks(lines):
    assert all(re.fullmatch(r'([a-z]+|["()\[\],.]| )+ \.', line) for line in lines)
    assert "  " not in " ".join(lines)
    assert 100 < len({word for line in lines for word in line.split()}) < 200
    assert len(set(lines)) > 0.98 * len(lines)


def test_count_and_seed_decide_and_the_first_lines_do_not_depend_on_the_count(lines):
    assert synthetic_text(40, 1).splitlines() == lines[:40]
    assert synthetic_text(40, 2) != synthetic_text(40, 1)
    assert synthetic_text(0, 1) == ""
    assert synthetic_text(3, 1).count("\n") == 3


def test_another_process_and_hash_seed_gives_the_same():
    script = "from rnn_apps.data.synthetic.text import synthetic_text; print(synthetic_text(20, 1), end='')"
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == synthetic_text(20, 1)


@pytest.fixture(scope="module")
def five_grams(lines):
    """Probability of each next word by a 5-gram model of the first 5000 lines."""
    numbers = {word: number for number, word in enumerate(sorted({w for x in lines for w in x.split()}))}

    def numbered(words):
        return [numbers[word] for word in words]

    model = NGramModel(5, len(numbers)).fit(numbered(" ".join(lines[:5000]).split()))

    def preference(words, place, others):
        """How much of the probability of a word and others in its place the word has."""
        variants = [words[:place] + [other] for other in (words[place], *others)]
        chances = [np.exp(model.log_probabilities(numbered(variant))[-1]) for variant in variants]
        return chances[0] / sum(chances)

    return preference


def test_far_agreement_is_a_guess_for_a_5_gram_model_and_near_agreement_is_not(lines, five_grams):
    far, near = [], []
    for words in (line.split() for line in lines[5000:5400]):
        for place, _, subject in verbs_of(words):
            if words[place] in OTHER:
                kind = far if place - subject > 4 else near
                kind.append(five_grams(words, place, [OTHER[words[place]]]))
    assert min(len(far), len(near)) > 50
    assert np.mean(far) == pytest.approx(0.5, abs=0.07)
    assert np.mean(np.array(far) > 0.5) == pytest.approx(0.5, abs=0.12)
    assert np.mean(near) > 0.9


def test_closing_marks_and_names_are_guesses_for_a_5_gram_model(lines, five_grams):
    names = {line.split()[0] for line in lines if " misses it" in line}
    closing, again = [], []
    for words in (line.split() for line in lines[5000:5400]):
        for place in range(3, len(words)):
            if words[place] in ")]" or (words[place] == '"' and '"' in words[:place]):
                closing.append(five_grams(words, place, {")", "]", '"'} - {words[place]}))
            if words[place + 1 : place + 2] == ["misses"]:
                again.append(five_grams(words, place, names - {words[place]}))
    assert np.mean(closing) == pytest.approx(1 / 3, abs=0.07)
    assert np.mean(again) == pytest.approx(1 / 16, abs=0.03)
