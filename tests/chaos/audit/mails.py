"""Each mail once for its event, recipient and template; what is repeated is the same bytes (promise 8). Pure."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.chaos.audit.evidence import Evidence, Logged
from tests.chaos.audit.finding import Finding, Wrong


def check_mails(evidence: Evidence) -> Iterator[Finding]:
    """What was intended is what the events ask for; what lies in the mailbox is what was delivered."""
    deliveries = evidence.tables["notifications"]["deliveries"]
    intended = Counter((event_id, template) for _, event_id, template, _, _ in deliveries)
    asked = set(_asked_for(row for rows in evidence.logged.values() for row in rows))
    for event_id, template in asked - intended.keys():
        yield Finding(Wrong.LOST, f"no mail {template} was intended for event {event_id}")
    for event_id, template in intended.keys() - asked:
        yield Finding(Wrong.DOUBLE, f"a mail {template} was intended for event {event_id}, which asks for none")
    for (event_id, template), times in intended.items():
        if times > 1:
            yield Finding(Wrong.DOUBLE, f"{times} mails {template} were intended for event {event_id}")
    yield from _arrived(evidence)


def _arrived(evidence: Evidence) -> Iterator[Finding]:
    deliveries = evidence.tables["notifications"]["deliveries"]
    arrived = Counter(mail["message_id"].strip("<>").partition("@")[0] for mail in evidence.mails)
    for delivery_id, _, template, state, reason in deliveries:
        if state == "delivered" and not arrived[delivery_id]:
            yield Finding(Wrong.LOST, f"mail {template} {delivery_id} is delivered and lies in no mailbox")
        if state == "failed" and reason != "address_refused":
            yield Finding(Wrong.LOST, f"mail {template} {delivery_id} was given up: {reason}")
    for delivery_id in arrived.keys() - {row[0] for row in deliveries}:
        yield Finding(Wrong.DOUBLE, f"a mail {delivery_id} arrived that nobody intended")
    for mail in evidence.mails:
        if mail["repeats"] and not mail["identical"]:
            yield Finding(Wrong.DIFFERENT, f"mail {mail['message_id']} arrived again with other bytes")


def repeats(evidence: Evidence) -> int:
    """Mails that arrived again, as after a lost answer."""
    return sum(bool(mail["repeats"]) for mail in evidence.mails)


def _asked_for(log: Iterator[Logged]) -> Iterator[tuple[str, str]]:
    """Event and template of every mail that the events ask for."""
    due: dict[str, int] = {}
    for row in sorted(log, key=lambda row: (row.topic, row.key, row.sequence)):
        event: dict[str, Any] = json.loads(row.value)
        match row.topic:
            case "invitation.sent":
                yield row.event_id, "e1" if event["kind"] == "designated" else "e2"
            case "admin.nominated":
                yield row.event_id, "e3"
            case "service.provisioned" if event["ordered_by"]:
                yield row.event_id, "e4"
            case "partner.billing_due":
                told, due[row.key] = due.get(row.key, 0), event["quantities"]["due"]
                if event["step"] != "settled" and due[row.key] > told:
                    yield row.event_id, "e5"
            case "domain.verified":
                yield row.event_id, "e6"
            case "order.placed" if event["actor"]["kind"] == "person":
                yield row.event_id, "e8"
