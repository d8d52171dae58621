"""Synthetic translations: forms and word order from a German grammar, typed out by hand."""

import re

import pytest

from rnn_apps.data.synthetic import translation as module
from rnn_apps.data.synthetic.translation import sentence_pairs

# Nominative, accusative and dative of a masculine, a feminine and a neuter noun, and in the plural.
FORMS = {
    "the old dog": ("der alte Hund", "den alten Hund", "dem alten Hund"),
    "the old cat": ("die alte Katze", "die alte Katze", "der alten Katze"),
    "the old horse": ("das alte Pferd", "das alte Pferd", "dem alten Pferd"),
    "the old dogs": ("die alten Hunde", "die alten Hunde", "den alten Hunden"),
    "an old dog": ("ein alter Hund", "einen alten Hund", "einem alten Hund"),
    "an old cat": ("eine alte Katze", "eine alte Katze", "einer alten Katze"),
    "an old horse": ("ein altes Pferd", "ein altes Pferd", "einem alten Pferd"),
    "this old dog": ("dieser alte Hund", "diesen alten Hund", "diesem alten Hund"),
    "this old cat": ("diese alte Katze", "diese alte Katze", "dieser alten Katze"),
    "this old horse": ("dieses alte Pferd", "dieses alte Pferd", "diesem alten Pferd"),
    "these old cats": ("diese alten Katzen", "diese alten Katzen", "diesen alten Katzen"),
    "every old dog": ("jeder alte Hund", "jeden alten Hund", "jedem alten Hund"),
    "every old cat": ("jede alte Katze", "jede alte Katze", "jeder alten Katze"),
    "no old dog": ("kein alter Hund", "keinen alten Hund", "keinem alten Hund"),
    "no old horse": ("kein altes Pferd", "kein altes Pferd", "keinem alten Pferd"),
    "no old horses": ("keine alten Pferde", "keine alten Pferde", "keinen alten Pferden"),
    "my old dog": ("mein alter Hund", "meinen alten Hund", "meinem alten Hund"),
    "my old cat": ("meine alte Katze", "meine alte Katze", "meiner alten Katze"),
    "my old dogs": ("meine alten Hunde", "meine alten Hunde", "meinen alten Hunden"),
    "two old horses": ("zwei alte Pferde", "zwei alte Pferde", "zwei alten Pferden"),
    "many old dogs": ("viele alte Hunde", "viele alte Hunde", "vielen alten Hunden"),
    "the dog": ("der Hund", "den Hund", "dem Hund"),
    "the horses": ("die Pferde", "die Pferde", "den Pferden"),
    "a dog": ("ein Hund", "einen Hund", "einem Hund"),
    "a cat": ("eine Katze", "eine Katze", "einer Katze"),
    "a horse": ("ein Pferd", "ein Pferd", "einem Pferd"),
}
NOMINATIVE, ACCUSATIVE, DATIVE = range(3)
# English verb to the German third persons, singular and plural, participle, preposition and case.
VERBS = {
    "see": ("sieht", "sehen", "gesehen", "", ACCUSATIVE),
    "carry": ("trägt", "tragen", "getragen", "", ACCUSATIVE),
    "wait for": ("wartet", "warten", "gewartet", "auf ", ACCUSATIVE),
    "laugh at": ("lacht", "lachen", "gelacht", "über ", ACCUSATIVE),
    "play with": ("spielt", "spielen", "gespielt", "mit ", DATIVE),
    "speak with": ("spricht", "sprechen", "gesprochen", "mit ", DATIVE),
}
ENGLISH = {  # third person singular and participle
    "see": ("sees", "seen"), "carry": ("carries", "carried"), "wait for": ("waits for", "waited for"),
    "laugh at": ("laughs at", "laughed at"), "play with": ("plays with", "played with"),
    "speak with": ("speaks with", "spoken with"),
}  # fmt: skip


@pytest.fixture(scope="module")
def sample():
    return sentence_pairs(30_000, seed=1)


@pytest.fixture(scope="module")
def small_sample():
    """Sentences of few words, so that those typed out by hand come often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_ANIMATE", [n for n in module._ANIMATE if n.one in ("dog", "cat", "horse")])
        patch.setattr(module, "_THINGS", [])
        patch.setattr(module, "_ADJECTIVES", {"old": "alt"})
        patch.setattr(module, "_TRANSITIVE", [v for v in module._TRANSITIVE if v.base in VERBS])
        return sentence_pairs(20_000, seed=1)


def clauses_by_hand():
    """English clause to (main, inverted, subordinate) German, for all that is typed out above."""
    clauses = {}
    for subject, (german_subject, *_) in FORMS.items():
        is_plural = subject.endswith("s")
        for verb, (singular, plural, participle, preposition, case) in VERBS.items():
            third, english_participle = ENGLISH[verb]
            have, haben = ("have", "haben") if is_plural else ("has", "hat")
            want, wollen = ("want to", "wollen") if is_plural else ("wants to", "will")
            for thing, forms in FORMS.items():
                patient = preposition + forms[case]
                for english, finite, rest in (
                    (verb if is_plural else third, plural if is_plural else singular, ""),
                    (f"{have} {english_participle}", haben, f" {participle}"),
                    (f"{want} {verb}", wollen, f" {plural}"),
                ):
                    clauses[f"{subject} {english} {thing}"] = (
                        f"{german_subject} {finite} {patient}{rest}",
                        f"{finite} {german_subject} {patient}{rest}",
                        f"{german_subject} {patient}{rest} {finite}",
                    )
    return clauses


def test_clauses_are_those_of_a_grammar_in_every_place(small_sample):
    by_hand, seen = clauses_by_hand(), {place: set() for place in ("plain", "adverb", "main", "sub", "first")}
    for source, target in small_sample:
        main, conjunction, last = re.fullmatch(r"(.*?)(?: (because|although) (.*))?", source).groups()
        if source in by_hand:
            assert target == by_hand[source][0]
            seen["plain"].add(source)
        elif source.startswith("today ") and source[6:] in by_hand:
            assert target == f"heute {by_hand[source[6:]][1]}"
            seen["adverb"].add(source)
        elif conjunction and ", " not in source:
            german_main, german_last = target.split(", ")
            if main in by_hand:
                assert german_main == by_hand[main][0]
                seen["main"].add(main)
            if last in by_hand:
                word = {"because": "weil", "although": "obwohl"}[conjunction]
                assert german_last == f"{word} {by_hand[last][2]}"
                seen["sub"].add(last)
        elif ", " in source:
            (first, main), (german_first, german_main) = source.split(", "), target.split(", ")
            if main in by_hand:
                assert german_main == by_hand[main][1]
                seen["first"].add(main)
            if first.removeprefix("while ") in by_hand:
                assert german_first == f"während {by_hand[first.removeprefix('while ')][2]}"
    assert min(map(len, seen.values())) > 100


def test_every_form_typed_out_by_hand_occurs(small_sample):
    text = "\n".join(target for _, target in small_sample)
    assert [form for forms in FORMS.values() for form in forms if form not in text] == []


def test_the_subject_decides_the_number_of_the_verb(sample):
    agreeing = {"has": "hat", "have": "haben", "wants": "will", "want": "wollen"}
    for source, target in sample:
        english, german = source.split(), re.findall(r"\w+", target)
        assert [english.count(word) for word in agreeing] == [
            german.count(word) for word in agreeing.values()
        ]


def test_a_subordinate_clause_never_ends_with_a_participle_but_with_its_verb(sample):
    clauses = [c for _, t in sample for c in t.split(", ") if re.match("(weil|obwohl|während|bevor) ", c)]
    assert len(clauses) > 10_000
    assert not any(re.search(r" ge\w+$", clause) for clause in clauses)
    for ending in ("gesehen haben", "gesehen hat", "sehen kann", "sehen müssen"):
        assert any(clause.endswith(f" {ending}") for clause in clauses)


def test_only_nouns_have_capitals_and_only_clauses_commas(sample):
    nouns = {word for noun in module._ANIMATE + module._THINGS for word in (noun.singular, noun.plural)}
    nouns |= {noun + "n" for noun in nouns} | {"Abend"}
    for source, target in sample:
        words = target.replace(",", "").split()
        assert all(word in nouns or word == word.lower() for word in words)
        assert source == source.lower()
        assert target.count(",") == bool(re.search(r"\b(weil|obwohl|während|bevor)\b", target))
        assert "  " not in source + target
        assert source.strip() == source


def test_an_stands_before_vowels_and_only_there(sample):
    after = {article: set() for article in ("a", "an")}
    for source, _ in sample:
        for article, word in re.findall(r"\b(an?) (\w+)", source):
            after[article].add(word)
    assert after["an"] == {"old", "ugly", "apple"}
    assert not any(word[0] in "aeiou" for word in after["a"])


def test_every_word_of_the_grammar_occurs_and_one_source_has_one_target(sample):
    words = set(re.findall(r"\w+", " ".join(source for source, _ in sample)))
    grammar = [noun[:2] for noun in module._ANIMATE + module._THINGS]
    grammar += [verb[:3] for verb in module._TRANSITIVE + module._INTRANSITIVE]
    grammar += [module._ADJECTIVES, module._DETERMINERS, module._CONJUNCTIONS, module._ADVERBS]
    assert {word for group in grammar for entry in group for word in entry.split()} <= words
    assert len(dict(sample)) == len({source for source, _ in sample}) == len(set(sample))


def test_a_hundred_thousand_sentences_differ():
    assert len({source for source, _ in sentence_pairs(100_000, seed=0)}) == 100_000


def test_count_and_seed_decide():
    assert sentence_pairs(50, 1) == sentence_pairs(50, 1)
    assert sentence_pairs(50, 1) != sentence_pairs(50, 2)
    assert sentence_pairs(0, 1) == []
    assert len(sentence_pairs(7, 1)) == 7


def test_where_no_more_sentences_are_left_they_repeat(monkeypatch):
    monkeypatch.setattr(module, "_clause", lambda chance: module._Clause("the dog", "der Hund", "", "", ""))
    monkeypatch.setattr(module, "_ADVERBS", {"now": "jetzt"})
    monkeypatch.setattr(module, "_CONJUNCTIONS", {"because": "weil"})
    pairs = sentence_pairs(40, seed=1)
    assert len(pairs) == 40
    assert set(pairs) == {
        ("the dog", "der Hund"),
        ("now the dog", "jetzt der Hund"),
        ("the dog because the dog", "der Hund, weil der Hund"),
        ("because the dog, the dog", "weil der Hund, der Hund"),
    }
