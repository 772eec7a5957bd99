"""The development mailbox: what it keeps, shows, and how it fails when told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from deploy.local.mailbox import Answer, Box, CutAfterData, Hang, MailSink, RefuseRecipient, Unknown
from deploy.local.mailbox.web import application
from shared.clock import now
from tests.support.certificates import localhost_certificate


def a_mail(subject: str = "Bonjour", *, message_id: str = "<1@example>", html: str = "<p>Bonjour</p>") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "a@example.com", "harry@contoso.com", subject, message_id
    mail.set_content("Bonjour Harry,\n.\nfin")
    if html:
        mail.add_alternative(html, subtype="html")
        mail.set_boundary("same-each-time")
    return mail


@asynccontextmanager
async def running(sink: MailSink) -> AsyncIterator[int]:
    port = await sink.start()
    try:
        yield port
    finally:
        await sink.stop()


def reading(sink: MailSink) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application(sink)), base_url="http://127.0.0.1:8025")


def test_a_mail_is_kept_byte_for_byte_and_read_again(tmp_path: Path) -> None:
    async def story() -> None:
        sink = MailSink(Box(tmp_path, now))
        async with running(sink) as port, reading(sink) as page:
            await aiosmtplib.send(a_mail("Votre espace à vous"), hostname="127.0.0.1", port=port)

            (listed,) = (await page.get("/api/messages", params={"to": "HARRY@contoso.com", "subject": "espace"})).json()
            read = (await page.get(f"/api/messages/{listed['id']}")).json()
            raw = (await page.get(f"/api/messages/{listed['id']}/raw")).content
            nothing = (await page.get("/api/messages", params={"to": "nora@contoso.com"})).json()

        assert read["subject"] == "Votre espace à vous"
        assert read["to"] == ["harry@contoso.com"]
        assert read["text"].splitlines() == ["Bonjour Harry,", ".", "fin"]
        assert "<p>Bonjour</p>" in read["html"]
        assert nothing == []
        assert [message.raw for message in Box(tmp_path, now).find()] == [raw]

    asyncio.run(story())


def test_a_second_copy_is_marked(tmp_path: Path) -> None:
    async def story() -> None:
        sink = MailSink(Box(tmp_path, now))
        async with running(sink) as port:
            for mail in (a_mail(), a_mail(), a_mail("other words")):
                await aiosmtplib.send(mail, hostname="127.0.0.1", port=port)

    asyncio.run(story())
    found = [(message.repeats, message.identical) for message in Box(tmp_path, now).find()]
    assert found == [(None, False), ("000001", True), ("000001", False)]


def test_it_fails_as_told_and_then_no_more(tmp_path: Path) -> None:
    async def story() -> None:
        box = Box(tmp_path, now)
        sink = MailSink(box)
        async with running(sink) as port:

            async def send(wait: float = 5) -> None:
                await aiosmtplib.send(a_mail(), hostname="127.0.0.1", port=port, timeout=wait)

            sink.faults.append(Answer("451 4.3.0 later"))
            with pytest.raises(aiosmtplib.SMTPDataError, match="later"):
                await send()
            sink.faults.append(RefuseRecipient("550 5.1.1 nobody"))
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await send()
            sink.faults.append(Hang(5))
            with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
                await send(wait=0.2)
            assert box.find() == []
            sink.faults.append(CutAfterData())
            with pytest.raises(aiosmtplib.SMTPServerDisconnected):
                await send()
            await send()
            assert [message.identical for message in box.find()] == [False, True]

    asyncio.run(story())


def test_an_unknown_address_is_refused_every_time_and_uses_up_no_fault(tmp_path: Path) -> None:
    async def story() -> None:
        sink = MailSink(Box(tmp_path, now))
        sink.unknown.append(Unknown("harry@", "550 5.1.1 nobody"))
        sink.faults.append(Answer("451 4.3.0 later"))
        async with running(sink) as port:
            for _ in range(2):
                with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                    await aiosmtplib.send(a_mail(), hostname="127.0.0.1", port=port)
        assert len(sink.faults) == 1

    asyncio.run(story())


def test_it_asks_for_encryption_and_a_name_where_told(tmp_path: Path) -> None:
    async def story() -> None:
        certificate = localhost_certificate(tmp_path)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate.chain, certificate.key)
        sink = MailSink(Box(tmp_path / "box", now), tls=tls, credentials=("vestibule", "secret"))
        trusted = ssl.create_default_context(cafile=str(certificate.chain))
        async with running(sink) as port:

            async def send(password: str, *, encrypted: bool) -> None:
                await aiosmtplib.send(
                    a_mail(),
                    hostname="localhost",
                    port=port,
                    start_tls=encrypted,
                    tls_context=trusted if encrypted else None,
                    username="vestibule" if encrypted else None,
                    password=password if encrypted else None,
                )

            with pytest.raises(aiosmtplib.SMTPException):
                await send("secret", encrypted=False)
            with pytest.raises(aiosmtplib.SMTPAuthenticationError):
                await send("guessed", encrypted=True)
            await send("secret", encrypted=True)
        assert len(sink.box.find()) == 1

    asyncio.run(story())


def test_the_page_shows_a_mail_but_runs_nothing_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        sink = MailSink(Box(tmp_path, now))
        async with running(sink) as port, reading(sink) as page:
            mail = a_mail("<script>subject</script>", html="<script>alert(1)</script><p>Bonjour</p>")
            await aiosmtplib.send(mail, hostname="127.0.0.1", port=port)

            listing = await page.get("/")
            text = await page.get("/messages/000001?view=text")
            html = await page.get("/messages/000001/html")

        assert "&lt;script&gt;subject" in listing.text
        assert "<script>subject" not in listing.text
        assert "Bonjour Harry" in text.text
        policy = html.headers["content-security-policy"]
        assert "sandbox" in policy
        assert "allow-scripts" not in policy
        assert "default-src 'none'" in policy

    asyncio.run(story())


def test_faults_can_be_ordered_over_http(tmp_path: Path) -> None:
    async def story() -> None:
        sink = MailSink(Box(tmp_path, now))
        async with reading(sink) as page:
            ordered = await page.post("/api/faults", json={"answer": "450 4.2.0 busy", "times": 2})
            await page.post("/api/faults", json={"hang": 0.5})
            await page.post("/api/faults", json={"unknown": "nobody@", "line": "550 5.1.1 nobody"})
            senseless = await page.post("/api/faults", json={"explode": True})

        assert ordered.status_code == 201
        assert list(sink.faults) == [*[Answer("450 4.2.0 busy")] * 2, Hang(0.5)]
        assert sink.unknown == [Unknown("nobody@", "550 5.1.1 nobody")]
        assert senseless.status_code == 422

    asyncio.run(story())
