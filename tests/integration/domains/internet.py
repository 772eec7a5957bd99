"""A small Internet on loopback for the checker: a root, one top-level domain, and zones as a test needs them."""

import itertools
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import dns.message
import dns.name

from deploy.local.dns import DnsServer, Zone
from services.domains import rules
from services.domains.adapters.dns import Checker, Guard, Limits
from services.domains.model import Question, Report, Sighting
from shared.ids import new_token
from tests.unit.domains.makers import CHALLENGE, TOKEN

ROOT, TOP, ONE, TWO, THREE, HOST, DENIED = (f"127.0.56.{number}" for number in range(1, 8))
ADDRESSES = (ROOT, TOP, ONE, TWO, THREE, HOST, DENIED)

RECORD = f"{CHALLENGE.label}.contoso.com"
VALUE = f'"token={TOKEN} scope=domain expiry=never"'
QUICK = Limits(seconds=2.0, udp_seconds=0.2)


class Internet:
    """What there is, and a checker that begins at its root."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.zones: dict[str, list[Zone]] = {address: [] for address in ADDRESSES}
        self.server = DnsServer(self.zones)
        self.root = self.zone(".", {"ns.root": ROOT})
        self.top = self.zone("com", {"ns.com": TOP}, parent=self.root)

    def zone(self, name: str, servers: Mapping[str, str], *, parent: Zone | None = None, glue: bool = True) -> Zone:
        """A zone on these servers, delegated to from its parent (`com` unless said otherwise; the root has none)."""
        zone = bare_zone(name)
        for server, address in servers.items():
            zone.add_text(name, "NS", f"{server}.")
            if dns.name.from_text(server).is_subdomain(zone.origin):
                zone.add_text(server, "A", address)
            self.zones[address].append(zone)
        if name != ".":
            delegate(parent or self.top, name, servers, glue=glue)
        return zone

    def contoso(self, servers: Mapping[str, str] | None = None) -> Zone:
        """contoso.com on two servers."""
        return self.zone("contoso.com", servers or {"ns1.contoso.com": ONE, "ns2.contoso.com": TWO})

    def checker(self, *, limits: Limits = QUICK) -> Checker:
        """A checker that may ask everybody here but `DENIED`."""
        guard = Guard.of(allow_loopback=True, denied=[f"{DENIED}/32"])
        return Checker(roots=[ROOT], port=self.port, guard=guard, new_token=new_token, limits=limits)

    async def sees(self, question: Question | None = None, *, limits: Limits = QUICK) -> Sighting:
        """One look for contoso.com's proof."""
        return await self.checker(limits=limits).look(question or rules.question(CHALLENGE, "contoso.com", new_token()))

    async def judges(self, *, limits: Limits = QUICK) -> Report:
        """What that look means."""
        return rules.judge(await self.sees(limits=limits), token=TOKEN, older=("older",))

    def asked(self, address: str) -> list[dns.message.Message]:
        """The questions that an address was asked."""
        return [query for asked, query in self.server.asked if asked == address]


def bare_zone(name: str) -> Zone:
    """A zone with nothing but its SOA."""
    zone = Zone(dns.name.from_text(name))
    zone.add_text(name, "SOA", "ns.invalid. hostmaster.invalid. 1 3600 600 86400 30")
    return zone


def delegate(parent: Zone, name: str, servers: Mapping[str, str], *, glue: bool = True) -> None:
    """Lets the parent refer to these servers."""
    for server, address in servers.items():
        parent.add_text(name, "NS", f"{server}.")
        if glue:
            parent.add_text(server, "A", address)


@asynccontextmanager
async def running_internet() -> AsyncIterator[Internet]:
    """An Internet at a port that is free at all its addresses."""
    internet = Internet(free_port(ADDRESSES))
    await internet.server.start(internet.port)
    try:
        yield internet
    finally:
        await internet.server.stop()


def free_port(addresses: tuple[str, ...]) -> int:
    """A port at which nobody listens on any of the addresses."""
    for _ in itertools.repeat(None, 50):
        with socket.socket() as probe:
            probe.bind((addresses[0], 0))
            port: int = probe.getsockname()[1]
        if all(_is_free(address, port) for address in addresses):
            return port
    raise OSError("no port is free at all addresses")


def _is_free(address: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
