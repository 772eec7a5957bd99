"""What the audit asks the databases, in SQL: facts to compare, and promises, of which each row found is a breach."""

from typing import Final

LOGGED: Final = "select topic, key, sequence, event_id::text, value from event_log"
DONE: Final = "select topic, key, last_sequence from inbox"
WAITING: Final = """
select format('%s %s:%s is parked (%s: %s)', topic, key, sequence, state, error) from parked
union all
select format('%s %s:%s waits to be sent', topic, key, sequence) from outbox_queue join event_log using (logged_at, id)
"""

EVENT: Final = "convert_from(value, 'UTF8')::jsonb"


def told_once(topic: str, field: str, table: str, column: str, where: str = "true", also: str = "true") -> str:
    """Rows of a table (`where`) without exactly one event (`also`) that names them in `field`, and events without a row."""
    return f"""
    with told as (
        select {EVENT} ->> '{field}' as id, count(*) as times from event_log where topic = '{topic}' and {also} group by 1
    ), kept as (
        select {column}::text as id from {table} where {where}
    )
    select '{topic}' as topic, coalesce(kept.id, told.id) as id, kept.id is not null as kept, coalesce(times, 0) as times
      from kept full join told using (id) where kept.id is null or times is distinct from 1
    """


def told_each(topic: str, field: str, table: str, column: str, version: str) -> str:
    """Rows whose version is not how often they were told of."""
    return f"""
    with told as (select {EVENT} ->> '{field}' as id, count(*) as times from event_log where topic = '{topic}' group by 1)
    select '{topic}' as topic, coalesce(told.id, {column}::text) as id, {version} as version, times
      from {table} full join told on told.id = {column}::text
     where {version} is distinct from times
    """


DATABASE_TIME: Final = """
select id, logged_at, latest from (
    select id, logged_at, max(logged_at) over (order by id) as latest from event_log
) log where latest - logged_at > interval '60 seconds'
"""
"""The log is numbered as it is written. Between looking at its clock and that, a process may be stopped or wait for a lock."""


def own_access() -> str:
    return "select subject::text, version from access order by 1"


FACTS: Final[dict[str, dict[str, str]]] = {
    "identity": {
        "accounts": "select id::text, organisation_id::text, version from account",
        "people": "select id::text, email, version from person",
        "subjects": "select id::text, version from subject order by 1",
        "invitations": "select id::text, organisation_id::text, email, state from invitation",
        "access": own_access(),
    },
    "domains": {
        "accounts": "select id::text, organisation_id::text, version from account",
        "claims": "select id::text, organisation_id::text, state from claim",
        "claimed": "select id::text, claim_id::text from account where claim_id is not null",
        "access": own_access(),
    },
    "provisioning": {
        "accounts": "select id::text, organisation_id::text, version from account",
        "account_domains": "select account_id::text, claim_id::text, verified from account_domain",
        "orders": "select id::text, account_id::text, number from placed_order",
        "seats": """
            select seat.id::text, account_id::text, released_at is null
              from seat join entitlement on entitlement.id = entitlement_id
        """,
        "lines": "select id::text, request_id::text, to_provision from order_line where to_provision > 0",
        "access": own_access(),
    },
    "notifications": {
        "accounts": "select id::text, version from account",
        "people": "select id::text, email, version from person",
        "deliveries": "select id::text, event_id::text, template, state, reason from delivery",
        "access": own_access(),
    },
}

PROMISES: Final[dict[str, dict[str, str]]] = {
    "identity": {
        "the times of the log are the database's": DATABASE_TIME,
        "each agreement is told once": told_once("agreement.signed", "agreement_id", "agreement", "id"),
        "each account is told as often as it changed": told_each(
            "account.registered", "account_id", "account", "account.id", "account.version"
        ),
        "each invitation is told once": told_once("invitation.sent", "invitation_id", "invitation", "id"),
        "each acceptance is told once": told_once(
            "invitation.accepted", "invitation_id", "invitation", "id", "state = 'accepted'"
        ),
        "each profile is told as often as it changed": told_each(
            "person.profile", "person_id", "person", "person.id", "person.version"
        ),
        "each change of rights is told": told_each("identity.access", "subject", "subject", "subject.id", "subject.version"),
    },
    "domains": {
        "the times of the log are the database's": DATABASE_TIME,
        "each association is told once": told_once("domain.associated", "account_id", "account", "id", "claim_id is not null"),
        "each proof is told once": told_once("domain.verified", "claim_id", "claim", "id", "state = 'verified'"),
    },
    "provisioning": {
        "the times of the log are the database's": DATABASE_TIME,
        "available and ordered are the sums of the transactions (I1)": """
            select id::text, available, ordered, a.sum as available_sum, o.sum as ordered_sum from entitlement,
                   lateral (select coalesce(sum(available_change), 0) as sum from ledger_entry
                             where ledger_entry.entitlement_id = entitlement.id) a,
                   lateral (select coalesce(sum(ordered_change), 0) as sum from ledger_entry
                             where ledger_entry.entitlement_id = entitlement.id) o
             where available <> a.sum or ordered <> o.sum
        """,
        "the ledger is numbered without holes": """
            select id::text, entries, count(position), max(position) from entitlement
              left join ledger_entry on entitlement_id = id group by id, entries
            having count(position) <> entries or coalesce(max(position), 0) <> entries
        """,
        "assigned seats are counted, and within what is available (I2)": """
            select id::text, assigned, available, seats.count from entitlement,
                   lateral (select count(*) from seat
                             where seat.entitlement_id = entitlement.id and released_at is null) seats
             where assigned <> seats.count or assigned > available
        """,
        "one open obligation while in use and not ordered, none otherwise; it has the whole difference due (I3, I4)": """
            select id::text, available, ordered, first_used_at, open.count, open.due from entitlement,
                   lateral (select count(*), coalesce(sum(due), 0) as due from obligation
                             where obligation.entitlement_id = entitlement.id and due > 0) open
             where open.count <> (first_used_at is not null and available > ordered)::int
                or first_used_at is not null and open.due <> greatest(available - ordered, 0)
        """,
        "what was raised is due or settled (I6)": """
            select id::text, raised, due, settled.sum from obligation,
                   lateral (select coalesce(sum((part ->> 'quantity')::int), 0) as sum
                              from jsonb_array_elements(allocations) part) settled
             where raised <> due + settled.sum
        """,
        "each order's lines stand in the ledger once": """
            with wanted as (
                select order_id, entitlement_id, sum(to_provision) as provision,
                       sum(case channel when 'partner' then quantity else 0 end) as ordered
                  from order_line join placed_order on placed_order.id = order_id group by 1, 2
            ), found as (
                select order_id, entitlement_id, sum(available_change) as provision, sum(ordered_change) as ordered
                  from ledger_entry group by 1, 2
            )
            select order_id::text, entitlement_id::text, wanted.provision, found.provision as found
              from wanted full join found using (order_id, entitlement_id)
             where wanted.provision is distinct from found.provision or wanted.ordered is distinct from found.ordered
        """,
        "every line is set up": "select id::text, state, trouble from order_line where state in ('placed', 'sent')",
        "each order is told once": told_once("order.placed", "order_id", "placed_order", "id"),
        "each seat is told once": told_once("seat.assigned", "seat_id", "seat", "id"),
        "each release is told once": told_once("seat.released", "seat_id", "seat", "id", "released_at is not null"),
        "each set-up is told once": """
            with told as (
                select (value ->> 'order_id')::uuid as order_id, (value ->> 'entitlement_id')::uuid as entitlement_id, count(*)
                  from (select convert_from(value, 'UTF8')::jsonb as value from event_log where topic = 'service.provisioned') e
                 where (value ->> 'quantity')::int > 0 group by 1, 2
            ), kept as (
                select order_id, entitlement_id, count(*) from ledger_entry where available_change > 0 group by 1, 2
            )
            select order_id::text, entitlement_id::text, kept.count as kept, told.count as told
              from kept full join told using (order_id, entitlement_id) where kept.count is distinct from told.count
        """,
        "each change of an obligation is told once": told_each(
            "partner.billing_due", "obligation_id", "obligation", "obligation.id", "obligation.version"
        ),
        "each change of an obligation is told to its partner, in the same bytes (I7)": """
            select own.event_id::text, canonical.topic, own.topic as partners
              from (select * from event_log where topic = 'partner.billing_due') canonical
              full join (select * from event_log where topic like 'partner.billing\\_due.%') own using (event_id)
             where canonical.value is distinct from own.value
        """,
    },
    "notifications": {
        "the times of the log are the database's": DATABASE_TIME,
        "each delivered mail is told once": told_once(
            "notification.delivered", "delivery_id", "delivery", "id", "state = 'delivered'"
        ),
        "each failed mail is told once": told_once("notification.failed", "delivery_id", "delivery", "id", "state = 'failed'"),
        "no mail is under way": "select id::text, template, state, next_at, attempts from delivery where next_at is not null",
    },
}
