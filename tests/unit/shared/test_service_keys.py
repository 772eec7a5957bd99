"""Services know one another by their keys, and nobody else passes for one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import ECKey, OKPKey

from shared.auth import KnownServices, Signer
from shared.http.kinds import Refused
from shared.service_keys import new_service_keys, private_key, public_keys

NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)
PRIVATE, PUBLIC = new_service_keys(["identity", "domains", "notifications"])


def known(*, at: datetime = NOON, public: str = PUBLIC) -> KnownServices:
    return KnownServices("identity", public, lambda: at)


def asked(by: str = "domains", of: str = "identity", *, at: datetime = NOON) -> str:
    return f"Bearer {Signer(PRIVATE[by], lambda: at).token(of)}"


def refusal(services: KnownServices, authorization: str) -> str:
    with pytest.raises(Refused) as refused:
        services.caller(authorization)
    return refused.value.kind.slug


def test_a_service_is_known_by_its_signature() -> None:
    assert known().caller(asked()) == known().caller(asked().replace("Bearer", "bearer")) == "domains"


def test_a_key_may_have_a_successor() -> None:
    successor = OKPKey.generate_key("Ed25519", parameters={"kid": "domains/2"})
    both = json.dumps({"keys": [*json.loads(PUBLIC)["keys"], successor.as_dict(private=False)]})
    new = Signer(json.dumps(successor.as_dict(private=True)), lambda: NOON).token("identity")
    assert known(public=both).caller(f"Bearer {new}") == known(public=both).caller(asked()) == "domains"


def test_what_was_meant_for_another_service_or_is_old_or_early_is_refused() -> None:
    assert refusal(known(), asked(of="provisioning")) == "token-invalid"
    assert refusal(known(at=NOON + timedelta(minutes=2)), asked()) == "token-expired"
    assert refusal(known(at=NOON - timedelta(minutes=2)), asked()) == "token-invalid"


def test_a_key_that_is_not_known_and_a_stolen_name_are_refused() -> None:
    others, _ = new_service_keys(["domains", "stranger"])
    for name in others:
        token = Signer(others[name], lambda: NOON).token("identity")
        assert refusal(known(), f"Bearer {token}") == "token-invalid"


@pytest.mark.parametrize("authorization", [None, "", "Bearer nonsense", "Basic eDp5", "Bearer a.b.c"])
def test_what_is_no_services_token_is_left_to_others(authorization: str | None) -> None:
    assert known().caller(authorization) is None


@pytest.mark.parametrize("text", ["{}", "[]", "1", '{"keys": [1]}', '{"keys": [{"kty": "OKP"}]}', '{"keys": {}', "null"])
def test_what_is_no_key_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever it is, settings show it
        public_keys(text)


def test_only_a_private_key_of_the_right_kind_signs() -> None:
    public = json.dumps(json.loads(PUBLIC)["keys"][0])
    nameless = json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True))
    for text in (public, nameless, json.dumps(ECKey.generate_key("P-256").as_dict(private=True)), "1"):
        with pytest.raises(ValueError):  # noqa: PT011
            private_key(text)
