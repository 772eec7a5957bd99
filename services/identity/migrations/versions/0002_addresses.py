"""Addresses keep the capitals they were typed with and are found without them; their domains are A-labels."""

import idna
from alembic import op
from sqlalchemy import column, select, table, update

from shared.migrate import script

revision = "0002"
down_revision = "0001"

TABLES = """
alter table person drop constraint person_email_key;
create unique index person_email on person (lower(email collate "C"));
comment on table person is
    'People with a work account; of the spellings of an address that differ in capitals, one person has one.';
comment on table pending_invitation is 'One pending invitation per scope and address, folded.';
"""
HOLD_ADDRESSES = ("person", "partner", "invitation", "pending_invitation")


def upgrade() -> None:
    script(op, TABLES)
    connection = op.get_bind()
    for name in HOLD_ADDRESSES:
        kept = table(name, column("email"))
        for (email,) in connection.execute(select(kept.c.email).distinct()).all():
            local, _, domain = email.rpartition("@")
            if not domain.isascii():
                spelled = f"{local}@{idna.encode(domain, uts46=True, std3_rules=True).decode()}"
                connection.execute(update(kept).where(kept.c.email == email).values(email=spelled))
