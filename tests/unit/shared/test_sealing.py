"""What is sealed opens for notifications, about the same aggregate, and for nobody else."""

import base64
import json
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing import KeyDestroyed, SealBroken, new_key_pair, open_sealed, private_keys, public_key, seal

INVITATION = UUID("019c0000-0000-7000-8000-000000000001")
OTHER = UUID("019c0000-0000-7000-8000-000000000002")
PRIVATE, PUBLIC = new_key_pair()
KEYS, KEY = private_keys(PRIVATE), public_key(PUBLIC)
VALUES = {"email": "harry@contoso.com", "secret": "s3cret"}


@given(st.dictionaries(st.text(), st.text()))
def test_what_was_sealed_is_what_opens(values: dict[str, str]) -> None:
    assert open_sealed(KEYS, INVITATION, seal(KEY, INVITATION, values)) == values


def test_the_same_values_never_look_the_same() -> None:
    assert seal(KEY, INVITATION, VALUES) != seal(KEY, INVITATION, VALUES)


def test_a_seal_moved_to_another_aggregate_does_not_open() -> None:
    with pytest.raises(SealBroken):
        open_sealed(KEYS, OTHER, seal(KEY, INVITATION, VALUES))


def test_a_relabelled_seal_does_not_open() -> None:
    header, *rest = seal(KEY, INVITATION, VALUES).split(".")
    claims = json.loads(base64.urlsafe_b64decode(header + "=="))
    claims["sub"] = str(OTHER)
    relabelled = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(SealBroken):
        open_sealed(KEYS, OTHER, ".".join([relabelled, *rest]))


def test_once_its_key_is_destroyed_a_seal_is_obsolete() -> None:
    newer, _ = new_key_pair()
    with pytest.raises(KeyDestroyed):
        open_sealed(private_keys(newer), INVITATION, seal(KEY, INVITATION, VALUES))


def test_a_rotated_set_opens_what_either_key_sealed() -> None:
    newer, newer_public = new_key_pair()
    both = private_keys(json.dumps({"keys": json.loads(PRIVATE)["keys"] + json.loads(newer)["keys"]}))
    assert open_sealed(both, INVITATION, seal(KEY, INVITATION, VALUES)) == VALUES
    assert open_sealed(both, INVITATION, seal(public_key(newer_public), INVITATION, VALUES)) == VALUES


@given(st.integers(min_value=0), st.characters(categories=("Lu", "Ll", "Nd")))
def test_a_changed_seal_never_opens_as_something_else(place: int, character: str) -> None:
    sealed = seal(KEY, INVITATION, VALUES)
    place %= len(sealed)
    changed = sealed[:place] + character + sealed[place + 1 :]
    with suppress(SealBroken, KeyDestroyed):
        assert open_sealed(KEYS, INVITATION, changed) == VALUES  # base64url's unused last bits carry nothing


@pytest.mark.parametrize("text", ["", "a.b.c.d.e", "....", "é", "x" * 200_000, '{"a":1}'])
def test_what_is_no_seal_is_refused(text: str) -> None:
    with pytest.raises(SealBroken):
        open_sealed(KEYS, INVITATION, text)


def test_a_seal_with_an_unknown_curve_is_refused() -> None:
    header, *rest = seal(KEY, INVITATION, VALUES).split(".")
    claims = json.loads(base64.urlsafe_b64decode(header + "=="))
    claims["epk"]["crv"] = "X9"
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(SealBroken):
        open_sealed(KEYS, INVITATION, ".".join([changed, *rest]))


def test_a_set_with_a_public_key_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="private"):
        private_keys(json.dumps({"keys": [json.loads(PUBLIC)]}))
