"""The whole registry: importing this module knows every contract."""

from shared.contracts import REGISTRY, Contract, access, domains, identity, notifications, provisioning

MODULES = (access, identity, domains, provisioning, notifications)


def every() -> tuple[Contract, ...]:
    """Every contract, by topic."""
    return tuple(REGISTRY[topic] for topic in sorted(REGISTRY))


def documents_of(service: str) -> list[str]:
    """The compacted topics that a service tells: of each stream the newest event alone counts, however old it is."""
    return [contract.topic for contract in every() if contract.owner == service and contract.compacted]
