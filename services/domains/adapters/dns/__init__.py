"""The checker: asks every authoritative server of a name itself, from the roots down, without resolver or cache."""

from services.domains.adapters.dns.checker import Checker
from services.domains.adapters.dns.guard import Guard
from services.domains.adapters.dns.wire import Limits

__all__ = ["Checker", "Guard", "Limits"]
