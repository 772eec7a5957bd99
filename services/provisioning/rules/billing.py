"""Deciding what a partner shall order and bill: obligations rise with use and fall with the partner's orders (R-23, R-26)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.provisioning.model import Allocation, Entitlement, Holding, Obligation, Order, local_day, term_of
from services.provisioning.rules.facts import edition_fact
from shared.contracts import Actor
from shared.contracts.provisioning import Allocation as AllocationFact
from shared.contracts.provisioning import BillingDue, BillingStep, Quantities
from shared.ids import NewId

Change = tuple[Obligation, BillingStep]


def due_raised(holding: Holding, entitlement: Entitlement, *, now: datetime, new_id: NewId) -> tuple[Change, ...]:
    """What is in use and neither ordered nor due yet becomes due: on the open obligation of this term, or a new one.

    Before the first use nothing is due.
    """
    missing = entitlement.unordered - sum(obligation.due for obligation in holding.obligations)
    if entitlement.first_used_at is None or missing <= 0:
        return ()
    account = holding.account
    term = term_of(account.agreement_starts_on, local_day(now, account.time_zone))
    for obligation in holding.obligations:
        if obligation.term_starts_on == term.starts_on:
            raised = replace(
                obligation,
                version=obligation.version + 1,
                raised=obligation.raised + missing,
                due=obligation.due + missing,
            )
            return ((raised, BillingStep.ADJUSTED),)
    opened = Obligation(
        id=new_id(),
        version=1,
        entitlement_id=entitlement.id,
        organisation_id=account.organisation_id,
        partner_id=account.partner_id,
        opened_at=now,
        term_starts_on=term.starts_on,
        term_ends_on=term.ends_on,
        raised=missing,
        due=missing,
        allocations=(),
    )
    return ((opened, BillingStep.OPENED),)


def due_settled(holding: Holding, entitlement: Entitlement, order: Order) -> tuple[Change, ...]:
    """What the partner's order covers of the open obligations, oldest first."""
    left = sum(obligation.due for obligation in holding.obligations) - entitlement.unordered
    changes: list[Change] = []
    for obligation in sorted(holding.obligations, key=lambda each: (each.term_starts_on, each.opened_at)):
        part = min(left, obligation.due)
        if part <= 0:
            break
        left -= part
        allocation = Allocation(order.id, order.number, order.partner_reference, part)
        settled = replace(
            obligation,
            version=obligation.version + 1,
            due=obligation.due - part,
            allocations=(*obligation.allocations, allocation),
        )
        changes.append((settled, BillingStep.SETTLED))
    return tuple(changes)


def billing_due(
    holding: Holding, entitlement: Entitlement, changes: Iterable[Change], *, now: datetime, actor: Actor
) -> tuple[BillingDue, ...]:
    """The full state of each changed obligation, as the partner reads it."""
    if entitlement.first_used_at is None:
        return ()
    account = holding.account
    return tuple(
        BillingDue(
            version=obligation.version,
            occurred_at=now,
            actor=actor,
            obligation_id=obligation.id,
            step=step,
            open=obligation.due > 0,
            partner_id=obligation.partner_id,
            partner_slug=account.partner_slug,
            organisation_id=account.organisation_id,
            account_id=account.id,
            account_number=account.number,
            account_name=account.name,
            legal_name=account.legal_name,
            country=account.country,
            agreement_number=account.agreement_number,
            entitlement_id=entitlement.id,
            edition=edition_fact(holding.edition),
            quantities=Quantities(
                available=entitlement.available,
                ordered=entitlement.ordered,
                unordered=entitlement.unordered,
                due=obligation.due,
            ),
            term_starts_on=obligation.term_starts_on,
            term_ends_on=obligation.term_ends_on,
            first_used_at=entitlement.first_used_at,
            allocations=tuple(
                AllocationFact(
                    order_id=allocation.order_id,
                    order_number=allocation.order_number,
                    partner_reference=allocation.partner_reference,
                    quantity=allocation.quantity,
                )
                for allocation in obligation.allocations
            ),
            time_zone=account.time_zone,
        )
        for obligation, step in changes
    )
