"""The SMTP server of the mailbox, which can be told to fail."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from deploy.local.mailbox.box import Box


@dataclass(frozen=True)
class RefuseRecipient:
    """RCPT TO is answered with this line, for example `550 5.1.1 no such user`."""

    line: str


@dataclass(frozen=True)
class Answer:
    """The mail is not kept and DATA is answered with this line, for example `451 4.3.0 try again later`."""

    line: str


@dataclass(frozen=True)
class CutAfterData:
    """The mail is kept and the connection cut before the answer: the sender cannot know."""


@dataclass(frozen=True)
class Hang:
    """The mail is not kept and nothing is answered for so many seconds."""

    seconds: float


Fault = RefuseRecipient | Answer | CutAfterData | Hang


@dataclass(frozen=True)
class Unknown:
    """Addresses that begin so are refused with this line, every time."""

    beginning: str
    line: str


class MailSink:
    """Listens on loopback and puts mails into a box. `faults` are used up one by one, each by the next mail.

    With `tls`, STARTTLS is offered and asked for; with `credentials` (name, password), so is AUTH.
    """

    def __init__(self, box: Box, *, tls: ssl.SSLContext | None = None, credentials: tuple[str, str] | None = None) -> None:
        self.box = box
        self.faults: deque[Fault] = deque()
        self.unknown: list[Unknown] = []
        self._tls = tls
        self._credentials = credentials
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> int:
        """Begins to listen on 127.0.0.1 and answers the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._dialogue, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stops listening."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def _dialogue(self) -> SMTP:
        return SMTP(
            self,
            hostname="mailbox.localhost",
            ident="Vestibule mailbox",
            enable_SMTPUTF8=True,
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            authenticator=self._sign_in if self._credentials else None,
            auth_required=self._credentials is not None,
            auth_require_tls=self._tls is not None,
            loop=asyncio.get_running_loop(),
        )

    def _sign_in(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self._credentials
        return AuthResult(success=known, handled=False)

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes every recipient that is not unknown, or as the next fault says."""
        for unknown in self.unknown:
            if address.startswith(unknown.beginning):
                return unknown.line
        if self.faults and isinstance(fault := self.faults[0], RefuseRecipient):
            self.faults.popleft()
            return fault.line
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 taken"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        """Keeps the mail, or as the next fault says."""
        match self.faults.popleft() if self.faults else None:
            case Answer(line) | RefuseRecipient(line):
                return line
            case Hang(seconds):
                await asyncio.sleep(seconds)
                return "451 4.4.2 too late"
            case CutAfterData():
                self._keep(envelope)
                if isinstance(server.transport, asyncio.WriteTransport):
                    server.transport.abort()
                return "250 2.0.0 said to nobody"
            case None:
                kept = self._keep(envelope)
                return f"250 2.0.0 kept as {kept}"

    def _keep(self, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        return self.box.add(envelope.mail_from or "", envelope.rcpt_tos, content).envelope.id
