"""The whole registry: importing this module knows every contract."""

from shared.contracts import REGISTRY, Contract, access, domains, identity, notifications, provisioning

MODULES = (access, identity, domains, provisioning, notifications)


def every() -> tuple[Contract, ...]:
    """Every contract, by topic."""
    return tuple(REGISTRY[topic] for topic in sorted(REGISTRY))
