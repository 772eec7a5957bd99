"""The history of an edition: its ledger, as pages and as CSV (R-27)."""

import csv
from collections.abc import AsyncIterator, Mapping, Sequence
from io import StringIO
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select

from services.provisioning import tables
from services.provisioning.model import Entry
from services.provisioning.ports import NetworkPorts, Ports
from services.provisioning.queries import places
from shared.contracts.access import Access, Permission

Language = Literal["en", "fr"]

AT_ONCE: Final = 20_000
"""Rows of one COPY: some 3 MB, and well under the statement timeout."""

HEADINGS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        "Date", "Event", "Start", "Renewal", "Change", "Total available", "Change ordered", "Total ordered",
        "Assigned", "Order", "Partner's reference", "By",
    ),
    "fr": (
        "Date", "Événement", "Début", "Renouvellement", "Variation", "Total disponible", "Variation commandée",
        "Total commandé", "Attribuées", "Commande", "Référence du partenaire", "Par",
    ),
}  # fmt: skip

# A cell of text that a spreadsheet would take for a formula gets an apostrophe; numbers and dates stay as they are.
ROWS: Final = r"""
select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), kind, starts_on, renews_on,
       available_change, available, ordered_change, ordered, assigned, order_number,
       case when partner_reference ~ '^\s*[=+\-@＝＋－＠]' then '''' || partner_reference else partner_reference end,
       actor_kind || ' ' || actor_id
  from ledger_entry
 where entitlement_id = $1 and position > $2 and position <= $3
 order by position
"""


async def list_history(ports: Ports, entitlement_id: UUID, *, before: int | None, rows: int, by: Access) -> Sequence[Entry]:
    """The ledger, newest entry first, from before the given position."""
    await places.entitlement(ports, entitlement_id, Permission.HISTORY_VIEW, by)
    entries = tables.ledger_entry.c
    statement = select(tables.ledger_entry).where(entries.entitlement_id == entitlement_id)
    if before is not None:
        statement = statement.where(entries.position < before)
    return [Entry(*row) for row in await ports.db.all(statement.order_by(entries.position.desc()).limit(rows))]


async def export_history(ports: NetworkPorts, entitlement_id: UUID, language: Language, *, by: Access) -> AsyncIterator[bytes]:
    """The ledger as it is now, oldest entry first, as CSV in UTF-8, a bounded part at a time.

    Entries are numbered without gaps and never change, so the parts fit together though each is read by itself.
    """
    _, entitlement = await places.entitlement(ports, entitlement_id, Permission.HISTORY_VIEW, by)

    async def parts() -> AsyncIterator[bytes]:
        heading = StringIO()
        csv.writer(heading, lineterminator="\n").writerow(HEADINGS[language])
        yield heading.getvalue().encode()
        for first in range(0, entitlement.entries, AT_ONCE):
            yield await ports.copy(ROWS, entitlement_id, first, min(first + AT_ONCE, entitlement.entries))

    return parts()
