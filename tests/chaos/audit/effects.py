"""The databases against one another, against what customers were told, and against the online service. Pure."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tests.chaos.audit.evidence import Evidence
from tests.chaos.audit.finding import Finding, Wrong
from tests.chaos.model import Customer, Model

Rows = Sequence[tuple[Any, ...]]


def check_effects(evidence: Evidence, model: Model) -> Iterator[Finding]:
    """Promises 2 and 4, and every fact that was acknowledged."""
    for sentence, row in evidence.contradictions:
        yield Finding(Wrong.DIFFERENT, f"it is not so that {sentence}: {row}")
    yield from _projections(evidence)
    yield from _setups(evidence)
    for customer in model.customers:
        yield from _acknowledged(customer, evidence.tables)


def _projections(evidence: Evidence) -> Iterator[Finding]:
    """What a service has learned of another is what that one holds."""
    tables = evidence.tables
    accounts = set(tables["identity"]["accounts"])
    verified = {claim_id for claim_id, _, state in tables["domains"]["claims"] if state == "verified"}
    wanted = {
        ("domains", "accounts"): accounts,
        ("provisioning", "accounts"): accounts,
        ("notifications", "accounts"): {(account_id, version) for account_id, _, version in accounts},
        ("notifications", "people"): set(tables["identity"]["people"]),
        ("provisioning", "account_domains"): {
            (account_id, claim_id, claim_id in verified) for account_id, claim_id in tables["domains"]["claimed"]
        },
        **{(service, "access"): set(tables["identity"]["subjects"]) for service in tables},
    }
    for (service, table), rows in wanted.items():
        found = set(tables[service][table])
        for row in sorted(map(str, rows - found)):
            yield Finding(Wrong.LOST, f"{service} does not know of {table}: {row}")
        for row in sorted(map(str, found - rows)):
            yield Finding(Wrong.DIFFERENT, f"{service} knows of {table} what is not so: {row}")


def _setups(evidence: Evidence) -> Iterator[Finding]:
    """The online service has set up each line once."""
    ready = Counter(setup["request_id"] for setup in evidence.setups if setup["state"] == "ready")
    asked = {request_id: line_id for line_id, request_id, _ in evidence.tables["provisioning"]["lines"]}
    for request_id, line_id in asked.items():
        if ready[request_id] != 1:
            wrong = Wrong.DOUBLE if ready[request_id] else Wrong.LOST
            yield Finding(wrong, f"the online service has set up line {line_id} {ready[request_id]} times")
    for request_id in ready.keys() - asked.keys():
        yield Finding(Wrong.DOUBLE, f"the online service has set up request {request_id}, which no line made")


def _acknowledged(customer: Customer, tables: Mapping[str, Mapping[str, Rows]]) -> Iterator[Finding]:
    """What the customer was told is so; and, once its story is complete, nothing else."""
    if not customer.complete:
        yield Finding(Wrong.LOST, f"the story of customer {customer.mark} broke off: {customer.trouble}")
    identity, account, organisation = tables["identity"], customer.account_id, customer.organisation_id
    there: dict[str, tuple[Collection[object], Rows]] = {
        "account": ([account] if account else [], [(row[0],) for row in identity["accounts"] if row[0] == account]),
        "invitation": (
            customer.invitations.items(),
            [(one[0], one[2]) for one in identity["invitations"] if one[1] == organisation and not one[2].startswith("harry@")],
        ),
        "person": (customer.people, [(row[1],) for row in identity["people"] if customer.mark in row[1]]),
        "order": (
            customer.orders.items(),
            [(row[0], row[2]) for row in tables["provisioning"]["orders"] if row[1] == account],
        ),
        "seat": (
            customer.seats.items(),
            [(row[0], row[2]) for row in tables["provisioning"]["seats"] if row[1] == account],
        ),
        "proof": (
            [customer.claim_id] if customer.verified else [],
            [(row[0],) for row in tables["domains"]["claims"] if row[1] == organisation and row[2] == "verified"],
        ),
    }
    for what, (told, rows) in there.items():
        yield from _agree(customer, what, told, rows)


def _agree(customer: Customer, what: str, told: Collection[object], rows: Rows) -> Iterator[Finding]:
    found = Counter(row if len(row) > 1 else row[0] for row in rows)
    for fact in told:
        if found[fact] == 0:
            yield Finding(Wrong.LOST, f"customer {customer.mark} was told of {what} {fact}, which is not there")
        elif found[fact] > 1:
            yield Finding(Wrong.DOUBLE, f"customer {customer.mark} has {what} {fact} {found[fact]} times")
    if customer.complete:
        for fact in found.keys() - set(told):
            yield Finding(Wrong.DOUBLE, f"customer {customer.mark} has {what} {fact} and was never told of it")
