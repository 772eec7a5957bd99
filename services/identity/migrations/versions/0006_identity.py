"""Partners, agreements, accounts, people, rights, invitations, clients, sessions, codes, signing keys, counted attempts."""

from alembic import op

from shared.migrate import foundation, script

revision = "0006"
down_revision = None

TABLES = """
create table partner (
    id uuid primary key,
    slug text not null unique,
    name text not null,
    email text not null,
    language text not null,
    time_zone text not null,
    version bigint not null
);

create table agreement (
    id uuid primary key,
    number text not null unique,
    organisation_id uuid not null unique,
    partner_id uuid not null references partner,
    legal_name text not null,
    place text not null,
    country text not null,
    time_zone text not null,
    starts_on date not null,
    version bigint not null
);
create index agreement_partner on agreement (partner_id);

create table account (
    id uuid primary key,
    number text not null unique,
    name text not null,
    place text not null,
    agreement_id uuid not null references agreement,
    organisation_id uuid not null,
    partner_id uuid not null references partner,
    version bigint not null
);
create index account_agreement on account (agreement_id);
create index account_organisation on account (organisation_id);
create index account_partner on account (partner_id);

create table person (
    id uuid primary key,
    organisation_id uuid not null,
    email text not null,
    first_name text not null,
    last_name text not null,
    language text not null,
    country text not null,
    time_zone text not null,
    password_hash text not null,
    consented_at timestamptz not null,
    version bigint not null
);
create unique index person_email on person (lower(email collate "C"));
create index person_organisation on person (organisation_id);

create table subject (
    id uuid primary key,
    kind text not null check (kind in ('person', 'client')),
    organisation_id uuid,
    partner_id uuid,
    holdings jsonb not null,
    disabled boolean not null,
    version bigint not null
);
create index subject_organisation on subject (organisation_id);

create table invitation (
    id uuid primary key,
    kind text not null,
    organisation_id uuid not null,
    agreement_id uuid not null references agreement,
    scopes jsonb not null,
    roles jsonb not null,
    email text not null,
    first_name text not null,
    last_name text not null,
    language text not null,
    country text not null,
    time_zone text not null,
    inviter_id uuid,
    secret_hash bytea not null unique,
    state text not null,
    sent_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    person_id uuid,
    replaced_by uuid,
    version bigint not null
);
create index invitation_due on invitation (expires_at) where state = 'pending';
create index invitation_organisation on invitation (organisation_id, id);
create index invitation_open on invitation (organisation_id) where state = 'pending';
create index invitation_sent on invitation (organisation_id, sent_at);

create table pending_invitation (
    scope_id uuid not null,
    email text not null,
    invitation_id uuid not null references invitation,
    primary key (scope_id, email)
);
create index pending_invitation_invitation on pending_invitation (invitation_id);

create table client (
    id uuid primary key,
    name text not null unique,
    kind text not null,
    secret_hash bytea,
    redirect_uris jsonb not null,
    partner_id uuid references partner,
    version bigint not null
);

create table session (
    id uuid primary key,
    secret_hash bytea not null unique,
    person_id uuid not null references person,
    authenticated_at timestamptz not null,
    last_seen_at timestamptz not null,
    ended_at timestamptz
);
create index session_person on session (person_id);
create index session_begun on session (authenticated_at);

create table authorization_code (
    code_hash bytea primary key,
    client_id uuid not null references client,
    person_id uuid not null references person,
    session_id uuid not null references session on delete cascade,
    redirect_uri text not null,
    scope text not null,
    nonce text,
    challenge text not null,
    authenticated_at timestamptz not null,
    expires_at timestamptz not null,
    token_id uuid unique,
    revoked_at timestamptz
);
create index authorization_code_session on authorization_code (session_id);

create table signing_key (
    kid text primary key,
    state text not null,
    public text not null,
    private_sealed text not null,
    since timestamptz not null
);
create unique index signing_key_active on signing_key (state) where state = 'active';

create unlogged table rate_limit (
    key text primary key,
    free_at timestamptz not null
);

comment on table partner is 'Companies that sell to the vendor''s customers.';
comment on table agreement is 'Signed agreements; each begins an organisation.';
comment on table account is 'Purchasing accounts. The row''s lock orders changes of who may do what there.';
comment on table person is
    'People with a work account; of the spellings of an address that differ in capitals, one person has one.';
comment on table subject is 'Who holds which roles or permissions where; version is the epoch.';
comment on table invitation is 'Every invitation ever sent. Of a link''s secret only the SHA-256.';
comment on table pending_invitation is 'One pending invitation per scope and address, folded.';
comment on table client is 'Machines and relying parties. Of a secret only the SHA-256.';
comment on table session is 'Signed-in browsers. Of a cookie''s secret only the SHA-256.';
comment on table authorization_code is 'Authorization codes by their SHA-256, and the token that each became.';
comment on table signing_key is 'The ring of signing keys. Private parts are encrypted.';
comment on table rate_limit is 'Attempts by the generic cell rate algorithm: when each counted thing is at rest again.';
"""


def upgrade() -> None:
    foundation(op)
    script(op, TABLES)
