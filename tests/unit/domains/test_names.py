"""Which names may be claimed, and what an address is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domains import rules
from services.domains.adapters.names import name_policy
from shared.refusals import Invalid
from tests.unit.domains.makers import POLICY


@pytest.mark.parametrize(
    ("given_name", "ascii_form", "display"),
    [
        ("contoso.com", "contoso.com", "contoso.com"),
        (" Contoso.COM. ", "contoso.com", "contoso.com"),
        ("faß.de", "xn--fa-hia.de", "faß.de"),
        ("BÜCHER.de", "xn--bcher-kva.de", "bücher.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de", "bücher.de"),
        ("例え。jp", "xn--r8jz45g.jp", "例え.jp"),
        ("contoso.github.io", "contoso.github.io", "contoso.github.io"),
        ("www.ck", "www.ck", "www.ck"),
    ],
)
def test_a_name_is_claimed_in_one_form_and_shown_in_another(given_name: str, ascii_form: str, display: str) -> None:
    name = rules.domain_name(given_name, POLICY)
    assert (name.ascii, name.display) == (ascii_form, display)


@pytest.mark.parametrize(
    ("given_name", "reason"),
    [
        ("10.0.0.1", "address"),
        ("[::1]", "malformed"),
        ("0x7f.1", "address"),
        ("http://contoso.com", "malformed"),
        ("contoso.com:53", "malformed"),
        ("contoso com", "malformed"),
        ("a..com", "malformed"),
        ("-a.com", "malformed"),
        ("a_b.com", "malformed"),
        ("ab--cd.com", "malformed"),
        ("xn--zzzzzz.de", "malformed"),
        ("☃.net", "malformed"),
        ("a\u200db.com", "malformed"),
        ("", "malformed"),
        (".", "malformed"),
        ("a" * 64 + ".com", "malformed"),
        (".".join(["abc"] * 11) + ".com", "too-long"),
        (".".join(["a" * 60] * 4) + ".com", "too-long"),
        ("localhost", "reserved"),
        ("printer.local", "reserved"),
        ("contoso.test", "reserved"),
        ("contoso.nosuchtopname", "unknown-suffix"),
    ],
)
def test_what_the_public_dns_cannot_hold_is_refused(given_name: str, reason: str) -> None:
    with pytest.raises(rules.NotADomainName) as refused:
        rules.domain_name(given_name, POLICY)
    assert refused.value.reason == reason


@pytest.mark.parametrize("suffix", ["com", "co.uk", "github.io", "foo.ck", "onmicrosoft.com", "公司.cn"])
def test_nobody_owns_a_public_suffix(suffix: str) -> None:
    with pytest.raises(rules.PublicSuffix):
        rules.domain_name(suffix, POLICY)


@pytest.mark.parametrize("domain", ["gmail.com", "GMail.com", "orange.fr", "mail.yahoo.co.uk"])
def test_nobody_owns_a_domain_of_free_mail(domain: str) -> None:
    with pytest.raises(rules.FreeMailDomain):
        rules.domain_name(domain, POLICY)


def test_a_deployment_may_take_a_reserved_name() -> None:
    assert rules.domain_name("contoso.test", name_policy(allowed=["test"])).ascii == "contoso.test"
    with pytest.raises(rules.PublicSuffix):
        rules.domain_name("test", name_policy(allowed=["test"]))


@given(st.text(max_size=80) | st.from_regex(r"[a-z0-9.-]{0,40}", fullmatch=True))
def test_a_name_that_passed_once_passes_again_unchanged(text: str) -> None:
    try:
        name = rules.domain_name(text, POLICY)
    except Invalid:
        return
    assert name.ascii.isascii()
    assert name.ascii == name.ascii.lower()
    assert rules.domain_name(name.ascii, POLICY) == name
    assert rules.domain_name(name.display, POLICY) == name
    assert name.ascii.endswith(rules.registrable(name.ascii, POLICY))


@pytest.mark.parametrize(
    ("domain", "registered"), [("contoso.com", "contoso.com"), ("a.b.contoso.co.uk", "contoso.co.uk"), ("a.b.test", "b.test")]
)
def test_what_is_registered_lies_just_below_the_suffix(domain: str, registered: str) -> None:
    assert rules.registrable(domain, POLICY) == registered


def test_half_a_character_is_no_name() -> None:
    with pytest.raises(rules.NotADomainName):
        rules.domain_name("\ud800.com", POLICY)
