"""Nominations know when they were made, and are counted by their claim."""

from alembic import op

from shared.migrate import script

revision = "0002"
down_revision = "0001"

TABLES = """
alter table nomination add nominated_at timestamptz;
update nomination set nominated_at = expires_at - interval '60 days';
alter table nomination alter nominated_at set not null;
create index nomination_newest on nomination (claim_id, nominated_at);
"""


def upgrade() -> None:
    script(op, TABLES)
