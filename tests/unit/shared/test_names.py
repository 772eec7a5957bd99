"""What may be somebody's name in a mail of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.notifications.templates.language import clean, harmless
from shared.names import LONGEST, OrganisationName, PersonName

PERSON: TypeAdapter[str] = TypeAdapter(PersonName)
ORGANISATION: TypeAdapter[str] = TypeAdapter(OrganisationName)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Nora", "Nora"),
        ("  de  la Fontaine ", "de la Fontaine"),
        ("O’Neil-Smith", "O’Neil-Smith"),
        ("J. R. R.", "J. R. R."),
        ("J.R.", "J.R."),
        ("Zoe\u0301", "Zoé"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("李小龙", "李小龙"),
        ("葛\U000e0100城", "葛\U000e0100城"),
        ("डॉ. राम", "डॉ. राम"),
        ("X" * LONGEST, "X" * LONGEST),
    ],
)
def test_what_people_are_called(typed: str, kept: str) -> None:
    assert PERSON.validate_python(typed) == kept


@pytest.mark.parametrize(
    "name",
    ["Contoso SARL", "Booking.com B.V.", "S.A.R.L. Dupont & Fils", "A/S Dansk", "Procter & Gamble (50%)", "3M", "Yahoo!"],
)
def test_what_organisations_are_called(name: str) -> None:
    assert ORGANISATION.validate_python(name) == name


LINKS = (
    "https://evil.example/x",
    "Win at HTTP://evil.example",
    "//evil.example",
    "www.evil.example",
    "evil.example/claim",
    "evil.example:8080",
    "me@evil.example",
    "mailto:me",
    "javascript:alert(1)",
    "evil\uff0eexample\uff0fclaim",
    "evil\u200d.example/claim",
    "w\u034fww.evil",
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((link, "link-in-name") for link in LINKS),
        ("<b>Nora</b>", "markup-in-name"),
        ("Nora \uff1cb\uff1e", "markup-in-name"),
        ("Nora\r\nBcc: all@contoso.com", "unseen-in-name"),
        ("Nora\u2028Reyes", "unseen-in-name"),
        ("Nora\u202egpj", "unseen-in-name"),
        ("No\u00adra", "unseen-in-name"),
        ("Nora\u2066", "unseen-in-name"),
        ("\U000e0041", "unseen-in-name"),
        ("Nora\u3164Reyes", "unseen-in-name"),
        ("\u2800", "unseen-in-name"),
        ("\u200d", "unseen-in-name"),
        ("\u0301 \ufe0f", "unseen-in-name"),
        ("", "string_too_short"),
        ("  ", "string_too_short"),
        ("X" * (LONGEST + 1), "string_too_long"),
    ],
)
@pytest.mark.parametrize("kind", [PERSON, ORGANISATION])
def test_what_nobody_is_called(kind: TypeAdapter[str], text: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.validate_python(text)
    assert [mistake["type"] for mistake in refused.value.errors()] == [why]


@pytest.mark.parametrize(
    "text",
    [
        "evil.example",
        "Your prize is at evil.example now",
        "evil\u3002example",
        "evil\u200d.example",
        "evil.\u200dexample",
        "evil.e\u034fxample",
        "evil\ufe0f.example",
        "evil.\u0915\u0949\u092e",
        "evil.\u092d\u093e\u0930\u0924",
    ],
)
def test_nobody_is_called_like_a_domain(text: str) -> None:
    with pytest.raises(ValidationError):
        PERSON.validate_python(text)
    assert "\u200b" in harmless(text)


@given(st.text(max_size=LONGEST + 5))
def test_a_name_that_passed_goes_out_whole_and_passes_again(text: str) -> None:
    try:
        name = PERSON.validate_python(text)
    except ValidationError:
        return
    assert PERSON.validate_python(name) == name
    assert harmless(name) == clean(name) == name
