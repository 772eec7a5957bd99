"""Notifications' wiring: settings become ports."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from services.notifications import api
from services.notifications.adapters.safe import AesSafe
from services.notifications.adapters.smtp import Relay, SmtpMailer
from services.notifications.jobs import JOBS
from services.notifications.listeners import LISTENERS
from services.notifications.ports import NetworkPorts, Ports
from services.notifications.settings import NotificationsSettings
from services.notifications.templates import Addresses, Sender, Writer
from shared import sealing
from shared.service import Base, Service
from shared.settings import key_bytes


@asynccontextmanager
async def open_ports(settings: NotificationsSettings, base: Base) -> AsyncIterator[NetworkPorts]:
    """What commands may use, for as long as the process lives."""
    keys = sealing.private_keys(settings.sealing_private_keys.get_secret_value())
    sender = Sender(
        address=settings.mail_from,
        name=settings.mail_from_name,
        legal=settings.mail_legal,
        language=settings.mail_language,
    )
    mailer = SmtpMailer(
        Relay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            starttls=settings.smtp_starttls,
            greets_as=settings.mail_from.domain,
            username=settings.smtp_username,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            ca_file=settings.smtp_ca_file,
            connections=settings.smtp_connections,
            timeout=settings.smtp_timeout,
        )
    )
    try:
        yield NetworkPorts(
            db=base.db,
            now=base.now,
            unseal=partial(sealing.open_sealed, keys),
            courier=base.new_id(),
            write=Writer(sender, Addresses(settings.links_url, settings.portal_url)),
            safe=AesSafe(key_bytes(settings.mail_key), base.new_token),
            mailer=mailer,
        )
    finally:
        await mailer.close()


SERVICE: Service[NotificationsSettings, NetworkPorts, Ports] = Service(
    name="notifications",
    settings=NotificationsSettings,
    ports=open_ports,
    routers=(api.router,),
    listeners=LISTENERS,
    jobs=JOBS,
)
