"""Which addresses may be asked: public unicast ones alone, so that no zone can turn the checker on our own network."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only part of IPv6 from which IANA gives out addresses; everything else is refused unseen."""
MULTICAST = IPv4Network("224.0.0.0/4")


@cache
def special_purpose() -> tuple[Network, ...]:
    """Every block of IANA's two registries (RFC 6890), "globally reachable" or not: no zone's server lives in one.

    Not `ipaddress.is_global`: it calls 6to4 and NAT64 forms of private addresses global.
    """
    blocks: list[Network] = [MULTICAST]
    for family in ("ipv4", "ipv6"):
        text = files(__package__).joinpath("iana", f"{family}-special-registry.csv").read_text(encoding="utf-8")
        for row in csv.DictReader(text.splitlines(keepends=True)):
            blocks += [ip_network(block.split()[0]) for block in row["Address Block"].split(",")]
    return tuple(blocks)


@dataclass(frozen=True)
class Guard:
    """What a deployment lets the checker ask."""

    allow_loopback: bool = False
    """For the embedded run, whose name servers are on 127.0.0.0/8."""
    denied: tuple[Network, ...] = ()
    """The deployment's own networks, when they use public addresses."""

    @classmethod
    def of(cls, *, allow_loopback: bool, denied: Iterable[str]) -> "Guard":
        """The guard for networks given as text."""
        return cls(allow_loopback, tuple(ip_network(network) for network in denied))

    def lets_pass(self, text: str) -> bool:
        """Whether this address may be asked."""
        address: IPv4Address | IPv6Address = ip_address(text)
        if _lies_in(address, self.denied):
            return False
        if address.is_loopback:
            return self.allow_loopback
        if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
            return False
        return not _lies_in(address, special_purpose())


def _lies_in(address: IPv4Address | IPv6Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
