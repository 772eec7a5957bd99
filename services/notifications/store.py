"""Loading and keeping deliveries, who carries them, and the copies of profiles and names that letters need."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from services.notifications.model import Account, Courier, Delivery, Partner, Person, Recipient, RecipientKind, State
from services.notifications.tables import account, courier, delivery, ended_link, partner, person, told_due
from shared.db import ChangedMeanwhile, Reader, Transaction
from shared.decision import Decision
from shared.rows import keep_newest

# Made once: which columns are written follows from the parameters.
_ADD: Final = insert(delivery).on_conflict_do_nothing()
_INTRODUCE: Final = insert(courier).on_conflict_do_nothing()
_KEEP: Final = update(delivery).where(delivery.c.id == bindparam("mail"), delivery.c.version == bindparam("before"))


async def add(tx: Transaction, mail: Delivery) -> None:
    """Keeps a new intent; the same mail a second time changes nothing (promise 8)."""
    await tx.execute(_ADD, vars(mail))
    tx.wake()


async def next_due(tx: Transaction, now: datetime) -> Delivery | None:
    """The mail that is due for longest, locked; those that others hold are passed over."""
    due = select(delivery).where(delivery.c.next_at <= now).order_by(delivery.c.next_at).limit(1)
    row = await tx.one(due.with_for_update(skip_locked=True))
    return None if row is None else Delivery(*row)


async def set_aside(tx: Transaction, mail: Delivery, until: datetime) -> None:
    """Lets nobody look at the mail for a while; it is what it was."""
    await tx.execute(update(delivery).where(delivery.c.id == mail.id).values(next_at=until))


async def keep(tx: Transaction, decision: Decision[Delivery]) -> Delivery:
    """Writes the state and tells the events; raises `ChangedMeanwhile` when somebody else has written since."""
    mail = decision.state
    changed = {name: value for name, value in vars(mail).items() if name != "id"}
    written = await tx.execute(_KEEP, {"mail": mail.id, "before": mail.version - 1, **changed})
    if not written.rowcount:
        raise ChangedMeanwhile
    tx.emit(*decision.events)
    return mail


async def find(db: Reader, delivery_id: UUID) -> Delivery:
    """The delivery as it is now."""
    [row] = await db.all(select(delivery).where(delivery.c.id == delivery_id))
    return Delivery(*row)


async def find_courier(db: Reader, courier_id: UUID) -> Courier | None:
    """The courier as it was seen last."""
    row = await db.one(select(courier).where(courier.c.id == courier_id))
    return None if row is None else Courier(*row)


async def keep_courier(tx: Transaction, one: Courier) -> None:
    """Lets the others see the courier."""
    seen = {"since": one.since, "seen_at": one.seen_at}
    await tx.execute(insert(courier).values(vars(one)).on_conflict_do_update(index_elements=["id"], set_=seen))


async def introduce_courier(tx: Transaction, one: Courier) -> None:
    """Lets the others see the courier, unless they do already."""
    await tx.execute(_INTRODUCE, vars(one))


async def dismiss_couriers(tx: Transaction, *, unseen_since: datetime, now: datetime) -> int:
    """Forgets couriers that are gone and has the mails looked at that they were at work on; how many mails."""
    gone = delete(courier).where(courier.c.seen_at < unseen_since).returning(courier.c.id)
    ids = (await tx.execute(gone)).scalars().all()
    if not ids:
        return 0
    theirs = (delivery.c.courier_id.in_(ids), delivery.c.state == State.ATTEMPTED)
    left = await tx.execute(update(delivery).where(*theirs).values(next_at=now))
    if left.rowcount:
        tx.wake()
    return left.rowcount


async def find_person(db: Reader, person_id: UUID) -> Person | None:
    """The person's newest profile that is here."""
    row = await db.one(select(person).where(person.c.id == person_id))
    return None if row is None else Person(*row)


async def find_partner(db: Reader, partner_id: UUID) -> Partner | None:
    """The partner's newest profile that is here."""
    row = await db.one(select(partner).where(partner.c.id == partner_id))
    return None if row is None else Partner(*row)


async def find_accounts(db: Reader, account_ids: Collection[UUID]) -> Sequence[Account]:
    """Those of the accounts that are here, by name."""
    rows = await db.all(select(account).where(account.c.id.in_(account_ids)).order_by(account.c.name))
    return [Account(*row) for row in rows]


async def keep_people(tx: Transaction, people: Sequence[Person]) -> None:
    """Takes over the profiles that are newer than those here; mails that waited for them are looked at again."""
    await keep_newest(tx, person, map(vars, people))
    await _look_again(tx, RecipientKind.PERSON, [one.id for one in people])


async def keep_partners(tx: Transaction, partners: Sequence[Partner]) -> None:
    """Takes over the profiles that are newer than those here; mails that waited for them are looked at again."""
    await keep_newest(tx, partner, map(vars, partners))
    await _look_again(tx, RecipientKind.PARTNER, [one.id for one in partners])


async def keep_accounts(tx: Transaction, accounts: Sequence[Account]) -> None:
    """Takes over the names that are newer than those here."""
    await keep_newest(tx, account, map(vars, accounts))


async def end_link(tx: Transaction, link: Recipient, *, now: datetime) -> None:
    """Remembers that the link has ended, and has mails that carry it looked at, so that they are cancelled soon."""
    await tx.execute(insert(ended_link).values(kind=link.kind, id=link.id, ended_at=now).on_conflict_do_nothing())
    obsolete = (
        delivery.c.recipient_kind == link.kind,
        delivery.c.recipient_id == link.id,
        delivery.c.state != State.ATTEMPTED,
    )
    await tx.execute(update(delivery).where(*obsolete, delivery.c.next_at > now).values(next_at=now))
    tx.wake()


async def link_has_ended(db: Reader, recipient: Recipient) -> bool:
    """Whether the mail's own link is of no use any more; a mail to a profile has none."""
    link = select(ended_link.c.id).where(ended_link.c.kind == recipient.kind, ended_link.c.id == recipient.id)
    return await db.one(link) is not None


async def tell_due(tx: Transaction, obligation_id: UUID, due: int) -> int:
    """What the partner was last told to bill for this obligation, which is `due` from now on; 0 for a new one."""
    row = await tx.one(select(told_due.c.due).where(told_due.c.obligation_id == obligation_id))
    new = insert(told_due).values(obligation_id=obligation_id, due=due)
    await tx.execute(new.on_conflict_do_update(index_elements=["obligation_id"], set_={"due": new.excluded.due}))
    return 0 if row is None else row[0]


async def _look_again(tx: Transaction, kind: RecipientKind, ids: Sequence[UUID]) -> None:
    waiting = (delivery.c.recipient_kind == kind, delivery.c.recipient_id.in_(ids), delivery.c.state == State.WAITING)
    looked = await tx.execute(update(delivery).where(*waiting).values(next_at=delivery.c.created_at))
    if looked.rowcount:
        tx.wake()
