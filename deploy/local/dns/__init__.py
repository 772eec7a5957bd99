"""The development DNS: authoritative servers from the root down, on loopback addresses of their own."""

from deploy.local.dns.hierarchy import Hierarchy
from deploy.local.dns.server import Datagrams, DnsServer, Fault
from deploy.local.dns.zone import Zone, respond

__all__ = ["Datagrams", "DnsServer", "Fault", "Hierarchy", "Zone", "respond"]
