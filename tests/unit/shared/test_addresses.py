"""One grammar and one spelling of e-mail addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.addresses import LONGEST, LONGEST_LOCAL, EmailAddress, NotAnAddress, ascii_domain, email_address


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("harry@contoso.com", "harry@contoso.com"),
        (" Harry.Roldan@CONTOSO.com ", "Harry.Roldan@contoso.com"),
        ("o'neil+licences@Contoso.COM", "o'neil+licences@contoso.com"),
        ("{a}!#$%&*/=?^_`|~-@contoso.com", "{a}!#$%&*/=?^_`|~-@contoso.com"),
        ("harry@exämple.test", "harry@xn--exmple-cua.test"),
        ("harry@faß.de", "harry@xn--fa-hia.de"),
        ("HÉLÈNE@EXÄMPLE.test", "hélène@xn--exmple-cua.test"),
        ("he\u0301le\u0300ne@xn--exmple-cua.test", "hélène@xn--exmple-cua.test"),
        ("\uff48arry\uff20contoso\u3002com", "harry@contoso.com"),
    ],
)
def test_an_address_has_one_spelling(typed: str, spelled: str) -> None:
    assert email_address(typed) == spelled


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "domain"),
        ("harry", "domain"),
        ("harry@", "domain"),
        ("harry@localhost", "domain"),
        ("harry@192.0.2.1", "domain"),
        ("harry@[192.0.2.1]", "domain"),
        ("harry@contoso.com.", "domain"),
        ("harry@con_toso.com", "domain"),
        ("harry@-c.com", "domain"),
        ("harry@c..com", "domain"),
        (f"harry@{'c' * 64}.com", "domain"),
        ("harry@c\u200bc.com", "domain"),
        ("harry@xn--.com", "domain"),
        ("harry@xn--xn--exmple-cua-.com", "domain"),
        ("<harry@contoso.com>", "domain"),
        ("@contoso.com", "local-part"),
        ("a b@contoso.com", "local-part"),
        ("a@b@contoso.com", "local-part"),
        ("a,b@contoso.com", "local-part"),
        (".a@contoso.com", "local-part"),
        ("a.@contoso.com", "local-part"),
        ("a..b@contoso.com", "local-part"),
        ("a(x)@contoso.com", "local-part"),
        ("a\u200b@contoso.com", "local-part"),
        ("a\u202e@contoso.com", "local-part"),
        ("a\u00ad@contoso.com", "local-part"),
        ("a\r\nRCPT TO:<x@y.z>@contoso.com", "local-part"),
        ("\ud800@contoso.com", "local-part"),
        ('"harry"@contoso.com', "quoted-local-part"),
        ('"a b"@contoso.com', "quoted-local-part"),
        (f"{'a' * (LONGEST_LOCAL + 1)}@contoso.com", "too-long"),
        (f"{'é' * 33}@contoso.com", "too-long"),
        (f"{'a' * 60}@{'.'.join(['c' * 60] * 4)}.com", "too-long"),
    ],
)
def test_what_is_no_address_is_told_why(text: str, why: str) -> None:
    with pytest.raises(NotAnAddress) as refused:
        email_address(text)
    assert refused.value.why == why


def test_capitals_make_no_other_person() -> None:
    address = email_address("Harry.Roldan@CONTOSO.com")
    assert address.same_as(email_address("harry.roldan@contoso.com"))
    assert not address.same_as(email_address("harry.roldan@evilcontoso.com"))
    assert not address.same_as(email_address("harry@contoso.com"))


def test_people_read_the_domain_as_they_write_it() -> None:
    address = email_address("zoé@XN--EXMPLE-CUA.FR")
    assert (address.local, address.domain, address.shown) == ("zoé", "xn--exmple-cua.fr", "zoé@exämple.fr")


def test_a_body_gets_an_address_or_says_what_is_wrong_with_it() -> None:
    class Some(BaseModel):
        email: EmailAddress

    assert Some(email="Harry@Contoso.COM").email.domain == "contoso.com"
    with pytest.raises(ValidationError) as refused:
        Some(email='"harry"@contoso.com')
    [mistake] = refused.value.errors()
    assert (mistake["type"], mistake["loc"]) == ("quoted-local-part", ("email",))


DOMAINS = st.sampled_from(["contoso.com", "ü.de", "EXÄMPLE.Fr", "faß.de", "xn--tda.de", "a.b.c.example"])
LOCALS = st.text(max_size=70) | st.from_regex(r"[A-Za-z0-9.+'_-]{1,64}", fullmatch=True)


@given(st.text(st.characters(), max_size=80) | st.builds("{}@{}".format, LOCALS, DOMAINS))
def test_an_address_that_passed_once_passes_again_unchanged(text: str) -> None:
    try:
        address = email_address(text)
    except NotAnAddress:
        return
    assert email_address(address) == address
    assert email_address(address.shown) == address
    if address.isascii():
        assert email_address(address.upper()).same_as(address)
    assert address.isprintable()
    assert not set(address) & set(' \t\r\n<>(),:;"[]\\')
    assert address.count("@") == 1
    assert address.domain.isascii()
    assert len(address.encode()) <= LONGEST
    assert len(address.local.encode()) <= LONGEST_LOCAL


@given(LOCALS, DOMAINS)
def test_folding_is_what_postgresql_does_with_ascii_alone(local: str, domain: str) -> None:
    try:
        address = email_address(f"{local}@{domain}")
    except NotAnAddress:
        return
    assert address.folded == address.encode().lower().decode()


@pytest.mark.parametrize("text", ["", "a..b", "-a.com", "a_b.com", "contoso.com.", "\ud800.com", "💩.la"])
def test_what_is_no_host_name(text: str) -> None:
    assert ascii_domain(text) is None
