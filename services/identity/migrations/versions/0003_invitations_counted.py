"""Invitations are counted by their account's organisation: the open ones, and the newest."""

from alembic import op

from shared.migrate import script

revision = "0003"
down_revision = "0002"

INDEXES = """
create index invitation_open on invitation (organisation_id) where state = 'pending';
create index invitation_sent on invitation (organisation_id, sent_at);
"""


def upgrade() -> None:
    script(op, INDEXES)
