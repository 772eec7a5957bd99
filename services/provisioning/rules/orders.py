"""Deciding orders: what a customer sets up itself, and what its partner orders for it."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from uuid import UUID

from services.provisioning.model import (
    Account,
    Channel,
    Draft,
    Edition,
    Entitlement,
    EntryKind,
    Holding,
    Line,
    LineState,
    Order,
    Placement,
    Posting,
    Wanted,
    local_day,
    order_number,
    term_of,
)
from services.provisioning.rules.billing import billing_due, due_settled
from services.provisioning.rules.facts import edition_fact
from services.provisioning.rules.ledger import post
from services.provisioning.rules.refusals import (
    EditionTwice,
    EditionWithdrawn,
    NotAFullLot,
    NotSelfService,
    TooFew,
    TooMany,
    UnknownEdition,
)
from shared.contracts import Actor
from shared.contracts.provisioning import BillingDue, OrderLine, OrderPlaced
from shared.contracts.provisioning import Channel as ChannelFact
from shared.decision import Decision
from shared.ids import NewId
from shared.journey import Journey


def place_order(
    draft: Draft,
    account: Account,
    editions: Mapping[str, Edition],
    entitlements: Mapping[UUID, UUID],
    *,
    domain_verified: bool,
    by: Actor,
    now: datetime,
    ready_by: datetime,
    journey: Journey,
    new_id: NewId,
) -> Decision[Placement]:
    """The customer's own order (R-19, R-20); `entitlements` are the account's, by edition.

    Refuses `UnknownEdition`, `EditionTwice`, `EditionWithdrawn`, `NotSelfService`, `TooFew`, `TooMany` and `NotAFullLot`.
    """
    order_id = new_id()
    renews_on = _renews_on(account, now)
    lines: list[Line] = []
    begun: list[Posting] = []
    for wanted, edition in _known(draft, editions):
        _refuse_unless_self_service(wanted, edition)
        entitlement_id = entitlements.get(edition.id)
        if entitlement_id is None:
            entitlement_id = new_id()
            begun.append(Posting(_nothing_yet(entitlement_id, account, edition, renews_on), begun=True))
        line = _line(
            order_id, len(lines), entitlement_id, edition, wanted.quantity, wanted.quantity, renews_on, now, journey, new_id
        )
        lines.append(line)
    order = _order(order_id, Channel.SELF, draft, account, lines, by=by, now=now, ready_by=ready_by)
    placed = _order_placed(order, account, editions, domain_verified=domain_verified, by=by)
    return Decision(Placement(order, tuple(begun)), placed)


def place_partner_order(
    draft: Draft,
    account: Account,
    editions: Mapping[str, Edition],
    holdings: Mapping[UUID, Holding],
    *,
    domain_verified: bool,
    by: Actor,
    now: datetime,
    ready_by: datetime,
    journey: Journey,
    new_id: NewId,
) -> Decision[Placement]:
    """The partner's order for a customer: any quantity (C-3), partner-only editions too (R-24); `holdings` are by edition.

    It first covers what the customer has or has asked for and the partner has not ordered, settling open obligations oldest
    first; only the excess is set up anew. Refuses `UnknownEdition`, `EditionTwice`, and `EditionWithdrawn` for an excess.
    """
    order_id = new_id()
    renews_on = _renews_on(account, now)
    today = local_day(now, account.time_zone)
    lines: list[Line] = []
    held: list[Holding] = []
    for wanted, edition in _known(draft, editions):
        holding = holdings.get(edition.id) or Holding(
            account, edition, _nothing_yet(new_id(), account, edition, renews_on), (), 0
        )
        entitlement = holding.entitlement
        excess = max(0, wanted.quantity - max(0, entitlement.available + holding.pending - entitlement.ordered))
        if excess and edition.withdrawn:
            raise EditionWithdrawn(sku=edition.sku)
        line = _line(order_id, len(lines), entitlement.id, edition, wanted.quantity, excess, renews_on, now, journey, new_id)
        lines.append(line)
        held.append(holding)
    order = _order(order_id, Channel.PARTNER, draft, account, lines, by=by, now=now, ready_by=ready_by)
    postings: list[Posting] = []
    told: list[BillingDue] = []
    for line, holding in zip(lines, held, strict=True):
        entitlement, entry = post(
            holding.entitlement,
            EntryKind.PARTNER_ORDERED,
            order,
            ordered=line.quantity,
            starts_on=today,
            renews_on=renews_on,
            now=now,
            actor=by,
        )
        changes = due_settled(holding, entitlement, order)
        begun = line.edition_id not in holdings
        postings.append(Posting(entitlement, (entry,), tuple(obligation for obligation, _ in changes), begun))
        told += billing_due(holding, entitlement, changes, now=now, actor=by)
    placed = _order_placed(order, account, editions, domain_verified=domain_verified, by=by)
    return Decision(Placement(order, tuple(postings)), placed, *told)


def _known(draft: Draft, editions: Mapping[str, Edition]) -> Iterator[tuple[Wanted, Edition]]:
    seen: set[str] = set()
    for wanted in draft.lines:
        edition = editions.get(wanted.sku)
        if edition is None:
            raise UnknownEdition(sku=wanted.sku)
        if wanted.sku in seen:
            raise EditionTwice(sku=wanted.sku)
        seen.add(wanted.sku)
        yield wanted, edition


def _refuse_unless_self_service(wanted: Wanted, edition: Edition) -> None:
    if edition.partner_only:
        raise NotSelfService(sku=edition.sku)
    if edition.withdrawn:
        raise EditionWithdrawn(sku=edition.sku)
    if wanted.quantity < edition.minimum:
        raise TooFew(sku=edition.sku, minimum=edition.minimum, asked=wanted.quantity)
    if wanted.quantity > edition.maximum:
        raise TooMany(sku=edition.sku, maximum=edition.maximum, asked=wanted.quantity)
    if wanted.quantity % edition.lot:
        raise NotAFullLot(sku=edition.sku, lot=edition.lot, asked=wanted.quantity)


def _renews_on(account: Account, now: datetime) -> date:
    return term_of(account.agreement_starts_on, local_day(now, account.time_zone)).ends_on


def _nothing_yet(entitlement_id: UUID, account: Account, edition: Edition, renews_on: date) -> Entitlement:
    return Entitlement(
        id=entitlement_id,
        organisation_id=account.organisation_id,
        account_id=account.id,
        edition_id=edition.id,
        version=0,
        available=0,
        ordered=0,
        assigned=0,
        entries=0,
        usable=False,
        renews_on=renews_on,
        first_used_at=None,
    )


def _line(
    order_id: UUID,
    position: int,
    entitlement_id: UUID,
    edition: Edition,
    quantity: int,
    to_provision: int,
    renews_on: date,
    now: datetime,
    journey: Journey,
    new_id: NewId,
) -> Line:
    return Line(
        id=new_id(),
        order_id=order_id,
        position=position,
        entitlement_id=entitlement_id,
        edition_id=edition.id,
        quantity=quantity,
        to_provision=to_provision,
        renews_on=renews_on,
        state=LineState.PLACED if to_provision else LineState.SETTLED,
        request_id=new_id(),
        reference=None,
        attempts=0,
        next_attempt_at=now if to_provision else None,
        ready_at=None,
        trouble=None,
        correlation_id=journey.correlation_id,
        traceparent=journey.traceparent,
    )


def _order(
    order_id: UUID,
    channel: Channel,
    draft: Draft,
    account: Account,
    lines: list[Line],
    *,
    by: Actor,
    now: datetime,
    ready_by: datetime,
) -> Order:
    return Order(
        id=order_id,
        number=order_number(order_id),
        channel=channel,
        organisation_id=account.organisation_id,
        account_id=account.id,
        partner_id=account.partner_id,
        placed_at=now,
        placed_by_kind=by.kind,
        placed_by=by.id,
        ready_by=ready_by,
        partner_reference=draft.partner_reference,
        lines=tuple(lines),
    )


def _order_placed(
    order: Order, account: Account, editions: Mapping[str, Edition], *, domain_verified: bool, by: Actor
) -> OrderPlaced:
    by_id = {edition.id: edition for edition in editions.values()}
    return OrderPlaced(
        version=1,
        occurred_at=order.placed_at,
        actor=by,
        order_id=order.id,
        number=order.number,
        channel=ChannelFact(order.channel),
        organisation_id=order.organisation_id,
        account_id=order.account_id,
        account_name=account.name,
        partner_id=order.partner_id,
        lines=tuple(
            OrderLine(
                line_id=line.id,
                entitlement_id=line.entitlement_id,
                edition=edition_fact(by_id[line.edition_id]),
                quantity=line.quantity,
                renews_on=line.renews_on,
            )
            for line in order.lines
        ),
        domain_verified=domain_verified,
        ready_by=order.ready_by,
        time_zone=account.time_zone,
        partner_reference=order.partner_reference,
    )
