"""Every mail, in both languages and both parts; hostile names; catalogues and layout that are up to date."""

import os
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.model import Background, Envelope, Reader
from services.notifications.templates import build
from services.notifications.templates.language import CATALOGUES, Language, harmless
from services.notifications.templates.message import message
from shared.contracts.identity import InvitationKind
from tests.unit.notifications.samples import (
    EVENT,
    INVITATION,
    SAMPLES,
    SECRET,
    WITHOUT_PORTAL,
    WRITER,
    Sample,
    a_delivery,
    every,
)

GOLDEN = Path(__file__).parent / "golden"
TEMPLATES = Path(build.__file__).parent
MAILS = [pytest.param(sample, language, id=f"{sample.name}.{language}") for sample, language in every()]
CLIPPED_FROM = 60_000


def opened(envelope: Envelope) -> EmailMessage:
    return message_from_bytes(envelope.message, _class=EmailMessage, policy=policy.default)


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


class Page(HTMLParser):
    """What a mail program finds in the HTML part."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "a":
            self.links.add(values["href"] or "")


@pytest.mark.parametrize(("sample", "language"), MAILS)
def test_the_text_part_is_as_it_was_approved(sample: Sample, language: str) -> None:
    mail = opened(sample.mail(language))
    text = f"Subject: {mail['Subject']}\n\n{part(mail, 'plain')}"
    golden = GOLDEN / f"{sample.name}.{language}.txt"
    if os.environ.get("VESTIBULE_APPROVE"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(("sample", "language"), MAILS)
def test_both_parts_lead_to_the_same_places(sample: Sample, language: str) -> None:
    mail = opened(sample.mail(language))
    in_text = set(re.findall(r"https://\S+", part(mail, "plain"))) - {
        "https://id.vendor.example/i",
        "https://portal.vendor.example/n",
    }
    assert in_text == Page(part(mail, "html")).links


@pytest.mark.parametrize(("sample", "language"), MAILS)
def test_the_html_part_is_small_accessible_and_loads_nothing(sample: Sample, language: str) -> None:
    html = part(opened(sample.mail(language)), "html")
    page = Page(html)
    assert len(html.encode()) <= CLIPPED_FROM
    assert ("html", language) in [(tag, values.get("lang")) for tag, values in page.tags]
    assert not {"img", "script", "iframe", "link", "object"} & {tag for tag, _ in page.tags}
    assert "@import" not in html
    assert "url(" not in html
    facts = [values for tag, values in page.tags if tag == "th"]
    assert all(values.get("scope") == "row" for values in facts)
    layouts = [values for tag, values in page.tags if tag == "table" and values.get("role") != "presentation"]
    assert len(layouts) == html.count('class="facts pad"')


@pytest.mark.parametrize(("sample", "language"), MAILS)
def test_the_envelope_says_what_mail_programs_look_for(sample: Sample, language: str) -> None:
    mail = opened(sample.mail(language))
    assert mail["Content-Language"] == language
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Message-ID"] == f"<{a_delivery(sample.event).id}@vendor.example>"
    assert mail["Date"].datetime == a_delivery(sample.event).created_at
    assert str(mail["From"]) == "Northwind Licences <vestibule@vendor.example>"
    assert "Precedence" not in mail
    assert "List-Unsubscribe" not in mail


@pytest.mark.parametrize(("sample", "language"), MAILS)
def test_the_same_mail_is_written_with_the_same_bytes(sample: Sample, language: str) -> None:
    message = sample.mail(language).message
    assert message == sample.mail(language).message
    assert re.search(rb"(?<!\r)\n", message) is None
    assert max(map(len, message.split(b"\r\n"))) <= 998
    assert message.isascii()


@pytest.mark.parametrize(("sample", "language"), MAILS)
def test_every_mail_has_the_event_to_quote(sample: Sample, language: str) -> None:
    mail = opened(sample.mail(language))
    assert str(EVENT) in part(mail, "plain")
    assert str(EVENT) in part(mail, "html")


@pytest.mark.parametrize("name", ["e1-invitation", "e2-welcome", "e3-nomination"])
def test_a_secret_stands_behind_the_hash_sign_and_as_a_code_to_type(name: str) -> None:
    for kind in ("plain", "html"):
        body = part(opened(SAMPLES[name].mail("fr")), kind)
        assert f"#{SECRET}" in body
        assert re.search(rf"(?<!#){SECRET}", body)
        assert not re.search(rf"[/?=&]{SECRET}", body)


def test_where_there_is_no_portal_there_is_no_button_to_it() -> None:
    text = part(opened(SAMPLES["e4-ready"].mail("en", WITHOUT_PORTAL)), "plain")
    assert "https://" not in text
    nomination = part(opened(SAMPLES["e3-nomination"].mail("en", WITHOUT_PORTAL)), "plain")
    assert f"https://id.vendor.example/n#{SECRET}" in nomination


@pytest.mark.parametrize(
    ("wanted", "spoken"), [("fr", "fr"), ("en", "en"), ("fr-CA", "fr"), ("en_US", "en"), ("de", "fr"), ("", "fr"), ("??", "fr")]
)
def test_a_mail_speaks_its_readers_language_or_the_vendors(wanted: str, spoken: str) -> None:
    assert Language.of(wanted, "Europe/Paris", otherwise="fr").code == spoken


def test_a_time_zone_nobody_knows_is_told_in_utc() -> None:
    nobody = Language.of("en", "Mars/Olympus", otherwise="fr")
    assert nobody.moment(INVITATION.occurred_at) == "20\xa0November\xa02026, 12:00 (UTC time)"


def test_an_address_that_is_not_ascii_makes_a_mail_that_is_not() -> None:
    envelope = WRITER(
        a_delivery(INVITATION), INVITATION, Reader("hélène@exämple.test", "Hélène", "fr", "UTC"), Background(secret=SECRET)
    )
    assert envelope.recipient == "hélène@xn--exmple-cua.test"
    assert "To: hélène@xn--exmple-cua.test".encode() in envelope.message


LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=2000)


@given(text=LINES, html=LINES, subject=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300))
def test_the_standard_library_reads_what_was_written(text: str, html: str, subject: str) -> None:
    headers = {"From": "a@example.com", "Subject": subject.strip()}
    written = message(headers, text=text, html=html, boundary="=_boundary", ascii_only=True)
    read = message_from_bytes(written, _class=EmailMessage, policy=policy.default)
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", written) is None
    assert max(map(len, written.split(b"\r\n"))) <= 998
    plain, other = read.iter_parts()
    assert plain.get_payload(decode=True) == text.replace("\n", "\r\n").encode()
    assert other.get_payload(decode=True) == html.replace("\n", "\r\n").encode()
    assert not read.defects


WORDS = st.sampled_from(["To", "bill:", "300", "Enterprise", "été", "l’administrateur", "21\xa0November\xa02026"])


@given(st.lists(WORDS, min_size=1))
def test_a_subject_is_read_with_the_spaces_it_was_written_with(words: list[str]) -> None:
    subject = " ".join(words)
    written = message({"Subject": subject}, text="", html="", boundary="=_boundary", ascii_only=True)
    assert message_from_bytes(written, policy=policy.default)["Subject"] == subject
    assert max(map(len, written.split(b"\r\n\r\n")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize("word", ["a", "é"])
def test_a_line_break_in_a_header_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        message({"Subject": f"{word}\r\nBcc: all@contoso.com"}, text="", html="", boundary="=_b", ascii_only=True)


@given(st.text(max_size=300), st.sampled_from(["fr", "en"]))
def test_no_name_adds_a_header_a_link_or_markup(name: str, language: str) -> None:
    event = INVITATION.model_copy(update={"kind": InvitationKind.COLLEAGUE, "account_names": (name,), "legal_name": name})
    reader = Reader("harry@contoso.com", name, language, "UTC")
    mail = opened(WRITER(a_delivery(event), event, reader, Background(secret=SECRET, named_by=name)))
    plain = opened(SAMPLES["e2-welcome"].mail(language))
    assert mail.keys() == plain.keys()
    assert "\n" not in mail["Subject"]
    page, of_plain = Page(part(mail, "html")), Page(part(plain, "html"))
    assert page.links == of_plain.links
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in of_plain.tags}


@pytest.mark.parametrize(
    ("typed", "shows"),
    [
        ("Contoso SA", "Contoso SA"),
        ("J. P. Morgan S.A.", "J. P. Morgan S.A."),
        ("win at evil.example now", "win at evil.\u200bexample now"),
        ("https://evil.example/x", "https:\u200b//evil.\u200bexample/x"),
        ("me@evil.example", "me@\u200bevil.\u200bexample"),
        ("Harry\u202egpj.exe", "Harry gpj.\u200bexe"),
        ("two\r\nlines\x00", "two lines"),
        ("x" * 200, "x" * 99 + "…"),
    ],
)
def test_names_that_somebody_typed_are_made_harmless(typed: str, shows: str) -> None:
    assert harmless(typed) == shows


def messages() -> set[str | tuple[str, ...]]:
    ways = [("**.py", "python"), ("layout.txt", "jinja2"), ("layout.html", "jinja2")]
    found = extract_from_dir(TEMPLATES, method_map=ways, keywords={"say": None, "count": (1, 2)})
    return {said for _, _, said, _, _ in found}


def test_every_sentence_is_translated_and_none_is_left_over() -> None:
    with (CATALOGUES / "fr" / "LC_MESSAGES" / "mail.po").open("rb") as file:
        catalogue = read_po(file, locale="fr")
    entries = [entry for entry in catalogue if entry.id]
    translated = {entry.id[0] if entry.pluralizable else entry.id for entry in entries}
    assert translated == {said[0] if isinstance(said, tuple) else said for said in messages()}
    for entry in entries:
        assert not entry.fuzzy
        assert not list(entry.check(catalogue))
        for text in entry.string if isinstance(entry.string, tuple) else [entry.string]:
            assert text
            assert not re.search(r"[^\u202f][:;?!»]|«[^\u202f]|'", str(text)), text


def test_the_compiled_layout_is_that_of_its_source() -> None:
    assert build.COMPILED.read_text(encoding="utf-8") == build.compiled()
