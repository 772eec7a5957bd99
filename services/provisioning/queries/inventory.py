"""What an account has, by product group (S22), and who sits on it."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from services.provisioning import tables
from services.provisioning.model import Edition, Entitlement, LineState, Seat, ServiceState, local_day
from services.provisioning.ports import Ports
from services.provisioning.queries import places
from services.provisioning.queries.catalogue import editions, newest_catalogue
from shared.contracts.access import Access, Permission


@dataclass(frozen=True)
class Owned:
    """One edition that the account has or has asked for; `pending` is still being set up."""

    edition: Edition
    entitlement: Entitlement
    pending: int
    state: ServiceState


@dataclass(frozen=True)
class OwnedGroup:
    """A product group with what the account has of it."""

    code: str
    names: Mapping[str, str]
    editions: tuple[Owned, ...]


async def show_inventory(
    ports: Ports, account_id: UUID, *, group: str | None, search: str | None, expired: bool, by: Access
) -> Sequence[OwnedGroup]:
    """Everything of the account, also what only its partner can order (R-24); expired editions when asked for (R-25).

    `search` finds editions whose names or sku hold every word, whatever accents and case.
    """
    account = await places.account(ports, account_id, Permission.INVENTORY_VIEW, by)
    today = local_day(ports.now(), account.time_zone)
    names = {each.code: each.names for each in (await newest_catalogue(ports)).groups}
    groups: dict[str, list[Owned]] = {code: [] for code in names}
    for owned in await _owned(ports, account_id, today):
        if owned.state is ServiceState.EXPIRED and not expired:
            continue
        if group in (None, owned.edition.group) and _matches(owned.edition, search or ""):
            groups.setdefault(owned.edition.group, []).append(owned)
    return [OwnedGroup(code, names.get(code, {}), tuple(editions)) for code, editions in groups.items() if editions]


async def list_seats(ports: Ports, entitlement_id: UUID, *, after: UUID | None, rows: int, by: Access) -> Sequence[Seat]:
    """The seats that are assigned, in the order in which they were, from after the given one."""
    await places.entitlement(ports, entitlement_id, Permission.SEATS_ASSIGN, by)
    assigned = tables.seat.c
    statement = select(tables.seat).where(assigned.entitlement_id == entitlement_id, assigned.released_at.is_(None))
    if after is not None:
        statement = statement.where(assigned.id > after)
    return [Seat(*row) for row in await ports.db.all(statement.order_by(assigned.id).limit(rows))]


async def _owned(ports: Ports, account_id: UUID, today: date) -> Sequence[Owned]:
    owned = tables.entitlement.c
    entitlements = [
        Entitlement(*row)
        for row in await ports.db.all(select(tables.entitlement).where(owned.account_id == account_id).order_by(owned.id))
    ]
    known = await editions(ports, (each.edition_id for each in entitlements))
    lines = tables.order_line.c
    pending: dict[UUID, int] = dict(
        await ports.db.all(
            select(lines.entitlement_id, func.sum(lines.to_provision))
            .where(
                lines.entitlement_id.in_([each.id for each in entitlements]),
                lines.state.in_((LineState.PLACED, LineState.SENT)),
            )
            .group_by(lines.entitlement_id)
        )
    )
    return [Owned(known[each.edition_id], each, pending.get(each.id, 0), each.state(today)) for each in entitlements]


def _matches(edition: Edition, search: str) -> bool:
    text = _plain(" ".join([edition.sku, *edition.names.values()]))
    return all(word in text for word in _plain(search).split())


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
