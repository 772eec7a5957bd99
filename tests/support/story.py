"""The story's world: every service in this process, and the stage on which the guides' steps are played."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import anyio
from pydantic import SecretStr

from deploy.local.tour import ordering, registration
from deploy.local.tour.journal import Record, having
from deploy.local.tour.mail import Mail, NoMail
from deploy.local.tour.narrator import Narrator
from deploy.local.tour.stage import Contoso, Enrolment, Stage
from deploy.local.tour.visitor import Api, Json, machine
from services.domains.app import SERVICE as DOMAINS
from services.identity import commands as identity
from services.identity.app import SERVICE as IDENTITY
from services.notifications.app import SERVICE as NOTIFICATIONS
from services.provisioning.app import DRIVER
from services.provisioning.app import SERVICE as PROVISIONING
from shared import sealing
from shared.migrate import migrate
from shared.service import AnyService
from tests.support.clock import HandClock
from tests.support.dns import FakeDns
from tests.support.mail import PlayedMailer
from tests.support.online import FakeOnlineService
from tests.support.servers import Databases
from tests.support.world import World

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
PRIVATE, PUBLIC = sealing.new_key_pair()
REDIRECT_URI = "http://portal.test/back"
MEMBERS = (IDENTITY, DOMAINS, PROVISIONING, NOTIFICATIONS)


@dataclass(frozen=True)
class Story:
    """A world, what is played in it, and the stage that the steps act on."""

    world: World
    dns: FakeDns
    online: FakeOnlineService
    mailer: PlayedMailer
    stage: Stage
    contoso: Contoso

    def told(self, topic: str, **fields: object) -> list[Record]:
        """What was told on a topic with these values."""
        return [record for record in self.world.told.of(topic) if having(**fields)(record.data)]

    async def onboarded(self) -> tuple[Api, Api]:
        """Steps 0 to 4: there is a catalogue, and Harry and Nora are signed in."""
        await ordering.register_catalogue(self.stage)
        return await onboard(self.stage, self.contoso)


async def onboard(stage: Stage, contoso: Contoso) -> tuple[Api, Api]:
    """A customer from its agreement to two people who are signed in: its administrator and an account manager."""
    await registration.sign_agreement(stage, contoso)
    await registration.accept_invitation(stage, contoso)
    harry = await registration.sign_in(stage, contoso)
    return harry, await registration.invite_colleague(stage, contoso, harry)


class Zone:
    """The domain administrator's DNS panel."""

    def __init__(self, dns: FakeDns) -> None:
        self._dns = dns

    async def add(self, name: str, _kind: str, value: str) -> None:
        self._dns.publish(name, value)

    async def remove(self, name: str, _kind: str) -> None:
        self._dns.withdraw(name)


class Letters:
    """The mails that came out of the world."""

    def __init__(self, world: World, mailer: PlayedMailer) -> None:
        self._world = world
        self._mailer = mailer

    async def arrivals(self, to: str) -> list[tuple[str, datetime]]:
        await self._world.settle()
        return [(mail["subject"], mail["date"].datetime) for mail in self._mailer.inbox(to)]

    async def wait_for(self, to: str, *, subject: str) -> Mail:
        await self._world.settle()
        fitting = [mail for mail in self._mailer.inbox(to) if subject in mail["subject"]]
        if not fitting:
            raise NoMail(f"«{subject}» to {to}; there: {[mail['subject'] for mail in self._mailer.inbox(to)]}")
        mail = fitting[-1]
        text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
        assert text is not None
        assert html is not None
        return Mail(mail["message-id"], to, mail["subject"], text.get_content(), html.get_content())


SETTINGS: dict[str, dict[str, Any]] = {
    "identity": {"sealing_public_key": PUBLIC, "signing_key_encryption_key": KEY},
    "domains": {"sealing_public_key": PUBLIC, "challenge_key": KEY},
    "provisioning": {"driver_url": "http://online.test", "driver_secret": KEY, "public_url": "http://provisioning.test"},
    "notifications": {
        "sealing_private_keys": PRIVATE,
        "mail_key": KEY,
        "smtp_host": "mail.test",
        "smtp_starttls": "never",
        "mail_from": "no-reply@vestibule.example",
        "mail_from_name": "Vestibule",
        "links_url": "http://identity.test",
    },
}


def _settings(service: AnyService, postgres: Databases) -> Any:
    url = postgres.prepared_database(service.name, lambda url: anyio.run(_migrated, service.name, url))
    return service.settings(
        database_url=SecretStr(url),
        kafka_bootstrap="nowhere:1",
        kafka_username=service.name,
        kafka_password=SecretStr("none"),
        issuer="http://identity.test",
        **SETTINGS[service.name],
    )


async def _migrated(name: str, url: str) -> None:
    await migrate(name, url)


def fresh_settings(postgres: Databases) -> dict[str, Any]:
    """The settings of each service, each on a fresh database; not to be called within an event loop."""
    return {service.name: _settings(service, postgres) for service in MEMBERS}


@asynccontextmanager
async def playing(settings: dict[str, Any]) -> AsyncIterator[Story]:
    """A world on these settings for the time of the block."""
    clock = HandClock()
    world, dns, online, mailer = World(clock), FakeDns(), FakeOnlineService(clock), PlayedMailer()
    played: dict[str, Callable[[Any], Any]] = {
        "identity": lambda ports: ports,
        "domains": lambda ports: replace(ports, dns=dns),
        "provisioning": lambda ports: replace(ports, drivers={DRIVER: online}),
        "notifications": lambda ports: replace(ports, mailer=mailer),
    }
    async with AsyncExitStack() as stack:
        for service in MEMBERS:
            await stack.enter_async_context(world.joined_by(service, settings[service.name], played[service.name]))
        http = await stack.enter_async_context(world.client())
        ports = world.members["identity"].ports
        vendor = await identity.bootstrap(ports, replace_secret=False)
        portal = await identity.add_client(ports, "portal", (REDIRECT_URI,))
        await world.settle()
        back_office = await machine(http, world.url("identity"), str(vendor.client_id), vendor.secret or "")

        async def enrol(draft: Json) -> Enrolment:
            made = await back_office.create(f"{world.url('identity')}/v1/partners", draft)
            return Enrolment(made["id"], made["client_id"], made["client_secret"])

        stage = Stage(
            http=http,
            urls={name: world.url(name) for name in world.members},
            vendor=back_office,
            web_client=(str(portal.id), REDIRECT_URI),
            browser=world.client,
            topics=world.told,
            letters=Letters(world, mailer),
            zone=Zone(dns),
            enrol=enrol,
            says=Narrator(),
            a_moment=world.a_moment,
            until=world.until,
        )
        yield Story(world, dns, online, mailer, stage, Contoso())
