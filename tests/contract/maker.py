"""Makes a first sample of every event, and keeps the schema under which it was published.

`python -m tests.contract.maker` adds what is missing and changes nothing that is there: what was published once is a
promise, and its samples stay for good.
"""

import json
import types
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AwareDatetime, BaseModel

from shared.contracts import Contract
from shared.contracts.registry import every

GOLDEN = Path(__file__).parent / "golden"

TEXTS = {
    "account_name": "Contoso Paris",
    "account_names": "Contoso Paris",
    "account_number": "ACC-7F3K",
    "about_key": "019c0000-0000-7000-8000-000000000001",
    "about_topic": "invitation.sent",
    "agreement_number": "MPSA-4M7T",
    "country": "FR",
    "display": "contoso.com",
    "domain": "contoso.com",
    "email": "harry@contoso.com",
    "first_name": "Harry",
    "group": "office",
    "id": "019c0000-0000-7000-8000-00000000aa01",
    "language": "fr",
    "last_name": "Roldan",
    "legal_name": "Contoso SARL",
    "name": "Contoso Paris",
    "number": "ACC-7F3K",
    "order_number": "ORD-3D9Q",
    "partner_name": "Adatum",
    "partner_reference": "PO-2026-118",
    "partner_slug": "adatum",
    "place": "Paris",
    "product": "exchange",
    "roles": "account_manager",
    "sealed": "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyJ9.sealed.sealed.sealed.sealed",
    "sku": "EX-PLAN1",
    "slug": "adatum",
    "status": "5.1.1",
    "template": "e1",
    "time_zone": "Europe/Paris",
}

SAID: dict[str, Any] = {
    "agreement.signed.number": "MPSA-4M7T",
    "identity.access.disabled": False,
    "identity.access.partner_id": None,
    "identity.access.actor.on_behalf_of": None,
    "identity.access.grants.scope.kind": "organisation",
    "identity.access.grants.permissions": ["users.invite"],
    "invitation.expired.replaced_by": None,
    "order.placed.number": "ORD-3D9Q",
    "order.placed.partner_reference": None,
    "order.placed.domain_verified": False,
    "partner.billing_due.step": "settled",
    "partner.billing_due.quantities.ordered": 200,
    "partner.billing_due.quantities.unordered": 100,
    "partner.billing_due.quantities.due": 100,
    "partner.billing_due.allocations.quantity": 200,
    "partner.billing_due.term_starts_on": "2026-03-01",
    "partner.billing_due.term_ends_on": "2027-03-01",
    "seat.assigned.seats.assigned": 1,
    "seat.released.seats.assigned": 0,
    "service.provisioned.usable": False,
    "domain.verified.generation": 1,
    "domain.verified.servers": 4,
}
"""What a sample says where the kind of the field alone would read oddly."""


def sample(model: type[BaseModel], path: str) -> dict[str, Any]:
    """One instance with every field given, optional ones too, the same each time."""
    given = {}
    for name, field in model.model_fields.items():
        place = f"{path}.{name}"
        given[name] = SAID[place] if place in SAID else value(field.annotation, name, place)
    return given


def value(kind: Any, name: str, path: str) -> Any:
    """A value of this kind that reads like the story of the guides."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return value(next(part for part in inner if part is not type(None)), name, path)
    if origin is Literal:
        return inner[0]
    if origin in (tuple, frozenset):
        return [value(inner[0], name, path)]
    if issubclass(kind, Enum):
        return next(iter(kind)).value
    if issubclass(kind, BaseModel):
        return sample(kind, path)
    return PLAIN[origin or kind](name)


PLAIN: dict[Any, Callable[[str], Any]] = {
    bool: lambda _: True,
    int: lambda _: 300,
    str: lambda name: TEXTS[name],
    dict: lambda _: {"en": "Exchange Online Plan 1", "fr": "Exchange Online Plan 1"},
    date: lambda _: "2026-06-02",
    AwareDatetime: lambda _: "2026-06-02T12:00:00Z",
    UUID: lambda name: str(uuid5(NAMESPACE_URL, f"urn:vestibule:sample:{name}")),
}


def main() -> None:
    """Adds what is missing for every topic."""
    for contract in every():
        folder = GOLDEN / contract.topic
        folder.mkdir(parents=True, exist_ok=True)
        given = contract.model.model_validate({**sample(contract.model, contract.topic), "version": 1})
        _add(folder / "1.json", given.model_dump(mode="json"))
        _add(folder / "published.schema.json", schema(contract))


def schema(contract: Contract) -> Mapping[str, Any]:
    """The JSON Schema of the event, as its readers may rely on it."""
    return contract.model.model_json_schema()


def _add(path: Path, content: Any) -> None:
    if not path.exists():
        path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
