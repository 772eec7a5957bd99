"""The mail server by SMTP (RFC 5321): connections kept open, and every way a dialogue can go as an `Answer`."""

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from services.notifications.model import Accepted, Answer, Envelope, Fault, PutOff, Refused, Unanswered, Unreachable

STARTTLS: Final = {"never": False, "optional": None, "required": True}
ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
CLOSING: Final = 421
TOO_LARGE: Final = 552
NO_NON_ASCII: Final = Refused(Fault.ADDRESS, 553, "5.6.7")
"""What a server without SMTPUTF8 would answer to such an address (RFC 6531 §3.7.4)."""


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Where and how the mail server is spoken to; `timeout` is seconds for each of the ten answers of a dialogue at most."""

    host: str
    port: int
    starttls: Literal["never", "optional", "required"]
    greets_as: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    connections: int = 4
    timeout: float = 20


class SmtpMailer:
    """Hands mails over on up to `connections` connections at a time, which are kept for the next ones."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._tls = None if relay.starttls == "never" else ssl.create_default_context(cafile=relay.ca_file)
        self._idle: list[SMTP] = []
        self._places = asyncio.Semaphore(relay.connections)

    @property
    def connections(self) -> int:
        return self._relay.connections

    async def send(self, envelope: Envelope) -> Answer:
        async with self._places:
            try:
                client = await self._begun(envelope)
            except UnicodeEncodeError:
                return NO_NON_ASCII
            except SMTPSenderRefused as no:
                return _of_sender(no)
            except (SMTPException, OSError) as fault:  # no connection, TLS or AUTH failed, or it was lost
                return Unreachable(type(fault).__name__)
            answer = await _hand_over(client, envelope)
            await self._keep(client, answer)
            return answer

    async def close(self) -> None:
        """Takes leave of the server on every kept connection."""
        while self._idle:
            client = self._idle.pop()
            try:
                await client.quit(timeout=1)
            except (SMTPException, OSError):
                client.close()

    async def _begun(self, envelope: Envelope) -> SMTP:
        """A connection on which the server takes mail from us; one that lay idle may have been closed meanwhile."""
        while self._idle:
            client = self._idle.pop()
            try:
                await _begin(client, envelope)
            except (SMTPServerDisconnected, SMTPTimeoutError):
                client.close()
            except (SMTPSenderRefused, UnicodeEncodeError) as no:
                if not (isinstance(no, SMTPSenderRefused) and no.code == CLOSING):
                    self._idle.append(client)
                    raise
                client.close()
            else:
                return client
        client = await self._connected()
        try:
            await _begin(client, envelope)
        except (SMTPException, UnicodeEncodeError):
            client.close()
            raise
        return client

    async def _connected(self) -> SMTP:
        relay = self._relay
        client = SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=relay.timeout,
            local_hostname=relay.greets_as,
            start_tls=STARTTLS[relay.starttls],
            tls_context=self._tls,
            username=relay.username,
            password=relay.password,
        )
        await client.connect()
        return client

    async def _keep(self, client: SMTP, answer: Answer) -> None:
        if isinstance(answer, Refused | PutOff) and answer.code != CLOSING:
            try:
                await client.rset()
            except (SMTPException, OSError):
                client.close()
        if client.is_connected and not (isinstance(answer, PutOff) and answer.code == CLOSING):
            self._idle.append(client)
        else:
            client.close()


async def _begin(client: SMTP, envelope: Envelope) -> None:
    if client.is_ehlo_or_helo_needed:
        await client.ehlo()
    options = [f"SIZE={len(envelope.message)}"] if client.supports_extension("size") else []
    encoding = "ascii"
    if not envelope.recipient.isascii() and client.supports_extension("smtputf8"):
        options += ["SMTPUTF8", "BODY=8BITMIME"]
        encoding = "utf-8"
    envelope.recipient.encode(encoding)
    await client.mail(envelope.sender, options=options, encoding=encoding)


async def _hand_over(client: SMTP, envelope: Envelope) -> Answer:
    try:
        await client.rcpt(envelope.recipient, encoding="ascii" if envelope.recipient.isascii() else "utf-8")
    except SMTPRecipientRefused as no:
        return _no(no, Fault.ADDRESS)
    except (SMTPException, OSError) as fault:
        return Unreachable(type(fault).__name__)
    try:
        await client.data(envelope.message)
    except SMTPDataError as no:
        return _no(no, Fault.MESSAGE)
    except (SMTPException, OSError):
        return Unanswered()
    return Accepted()


def _of_sender(no: SMTPSenderRefused) -> Answer:
    """A server that won't take mail from us at all says nothing of this one, unless it is that this one is too large."""
    if no.code == TOO_LARGE or no.code < 500:
        return _no(no, Fault.MESSAGE)
    return Unreachable(f"MAIL refused with {no.code}")


def _no(no: SMTPResponseException, fault: Fault) -> Answer:
    enhanced = ENHANCED.match(no.message)
    status = enhanced.group() if enhanced else None
    if 400 <= no.code < 500:
        return PutOff(no.code, status)
    if 500 <= no.code < 600:
        return Refused(fault, no.code, status)
    return Unreachable(f"answer {no.code}")
