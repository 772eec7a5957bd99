"""Who is at work on a mail, so that others go on with it when that process is gone."""

from alembic import op

from shared.migrate import script

revision = "0002"
down_revision = "0001"

TABLES = """
alter table delivery add courier_id uuid;
create table courier (
    id uuid primary key,
    since timestamptz not null,
    seen_at timestamptz not null
) with (fillfactor = 50);
comment on table courier is 'The processes that hand mails over, while they are there.';
"""


def upgrade() -> None:
    script(op, TABLES)
