"""Accounts, the catalogue, orders, entitlements with their ledger, seats and billing obligations."""

from alembic import op

from shared.migrate import foundation, script

revision = "0006"
down_revision = None

TABLES = """
create table account (
    id uuid primary key,
    version bigint not null,
    number text not null,
    name text not null,
    legal_name text not null,
    country text not null,
    organisation_id uuid not null,
    agreement_id uuid not null,
    agreement_number text not null,
    agreement_starts_on date not null,
    time_zone text not null,
    partner_id uuid not null,
    partner_slug text not null
);
create index account_partner on account (partner_id);

create table account_domain (
    account_id uuid not null,
    claim_id uuid not null,
    version bigint not null,
    verified boolean not null,
    primary key (account_id, claim_id)
);

create table catalogue (
    version integer primary key,
    groups jsonb not null
);
insert into catalogue (version, groups) values (1, '[]');

-- No foreign key leads here: no edition is ever removed, and all orders would lock the same few rows.
create table edition (
    id uuid primary key,
    sku text not null unique,
    product_group text not null,
    product text not null,
    names jsonb not null,
    lot integer not null check (lot > 0),
    minimum integer not null check (minimum > 0),
    maximum integer not null check (maximum >= minimum),
    term text not null,
    channels jsonb not null,
    driver text not null,
    withdrawn boolean not null
);

create table placed_order (
    id uuid primary key,
    number text not null unique,
    channel text not null,
    organisation_id uuid not null,
    account_id uuid not null,
    partner_id uuid not null,
    placed_at timestamptz not null,
    placed_by_kind text not null,
    placed_by text not null,
    ready_by timestamptz not null,
    partner_reference text
);
create index placed_order_account on placed_order (account_id, id);

create table entitlement (
    id uuid primary key,
    organisation_id uuid not null,
    account_id uuid not null,
    edition_id uuid not null,
    version bigint not null,
    available integer not null,
    ordered integer not null,
    assigned integer not null,
    entries integer not null,
    usable boolean not null,
    renews_on date not null,
    first_used_at timestamptz,
    unique (account_id, edition_id),
    constraint seats_within_available check (assigned between 0 and available)
) with (fillfactor = 80);

create table order_line (
    id uuid primary key,
    order_id uuid not null references placed_order,
    position smallint not null,
    entitlement_id uuid not null references entitlement,
    edition_id uuid not null,
    quantity integer not null check (quantity > 0),
    to_provision integer not null check (to_provision between 0 and quantity),
    renews_on date not null,
    state text not null,
    request_id uuid not null unique,
    reference text,
    attempts integer not null,
    next_attempt_at timestamptz,
    ready_at timestamptz,
    trouble text,
    correlation_id uuid not null,
    traceparent text
);
create index order_line_order on order_line (order_id, position);
create index order_line_unfinished on order_line (entitlement_id) where state in ('placed', 'sent');
create index order_line_due on order_line (next_attempt_at) where state in ('placed', 'sent');

create table ledger_entry (
    entitlement_id uuid not null references entitlement,
    position integer not null,
    at timestamptz not null,
    kind text not null,
    starts_on date not null,
    renews_on date not null,
    available_change integer not null,
    available integer not null,
    ordered_change integer not null,
    ordered integer not null,
    assigned integer not null,
    order_id uuid not null references placed_order,
    order_number text not null,
    partner_reference text,
    actor_kind text not null,
    actor_id text not null,
    primary key (entitlement_id, position)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger only grows' using errcode = 'restrict_violation';
end $$;
create trigger ledger_only_grows before update or delete or truncate on ledger_entry
    for each statement execute function refuse_change();

create table seat (
    id uuid primary key,
    entitlement_id uuid not null references entitlement,
    person_id uuid not null,
    assigned_at timestamptz not null,
    released_at timestamptz
);
create unique index seat_one_per_person on seat (entitlement_id, person_id) where released_at is null;
create index seat_assigned on seat (entitlement_id, id) where released_at is null;

create table obligation (
    id uuid primary key,
    version bigint not null,
    entitlement_id uuid not null references entitlement,
    organisation_id uuid not null,
    partner_id uuid not null,
    opened_at timestamptz not null,
    term_starts_on date not null,
    term_ends_on date not null,
    raised integer not null,
    due integer not null check (due between 0 and raised),
    allocations jsonb not null
);
create unique index obligation_one_open on obligation (entitlement_id, term_starts_on) where due > 0;

comment on table account is
    'The projection of account.registered. Its row lock is the order of everything in the account but seats.';
comment on table account_domain is
    'The projection of domain.associated and domain.verified; the newest version of a claim wins.';
comment on table catalogue is 'Every catalogue that was ever registered; the highest version is on offer.';
comment on table edition is 'Every edition that was ever on offer, as it is now.';
comment on table placed_order is 'Orders as they were placed; never changed.';
comment on table order_line is 'What was ordered of one edition, and how far the online service has come with it.';
comment on table entitlement is 'One edition of one account. Quantities are the sums of its ledger.';
comment on table ledger_entry is 'The ledger: append-only, numbered from 1 in each entitlement.';
comment on table seat is 'Who uses or used an entitlement.';
comment on table obligation is 'What partners shall order and bill.';
"""


def upgrade() -> None:
    foundation(op)
    script(op, TABLES)
