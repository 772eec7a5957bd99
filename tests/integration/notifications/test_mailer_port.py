"""The mail server as a port: the played one and the real one over SMTP keep to the same."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.local.mailbox import Answer as SaysToData
from deploy.local.mailbox import Box, CutAfterData, Hang, MailSink, RefuseRecipient
from deploy.local.mailbox import Fault as SinkFault
from services.notifications.adapters.smtp import Relay, SmtpMailer
from services.notifications.model import (
    Accepted,
    Answer,
    Envelope,
    Fault,
    PutOff,
    Refused,
    State,
    Unanswered,
    Unreachable,
)
from services.notifications.ports import Mailer
from shared import clock
from tests.integration.notifications.house import House, sealed
from tests.support.certificates import localhost_certificate
from tests.support.mail import PlayedMailer
from tests.unit.notifications.samples import INVITATION, SAMPLES

pytestmark = pytest.mark.anyio

MAIL: Final = SAMPLES["e1-invitation"].mail("fr")

# What the server does to the next mail, and the answer that must come of it.
FAULTS: Final[dict[str, tuple[SinkFault, Answer]]] = {
    "closing": (RefuseRecipient("421 4.3.2 closing"), PutOff(421, "4.3.2")),
    "greylisted": (RefuseRecipient("450 4.7.1 try again in 300 seconds"), PutOff(450, "4.7.1")),
    "no such user": (RefuseRecipient("550 5.1.1 no such user"), Refused(Fault.ADDRESS, 550, "5.1.1")),
    "no such user, said shortly": (RefuseRecipient("550 unknown"), Refused(Fault.ADDRESS, 550, None)),
    "we are not liked": (RefuseRecipient("550 5.7.1 policy"), Refused(Fault.ADDRESS, 550, "5.7.1")),
    "try later": (SaysToData("451 4.3.0 later"), PutOff(451, "4.3.0")),
    "mailbox full": (SaysToData("552 5.2.2 full"), Refused(Fault.MESSAGE, 552, "5.2.2")),
    "content not liked": (SaysToData("554 no"), Refused(Fault.MESSAGE, 554, None)),
    "cut after the final dot": (CutAfterData(), Unanswered()),
    "silence": (Hang(30), Unanswered()),
}


@dataclass
class Server:
    """A mail server and a client of it, real or played."""

    mailer: Mailer
    will: Callable[[SinkFault, Answer], None]
    arrived: Callable[[], list[bytes]]


@asynccontextmanager
async def played(_: Path) -> AsyncIterator[Server]:
    mailer = PlayedMailer()
    yield Server(mailer, lambda _, answer: mailer.answers.append(answer), lambda: [mail.message for mail in mailer.arrived])


@asynccontextmanager
async def real(folder: Path, relay: dict[str, Any] | None = None, **sink: Any) -> AsyncIterator[Server]:
    box = Box(folder / "box", clock.now)
    server = MailSink(box, **sink)
    port = await server.start()
    settings = Relay(host="127.0.0.1", port=port, starttls="never", greets_as="vendor.example", connections=2, timeout=1)
    mailer = SmtpMailer(replace(settings, **(relay or {})))
    try:
        yield Server(mailer, lambda fault, _: server.faults.append(fault), lambda: [mail.raw for mail in box.find()])
    finally:
        await mailer.close()
        await server.stop()


@pytest.fixture(params=[played, real], ids=["played", "real"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    async with request.param(tmp_path) as server:
        yield server


async def test_what_is_accepted_arrives_byte_for_byte(server: Server) -> None:
    for sample in SAMPLES.values():
        assert await server.mailer.send(sample.mail("fr")) == Accepted()
    assert sorted(server.arrived()) == sorted(sample.mail("fr").message for sample in SAMPLES.values())


@pytest.mark.parametrize(("fault", "answer"), FAULTS.values(), ids=FAULTS)
async def test_every_fault_has_its_answer_and_the_next_mail_goes(server: Server, fault: SinkFault, answer: Answer) -> None:
    server.will(fault, answer)
    assert await server.mailer.send(MAIL) == answer
    assert await server.mailer.send(MAIL) == Accepted()
    assert set(server.arrived()) == {MAIL.message}


async def test_many_mails_at_a_time_all_arrive(server: Server) -> None:
    mails = [sample.mail(language) for sample in SAMPLES.values() for language in ("fr", "en")]
    assert set(await asyncio.gather(*(server.mailer.send(mail) for mail in mails))) == {Accepted()}
    assert len(server.arrived()) == len(mails)


async def test_a_kept_connection_that_the_server_closed_is_replaced(tmp_path: Path) -> None:
    async with real(tmp_path) as server:
        assert await server.mailer.send(MAIL) == Accepted()
        [kept] = server.mailer._idle  # type: ignore[attr-defined]
        kept.transport.abort()
        assert await server.mailer.send(MAIL) == Accepted()
        assert len(server.arrived()) == 2


async def test_connections_are_kept(tmp_path: Path) -> None:
    async with real(tmp_path) as server:
        for _ in range(5):
            await server.mailer.send(MAIL)
        assert len(server.mailer._idle) == 1  # type: ignore[attr-defined]


async def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        mailer = SmtpMailer(Relay(host="127.0.0.1", port=taken.getsockname()[1], starttls="never", greets_as="vendor.example"))
        assert isinstance(await mailer.send(MAIL), Unreachable)


async def test_an_address_that_is_not_ascii_is_sent_where_it_is_understood(tmp_path: Path) -> None:
    async with real(tmp_path) as server:
        mail = Envelope("vestibule@vendor.example", "hélène@contoso.com", "To: hélène@contoso.com\r\n\r\nhello\r\n".encode())
        assert await server.mailer.send(mail) == Accepted()
        assert server.arrived() == [mail.message]


async def test_with_encryption_and_a_password(tmp_path: Path) -> None:
    certificate = localhost_certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate.chain, certificate.key)
    good = {"starttls": "required", "username": "vestibule", "password": "pass", "ca_file": certificate.chain}
    sink = {"tls": tls, "credentials": ("vestibule", "pass")}
    async with real(tmp_path, good, **sink) as server:
        assert await server.mailer.send(MAIL) == Accepted()
    async with real(tmp_path, {**good, "password": "other"}, **sink) as server:
        assert await server.mailer.send(MAIL) == Unreachable("SMTPAuthenticationError")
    async with real(tmp_path, {**good, "ca_file": None}, **sink) as server:
        assert isinstance(await server.mailer.send(MAIL), Unreachable)
    async with real(tmp_path, good) as server:
        assert isinstance(await server.mailer.send(MAIL), Unreachable), "a server without STARTTLS gets nothing"
    async with real(tmp_path, {"starttls": "optional"}) as server:
        assert await server.mailer.send(MAIL) == Accepted()


@pytest.mark.parametrize(("fault", "answer"), FAULTS.values(), ids=FAULTS)
async def test_from_an_invitation_to_the_mailbox_through_every_fault(
    house: House, tmp_path: Path, fault: SinkFault, answer: Answer
) -> None:
    async with real(tmp_path) as server:
        house = house.with_mailer(server.mailer)
        server.will(fault, answer)
        event_id = await house.hear(sealed(INVITATION))
        await house.work()
        refused = isinstance(answer, Refused)
        assert (await house.mail(event_id)).state is (State.FAILED if refused else State.DEFERRED)
        await house.passes(minutes=1)
        assert (await house.mail(event_id)).state is (State.FAILED if refused else State.DELIVERED)
        assert len(server.arrived()) == (0 if refused else 2 if isinstance(fault, CutAfterData) else 1)
        assert len(set(server.arrived())) <= 1
