"""Claims, the accounts that join them, nominations, watches and proofs."""

from alembic import op

from shared.migrate import foundation, script

revision = "0006"
down_revision = None

TABLES = """
create table claim (
    id uuid primary key,
    organisation_id uuid not null,
    domain text not null,
    display text not null,
    state text not null,
    generation integer not null check (generation > 0),
    nominator_id uuid,
    admin_id uuid,
    claimed_at timestamptz not null,
    verified_at timestamptz,
    version bigint not null,
    unique (organisation_id, domain),
    check ((state in ('accepted', 'verified')) = (admin_id is not null)),
    check ((state = 'verified') = (verified_at is not null))
);
create unique index claim_verified_once on claim (domain) where state = 'verified';
create index claim_admin on claim (admin_id) where admin_id is not null;
comment on table claim is 'One organisation''s claim on one domain; at most one claim on a domain is verified.';

create table account (
    id uuid primary key,
    organisation_id uuid not null,
    agreement_id uuid not null,
    partner_id uuid not null,
    legal_name text not null,
    time_zone text not null,
    version bigint not null,
    claim_id uuid references claim (id)
);
create index account_claim on account (claim_id) where claim_id is not null;
comment on table account is
    'The projection of account.registered, with the one claim that an account belongs to (R-10).';

create table nomination (
    id uuid primary key,
    claim_id uuid not null references claim (id),
    organisation_id uuid not null,
    state text not null,
    email text,
    secret_hash bytea not null unique,
    nominator_id uuid not null,
    nominated_at timestamptz not null,
    expires_at timestamptz not null,
    answered_by uuid,
    version bigint not null,
    check ((state = 'pending') = (email is not null))
);
create unique index nomination_pending_once on nomination (claim_id) where state = 'pending';
create index nomination_newest on nomination (claim_id, nominated_at);
create index nomination_expiry on nomination (expires_at) where state = 'pending';
comment on table nomination is
    'Who is or was asked to be a global administrator. Addresses are here only while an answer is awaited.';

create table watch (
    claim_id uuid primary key references claim (id),
    organisation_id uuid not null,
    generation integer not null,
    attempt bigint not null,
    step integer not null,
    next_at timestamptz,
    looking_until timestamptz,
    asked_at timestamptz,
    latest jsonb,
    correlation_id uuid not null,
    traceparent text
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
create index watch_due on watch (next_at) where next_at is not null;
comment on table watch is 'The plan of looking for each claim''s proof, with the latest check.';

create table proof (
    claim_id uuid not null references claim (id),
    generation integer not null,
    proved_at timestamptz not null,
    report jsonb not null,
    primary key (claim_id, generation)
);
comment on table proof is 'What each generation of a claim was verified by: at most one proof each, kept for good.';
"""


def upgrade() -> None:
    foundation(op)
    script(op, TABLES)
