"""Every topic has an owner and a reader; charters say what the code does."""

import ast

import pytest

from shared.contracts.registry import every
from tests.conformance.house import ROOT, SERVICES, service, tree

READ_LATER = {
    "agreement.signed": "the portal's list of agreements",
    "notification.delivered": "identity's and the portal's view of what became of an invitation",
    "notification.failed": "identity's and the portal's view of what became of an invitation",
    "seat.assigned": "identity's gate to the online services, and the portal",
    "seat.released": "identity's gate to the online services, and the portal",
}
"""Topics whose readers come with a later part of the product."""


def heard() -> dict[str, set[str]]:
    return {name: set(service(name).listeners.topics) for name in SERVICES}


def charter(name: str, line: str) -> set[str]:
    """The topics on one line of a charter; a line may go on, indented."""
    text = ast.get_docstring(tree(ROOT / "services" / name / "__init__.py")) or ""
    said = text.split(f"\n{line}:", 1)[1].replace("\n    ", " ").replace("\\\n", " ").splitlines()[0]
    return {topic.strip(" .") for topic in said.split(",")} - {"nothing"}


def test_every_topic_is_told_by_a_service_and_heard_by_another() -> None:
    readers = set().union(*heard().values())
    assert {contract.owner for contract in every()} <= set(SERVICES)
    assert {contract.topic for contract in every()} - readers == set(READ_LATER)


def test_nobody_hears_what_is_not_told() -> None:
    topics = {contract.topic for contract in every()}
    assert set().union(*heard().values()) <= topics


@pytest.mark.parametrize("name", SERVICES)
def test_a_charter_says_what_is_told_and_heard(name: str) -> None:
    assert charter(name, "Tells") == {contract.topic for contract in every() if contract.owner == name}
    assert charter(name, "Hears") == heard()[name]
    assert charter(name, "Owns")


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "identity"])
def test_every_service_keeps_its_own_copy_of_rights(name: str) -> None:
    assert "identity.access" in heard()[name]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "identity"])
def test_a_services_group_is_its_name(name: str) -> None:
    assert service(name).listeners.group == name
