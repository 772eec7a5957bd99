"""Where the story plays: the addresses, the mailbox, the topics and the DNS of one Vestibule."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import httpx

from deploy.local.tour.journal import Record
from deploy.local.tour.mail import Mail
from deploy.local.tour.narrator import Difference, Narrator
from deploy.local.tour.visitor import Api, Json


class Topics(Protocol):
    """What stands on the topics."""

    def __len__(self) -> int: ...

    async def find(self, topic: str, where: Callable[[dict[str, Any]], bool], *, since: int = 0) -> Record:
        """The first record of the topic that fits, waiting for it if need be."""
        ...


class Letters(Protocol):
    """What lies in the mailbox."""

    async def arrivals(self, to: str) -> list[tuple[str, datetime]]:
        """Subject and time of arrival of each mail to this address."""
        ...

    async def wait_for(self, to: str, *, subject: str) -> Mail:
        """The newest mail to this address whose subject contains these words, waiting for it if need be."""
        ...


class Zone(Protocol):
    """The DNS panel of the domain's administrator."""

    async def add(self, name: str, kind: str, value: str) -> None: ...

    async def remove(self, name: str, kind: str) -> None: ...


@dataclass(frozen=True)
class Enrolment:
    """What enrolling a partner gave: its machine's credentials and, where there is a broker, its user there."""

    partner_id: str
    client_id: str
    client_secret: str
    kafka_username: str = ""
    kafka_password: str = ""


@dataclass(frozen=True)
class Stage:
    """One Vestibule and the means to act on it and to look at what comes out."""

    http: httpx.AsyncClient
    urls: Mapping[str, str]
    vendor: Api
    web_client: tuple[str, str]
    browser: Callable[[], httpx.AsyncClient]
    topics: Topics
    letters: Letters
    zone: Zone
    enrol: Callable[[Json], Awaitable[Enrolment]]
    says: Narrator
    a_moment: Callable[[], Awaitable[None]]
    """Lets what goes on in the background go on."""
    until: Callable[[Callable[[], Awaitable[bool]]], Awaitable[float]]
    """Waits until it is so; how many seconds it took."""

    def url(self, service: str, path: str) -> str:
        """An address of a service."""
        return f"{self.urls[service]}{path}"


def _mark() -> str:
    return secrets.token_hex(3)


@dataclass
class Contoso:
    """The story's customer, and what is learned of it on the way. Its numbers are new in each telling."""

    mark: str = field(default_factory=_mark)
    starts_on: date = date(2026, 3, 1)
    partner: Enrolment | None = None
    agreement_id: str = ""
    organisation_id: str = ""
    account_id: str = ""
    second_account_id: str = ""
    harry_id: str = ""
    nora_id: str = ""
    order: Json = field(default_factory=dict)
    entitlements: dict[str, str] = field(default_factory=dict)
    claim_id: str = ""
    harry_password: str = "trois portes et un jardin"  # noqa: S105 - of nobody
    nora_password: str = "a blue bicycle in the rain"  # noqa: S105 - of nobody

    @property
    def domain(self) -> str:
        return f"contoso-{self.mark}.com"

    @property
    def harry(self) -> str:
        return f"harry@{self.domain}"

    @property
    def nora(self) -> str:
        return f"nora@{self.domain}"

    @property
    def slug(self) -> str:
        return f"adatum-{self.mark}"

    @property
    def credentials(self) -> tuple[str, str]:
        """Id and secret of the partner's machine client."""
        if self.partner is None:
            raise Difference("nobody was enrolled")
        return self.partner.client_id, self.partner.client_secret

    @property
    def billing(self) -> str:
        return f"billing@{self.slug}.example"

    @property
    def agreement_number(self) -> str:
        return f"MPSA-{self.mark.upper()}"
