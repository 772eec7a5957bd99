"""Parts that you bring yourself (`--kafka`, `--db`, `--smtp`, `--dns`): asked before anything is built on them.

What does not answer, or not to us, is refused in a sentence that names the option.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from deploy.local.databases import Databases, SqlFailed
from deploy.local.environment import PREFIX, KafkaAccess
from deploy.local.kafka import ANSWERS
from deploy.local.processes import DidNotStart, run
from shared.bus.login import Security

PATIENCE = 5.0
TOO_OLD = "select current_setting('server_version') where current_setting('server_version_num')::integer < 170000;"
"""Before 17 no server could end a transaction that takes too long."""

MAY_MAKE = "select rolsuper or (rolcreatedb and rolcreaterole) from pg_roles where rolname = current_user;"
NAME_SERVERS_OF_THE_ROOT = bytes.fromhex("5653 0000 0001 0000 0000 0000 00 0002 0001")
"""A DNS query (RFC 1035 §4.1): number, no flags, one question, which is `. NS IN`."""
OPTIONS = {"kafka": "--kafka", "db": "--db", "smtp": "--smtp", "dns": "--dns"}


class Unusable(Exception):
    """What was given does not say enough, or something else than can be; the message says what."""


def kafka_access(bootstrap: str, environment: Mapping[str, str], *, asked_by: str) -> KafkaAccess:
    """A Kafka, and from the environment who its operator is; refuses to go without, naming what was `asked_by`."""
    try:
        username, password = (environment[f"{PREFIX}KAFKA_OPERATOR_{name}"] for name in ("USERNAME", "PASSWORD"))
    except KeyError as missing:
        raise Unusable(f"{asked_by} needs {missing.args[0]} in the environment") from None
    given = environment.get(f"{PREFIX}KAFKA_SECURITY", "SASL_SSL")
    security: Security | None = next((one for one in get_args(Security) if one == given), None)
    if security is None:
        raise Unusable(f"{PREFIX}KAFKA_SECURITY is {' or '.join(get_args(Security))}, not {given}: everybody signs in there")
    return KafkaAccess(bootstrap, security, username, password, environment.get(f"{PREFIX}KAFKA_CA_FILE"))


async def check(
    *,
    kafka: KafkaAccess | None = None,
    db: str | None = None,
    smtp: tuple[str, int] | None = None,
    dns: tuple[str, int] | None = None,
    called: Mapping[str, str] = OPTIONS,
) -> None:
    """Asks all that are given; refuses with a sentence for each that will not do, by what it was `called`."""
    asked = [
        *([_kafka_refusal(called["kafka"], kafka)] if kafka else []),
        *([_db_refusal(called["db"], db)] if db else []),
        *([_smtp_refusal(called["smtp"], *smtp)] if smtp else []),
        *([_dns_refusal(called["dns"], *dns)] if dns else []),
    ]
    if refusals := [why for why in await asyncio.gather(*asked) if why]:
        raise DidNotStart("\n".join(refusals))


async def _kafka_refusal(called: str, access: KafkaAccess) -> str | None:
    """Why a Kafka will not do: it does not let its operator in."""
    client = {"KAFKA_CLIENT": json.dumps(access.client_settings())}
    try:
        await run([sys.executable, "-P", ANSWERS, "0"], env={**os.environ, **client})
    except DidNotStart as failure:
        why = str(failure).strip().rpartition("\n")[2]
        return f"{called} {access.bootstrap}, as {access.username} by {access.security}: {why}"
    return None


async def _db_refusal(called: str, url: str) -> str | None:
    """Why a PostgreSQL will not do: it does not let us in, or not make roles and databases, or is of long ago."""
    place = urlsplit(url)
    if place.scheme not in {"postgresql", "postgres"} or not place.hostname:
        return f"{called}: a URL is needed, such as postgresql://user:password@host:5432/postgres"
    who = f"{called} on {place.hostname}:{place.port or 5432}, as {place.username}"
    try:
        server = Databases(url, Path(os.devnull))
        old = await asyncio.to_thread(server.sql, TOO_OLD)
        may = await asyncio.to_thread(server.sql, MAY_MAKE)
    except SqlFailed as failure:
        why = str(failure).strip().removeprefix("psql: error: ").replace("\n", " ")
        return f"{who}: {why}"
    if old:
        return f"{who}: is PostgreSQL {old}; it has to be 17 or newer"
    return None if may == "t" else f"{who}: may not make roles and databases (alter role … createrole createdb)"


async def _smtp_refusal(called: str, host: str, port: int) -> str | None:
    """Why an address will not do: no mail server greets there (RFC 5321 §4.2)."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            greeting = await reader.readline()
            writer.close()
    except (OSError, TimeoutError) as fault:
        return f"{called} {host}:{port}: {_said(fault)}"
    return None if greeting.startswith(b"220") else f"{called} {host}:{port}: no mail server answers there"


async def _dns_refusal(called: str, host: str, port: int) -> str | None:
    """Why an address will not do: no name server answers there about the root."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()
    try:
        async with asyncio.timeout(PATIENCE):
            transport, _ = await loop.create_datagram_endpoint(lambda: _Question(answered), remote_addr=(host, port))
            try:
                await answered
            finally:
                transport.close()
    except (OSError, TimeoutError) as fault:
        return f"{called} {host}:{port}: {_said(fault)}"
    return None


def smtp_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """How your mail server is spoken to, from the variables that notifications has for it; without them, in clear."""
    names = ("SMTP_STARTTLS", "SMTP_USERNAME", "SMTP_PASSWORD", "SMTP_CA_FILE", "MAIL_FROM")
    return {name: environment[PREFIX + name] for name in names if PREFIX + name in environment}


class _Question(asyncio.DatagramProtocol):
    """Asks once; any answer will do."""

    def __init__(self, answered: asyncio.Future[None]) -> None:
        self._answered = answered

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        transport.sendto(NAME_SERVERS_OF_THE_ROOT)

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002
        if not self._answered.done():
            self._answered.set_result(None)

    def error_received(self, exc: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc)


def _said(fault: OSError | TimeoutError) -> str:
    """A fault of the network in words."""
    return "nobody answers" if isinstance(fault, TimeoutError | ConnectionRefusedError) else str(fault)
