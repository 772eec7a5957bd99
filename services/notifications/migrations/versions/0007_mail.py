"""Deliveries, who is at work on them, and the copies of profiles and names that letters need."""

from alembic import op

from shared.migrate import foundation, script

revision = "0007"
down_revision = None

TABLES = """
create table delivery (
    id uuid primary key,
    version bigint not null,
    organisation_id uuid not null,
    template text not null,
    event_id uuid not null,
    about_topic text not null,
    about_key text not null,
    recipient_kind text not null,
    recipient_id uuid not null,
    state text not null,
    occurred_at timestamptz not null,
    created_at timestamptz not null,
    deadline timestamptz not null,
    next_at timestamptz,
    attempts integer not null,
    reason text,
    status text,
    ended_at timestamptz,
    correlation_id uuid not null,
    traceparent text,
    event text,
    message bytea,
    courier_id uuid,
    constraint delivery_once unique (event_id, recipient_kind, recipient_id, template),
    constraint delivery_ended check ((next_at is null) = (ended_at is not null)),
    constraint delivery_erased check (ended_at is null or (event is null and message is null))
);
create index delivery_next on delivery (next_at) where next_at is not null;
create index delivery_open on delivery (recipient_id) where next_at is not null;
comment on table delivery is 'One mail per event, recipient and template; what it says is erased when it ends.';

create table courier (
    id uuid primary key,
    since timestamptz not null,
    seen_at timestamptz not null
) with (fillfactor = 50);
comment on table courier is 'The processes that hand mails over, while they are there.';

create table person (
    id uuid primary key,
    version bigint not null,
    email text not null,
    first_name text not null,
    last_name text not null,
    language text not null,
    time_zone text not null
);
comment on table person is 'People as their newest profile told them.';

create table partner (
    id uuid primary key,
    version bigint not null,
    name text not null,
    email text not null,
    language text not null,
    time_zone text not null
);
comment on table partner is 'Partners as their newest profile told them.';

create table account (
    id uuid primary key,
    version bigint not null,
    name text not null,
    partner_name text not null
);
comment on table account is 'Names of purchasing accounts and their partners.';
create table ended_link (kind text, id uuid, ended_at timestamptz not null, primary key (kind, id));
comment on table ended_link is 'Invitations and nominations answered or over: mails that carry them are obsolete.';
create table told_due (obligation_id uuid primary key, due integer not null);
comment on table told_due is 'What the partner was last told to bill, per obligation.';
"""


def upgrade() -> None:
    foundation(op)
    script(op, TABLES)
