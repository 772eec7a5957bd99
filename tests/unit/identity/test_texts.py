"""The French catalogue says everything that the pages say, and says it as French is set."""

import re
from datetime import date
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from services.identity.model import COUNTRIES, Role
from services.identity.pages.texts import HERE, countries
from shared.dates import day_in_words
from shared.words import LOCALES, ROLE_NAMES

WORDS = {"_": None, "ngettext": (1, 2), "say": (2,), "later": None}


def said() -> set[str]:
    """Every sentence of the pages; of a plural pair the singular."""
    methods = [("pages/**.py", "python"), ("templates/**.html", "jinja2")]
    found = extract_from_dir(HERE, method_map=methods, keywords=WORDS)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def french() -> dict[str, Message]:
    with Path(HERE, "locales", "fr.po").open(encoding="utf-8") as file:
        return {
            entry.id if isinstance(entry.id, str) else entry.id[0]: entry for entry in read_po(file, locale="fr") if entry.id
        }


def test_every_sentence_is_there_in_french_and_no_other() -> None:
    assert set(french()) == said()
    assert all(entry.string and all(entry.string) and not entry.fuzzy for entry in french().values())


@pytest.mark.parametrize("entry", french().values(), ids=lambda entry: str(entry.id)[:30])
def test_french_is_set_as_french_is(entry: Message) -> None:
    texts = [entry.string] if isinstance(entry.string, str) else list(entry.string or ())
    for text in texts:
        assert not re.search(r"[^\u202f][:;?!]", text), "a narrow no-break space stands before : ; ? !"
        assert "'" not in text, "the apostrophe is ’"
        assert "merci de" not in text.lower()
    ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
    assert [sorted(re.findall(r"%\(\w+\)s", text)) for text in texts] == [
        sorted(re.findall(r"%\(\w+\)s", text)) for text in ids
    ]


def test_every_role_has_a_name_in_every_language() -> None:
    assert set(ROLE_NAMES) == set(LOCALES)
    assert all(set(names) == set(Role) for names in ROLE_NAMES.values())


@pytest.mark.parametrize(("language", "words"), [("fr", "1er février 2027"), ("en", "1 February 2027")])
def test_a_date_is_in_words_and_stays_on_its_line(language: str, words: str) -> None:
    assert day_in_words(date(2027, 2, 1), language) == words.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_countries_stand_in_the_order_of_the_readers_alphabet(language: str) -> None:
    listed = countries(language)
    assert {code for code, _ in listed} == COUNTRIES
    names = [name for _, name in listed]
    if language == "fr":
        assert names.index("Égypte") < names.index("Espagne") < names.index("Zambie")
