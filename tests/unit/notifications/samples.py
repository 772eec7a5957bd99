"""Made events, one for each mail and variant, and the mails written about them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from services.notifications import rules
from services.notifications.model import Background, Delivery, Envelope, Reader
from services.notifications.templates import Addresses, Sender, Writer
from shared.addresses import email_address
from shared.contracts import Actor, Event
from shared.contracts.domains import AdminDeclined, AdminNominated, DomainVerified
from shared.contracts.identity import InvitationKind, InvitationSent
from shared.contracts.provisioning import (
    BillingDue,
    BillingStep,
    Channel,
    Edition,
    OrderLine,
    OrderPlaced,
    Quantities,
    ServiceProvisioned,
)

NOON: Final = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECRET: Final = "kq3Jx0nD2bq7Yw1sT9uVfE5rA8cLmPzO4iHgNtXyWdS"


def an_id(n: int) -> UUID:
    return UUID(f"019c0000-0000-7000-8000-{n:012d}")


HARRY, NORA, CONTOSO, ACCOUNT, ADATUM, EVENT = (an_id(n) for n in range(1, 7))
BY_NORA: Final = Actor(kind="person", id=str(NORA))
ENTERPRISE: Final = Edition(
    edition_id=an_id(20),
    sku="ENT-E1",
    group="online",
    product="office",
    names={"fr": "Entreprise E1", "en": "Enterprise E1"},
)
VISIO: Final = Edition(
    edition_id=an_id(21), sku="VIS-P", group="online", product="drawing", names={"fr": "Dessin Pro", "en": "Drawing Pro"}
)

INVITATION: Final = InvitationSent(
    version=1,
    occurred_at=NOON,
    actor=Actor(kind="service", id="identity"),
    invitation_id=an_id(10),
    kind=InvitationKind.DESIGNATED,
    organisation_id=CONTOSO,
    agreement_number="MPSA-4711",
    account_names=("Contoso Paris", "Contoso Lyon"),
    partner_name="Adatum",
    legal_name="Contoso SA",
    roles=("account_admin",),
    language="fr",
    time_zone="Europe/Paris",
    expires_at=NOON + timedelta(days=60),
    sealed="sealed",
)
WELCOME: Final = INVITATION.model_copy(
    update={
        "kind": InvitationKind.COLLEAGUE,
        "roles": ("account_manager", "report_viewer"),
        "account_names": ("Contoso Paris",),
        "inviter_id": HARRY,
    }
)
NOMINATION: Final = AdminNominated(
    version=2,
    occurred_at=NOON,
    actor=BY_NORA,
    claim_id=an_id(11),
    nomination_id=an_id(12),
    organisation_id=CONTOSO,
    domain="contoso.com",
    display="contoso.com",
    legal_name="Contoso SA",
    nominator_id=NORA,
    language="fr",
    time_zone="Europe/Paris",
    expires_at=NOON + timedelta(days=60),
    sealed="sealed",
)
VERIFIED: Final = DomainVerified(
    version=4,
    occurred_at=NOON,
    actor=Actor(kind="service", id="domains"),
    claim_id=an_id(11),
    generation=1,
    organisation_id=CONTOSO,
    domain="xn--contos-sxa.com",
    display="contosö.com",
    account_ids=(ACCOUNT,),
    admin_id=HARRY,
    nominator_id=NORA,
    servers=2,
)
DECLINED: Final = AdminDeclined(
    version=3,
    occurred_at=NOON,
    actor=Actor(kind="person", id=str(HARRY)),
    claim_id=an_id(11),
    nomination_id=an_id(12),
    organisation_id=CONTOSO,
    domain="contoso.com",
    display="contoso.com",
    nominator_id=NORA,
)
ORDER: Final = OrderPlaced(
    version=1,
    occurred_at=NOON,
    actor=BY_NORA,
    order_id=an_id(13),
    number="O-2026-000042",
    channel=Channel.SELF,
    organisation_id=CONTOSO,
    account_id=ACCOUNT,
    account_name="Contoso Paris",
    partner_id=ADATUM,
    lines=(
        OrderLine(line_id=an_id(14), entitlement_id=an_id(15), edition=ENTERPRISE, quantity=1300, renews_on=date(2027, 2, 1)),
        OrderLine(line_id=an_id(16), entitlement_id=an_id(17), edition=VISIO, quantity=100, renews_on=date(2027, 2, 1)),
    ),
    domain_verified=False,
    ready_by=NOON + timedelta(hours=4),
    time_zone="Europe/Paris",
)
WAITING: Final = ServiceProvisioned(
    version=2,
    occurred_at=NOON,
    actor=Actor(kind="service", id="provisioning"),
    entitlement_id=an_id(15),
    order_id=ORDER.order_id,
    order_number=ORDER.number,
    ordered_by=NORA,
    organisation_id=CONTOSO,
    account_id=ACCOUNT,
    account_name="Contoso Paris",
    partner_id=ADATUM,
    edition=ENTERPRISE,
    quantity=300,
    available=300,
    usable_from=NOON + timedelta(minutes=5),
    usable=False,
    missing=("domain",),
    time_zone="Europe/Paris",
)
READY: Final = WAITING.model_copy(update={"usable": True, "missing": (), "available": 450})
USABLE_NOW: Final = WAITING.model_copy(update={"usable": True, "missing": (), "quantity": 0})
BILLING: Final = BillingDue(
    version=1,
    occurred_at=NOON,
    actor=Actor(kind="service", id="provisioning"),
    obligation_id=an_id(18),
    step=BillingStep.OPENED,
    open=True,
    partner_id=ADATUM,
    partner_slug="adatum",
    organisation_id=CONTOSO,
    account_id=ACCOUNT,
    account_number="PA-100234",
    account_name="Contoso Paris",
    legal_name="Contoso SA",
    country="FR",
    agreement_number="MPSA-4711",
    entitlement_id=an_id(15),
    edition=ENTERPRISE,
    quantities=Quantities(available=450, ordered=300, unordered=150, due=150),
    term_starts_on=date(2026, 2, 1),
    term_ends_on=date(2027, 2, 1),
    first_used_at=NOON - timedelta(days=1),
    time_zone="Europe/Paris",
)

ORIGIN: Final = rules.Origin(EVENT, an_id(90), None)
SENDER: Final = Sender(
    address=email_address("vestibule@vendor.example"),
    name="Northwind Licences",
    legal="Northwind SAS, 1 rue de la Paix, 75002 Paris, RCS Paris 123 456 789",
    language="fr",
)
WRITER: Final = Writer(SENDER, Addresses("https://id.vendor.example", "https://portal.vendor.example"))
WITHOUT_PORTAL: Final = Writer(SENDER, Addresses("https://id.vendor.example", None))


@dataclass(frozen=True)
class Sample:
    """An event with the rest of what its mail is written from."""

    name: str
    event: Event
    name_of_reader: str
    background: Background = field(default_factory=Background)

    def reader(self, language: str) -> Reader:
        return Reader("harry@contoso.com", self.name_of_reader, language, "Europe/Paris")

    def mail(self, language: str, writer: Writer = WRITER) -> Envelope:
        return writer(a_delivery(self.event), self.event, self.reader(language), self.background)


def a_delivery(event: Event = ORDER) -> Delivery:
    intended = rules.intend(event, ORIGIN, now=NOON)
    assert intended is not None
    return intended


BY_PARTNER: Final = Background(partner_name="Adatum")
SAMPLES: Final = {
    sample.name: sample
    for sample in (
        Sample("e1-invitation", INVITATION, "Harry", Background(secret=SECRET)),
        Sample("e2-welcome", WELCOME, "Nora", Background(secret=SECRET, named_by="Harry Roldan")),
        Sample("e3-nomination", NOMINATION, "", Background(secret=SECRET, named_by="Nora Blanc")),
        Sample("e4-ready", READY, "Nora", BY_PARTNER),
        Sample("e4-ready-without-domain", WAITING, "Nora", BY_PARTNER),
        Sample("e4-ready-domain-came", USABLE_NOW, "Nora"),
        Sample("e5-billing-due", BILLING, ""),
        Sample("e6-verified", VERIFIED, "Nora", Background(account_names=("Contoso Lyon", "Contoso Paris"))),
        Sample("e7-declined", DECLINED, "Nora", Background(declined_by="Harry Roldan")),
        Sample("e8-received", ORDER, "Nora", BY_PARTNER),
        Sample("e8-received-with-domain", ORDER.model_copy(update={"domain_verified": True}), "Nora", BY_PARTNER),
    )
}


def every() -> Iterator[tuple[Sample, str]]:
    for sample in SAMPLES.values():
        for language in ("fr", "en"):
            yield sample, language


def named(sample: Sample, name: str) -> Sample:
    return replace(sample, name_of_reader=name)
