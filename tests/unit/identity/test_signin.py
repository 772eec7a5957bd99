"""Keys, passwords, addresses and redirect URIs."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity import rules
from services.identity.adapters.keys import SealedKeys
from services.identity.model import KeyState, SigningKey, redirect_uri
from services.identity.pages.forms import Form, FormFault
from services.identity.pages.texts import preferred
from services.identity.rules.passwords import (
    COMMON,
    SHORTEST,
    PasswordCommon,
    PasswordTellsYou,
    PasswordTooLong,
    PasswordTooShort,
)
from tests.unit.identity.made import NOON


def a_key(number: int) -> SigningKey:
    return SigningKey(f"key-{number}", KeyState.NEXT, "{}", "sealed", NOON)


@given(hours=st.lists(st.integers(min_value=1, max_value=200), max_size=60))
def test_the_ring_always_has_one_signing_key_that_was_shown_before(hours: list[int]) -> None:
    ring, now = rules.rotate_keys((), fresh=a_key(0), now=NOON), NOON
    shown = {key.kid: now for key in ring}
    for number, pause in enumerate(hours, start=1):
        signing = next(key.kid for key in ring if key.state is KeyState.ACTIVE)
        now += timedelta(hours=pause)
        ring = rules.rotate_keys(ring, fresh=a_key(number), now=now)
        active = [key for key in ring if key.state is KeyState.ACTIVE]
        assert len(active) == 1
        assert signing in {key.kid for key in ring}
        if active[0].kid != signing:
            assert now - shown[active[0].kid] >= timedelta(days=1)
        for key in ring:
            shown.setdefault(key.kid, now)


def test_a_key_signs_for_thirty_days() -> None:
    ring = rules.rotate_keys(rules.rotate_keys((), fresh=a_key(0), now=NOON), fresh=a_key(1), now=NOON)
    assert rules.rotate_keys(ring, fresh=a_key(2), now=NOON + timedelta(days=29)) == ring
    turned = rules.rotate_keys(ring, fresh=a_key(2), now=NOON + timedelta(days=30))
    assert {key.kid: key.state for key in turned} == {"key-0": KeyState.RETIRED, "key-1": KeyState.ACTIVE}


def test_a_private_key_is_kept_encrypted_and_only_its_own_tokens_are_read() -> None:
    keys, others = SealedKeys(bytes(32)), SealedKeys(bytes(range(32)))
    kid, public, private = keys.make()
    key = SigningKey(kid, KeyState.ACTIVE, public, private, NOON)
    foreign = SigningKey(*(made := others.make())[:1], KeyState.ACTIVE, *made[1:], NOON)
    token = keys.sign(key, "at+jwt", {"sub": "harry"})
    assert keys.read((key,), "at+jwt", token) == {"sub": "harry"}
    assert '"d"' not in public
    assert keys.read((key,), "JWT", token) is None
    assert keys.read((foreign,), "at+jwt", token) is None
    assert keys.read((key,), "at+jwt", others.sign(foreign, "at+jwt", {"sub": "harry"})) is None
    assert keys.read((key,), "at+jwt", token[:-4] + "AAAA") is None
    assert keys.read((key,), "at+jwt", "not.a.token") is None


ABOUT = ("harry.roldan", "Harry", "Roldan", "Contoso SARL")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("fourteen chars", PasswordTooShort),
        ("x9 " * 43, PasswordTooLong),
        ("the CONTOSO way in", PasswordTellsYou),
        ("hello roldan, hello", PasswordTellsYou),
        ("abababababababababab", PasswordCommon),
        ("QwertyuiopAsdfgh", PasswordCommon),
    ],
)
def test_passwords_that_are_not_taken(text: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rules.new_password(text, about=ABOUT)


def test_a_password_of_four_words_is_taken_however_it_was_typed() -> None:
    assert rules.new_password("de\u0301ja\u0300 vu trois fois", about=ABOUT) == "déjà vu trois fois"
    assert all(len(password) >= SHORTEST for password in COMMON)


@pytest.mark.parametrize(
    "text", ["http://portal.test/back", "javascript:alert(1)", "https://a@portal.test/", "https://p.test/#x", "/back"]
)
def test_where_nobody_may_be_sent(text: str) -> None:
    with pytest.raises(ValueError, match="redirect"):
        redirect_uri(text)


@pytest.mark.parametrize("text", ["https://portal.test/back?x=1", "http://127.0.0.1:8000/back", "http://portal.localhost/back"])
def test_where_people_may_be_sent(text: str) -> None:
    assert redirect_uri(text) == text


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_a_named_fault(encoded: bytes) -> None:
    try:
        form = Form.parse(encoded)
    except FormFault:
        return
    assert "\x00" not in form.text("a")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de,en;q=0.5,fr;q=0.9", "fr"),
        ("de", "en"),
        ("", "en"),
        ("fr;q=x", "en"),
        ("en-GB", "en"),
    ],
)
def test_the_reader_is_answered_in_the_language_they_like_best(header: str, language: str) -> None:
    assert preferred(header) == language
