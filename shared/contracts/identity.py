"""What identity tells: agreements and accounts, invitations, people and partners."""

from datetime import date
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts import Event

PROFILES: Final = ("notifications", "portal")
"""Who may read what is personal."""


class PersonProfile(Event, topic="person.profile", owner="identity", key="person_id", compacted=True, readers=PROFILES):
    """A person as those who write to them need it. With `partner.profile` the only topic with personal data in clear."""

    person_id: UUID = Field(description="The person.")
    organisation_id: UUID = Field(description="Their organisation.")
    email: str = Field(description="The address they sign in and are written to with.")
    first_name: str = Field(description="Given name.")
    last_name: str = Field(description="Family name.")
    language: str = Field(description="Language of their mails and pages, `fr` or `en` (R-09).")
    country: str = Field(description="ISO 3166-1 alpha-2.")
    time_zone: str = Field(description="IANA name, for dates in mails.")


class PartnerProfile(Event, topic="partner.profile", owner="identity", key="partner_id", compacted=True, readers=PROFILES):
    """A partner as those who write to it need it."""

    partner_id: UUID = Field(description="The partner.")
    slug: str = Field(description="Short name, part of the partner's topic.")
    name: str = Field(description="The company's name.")
    email: str = Field(description="Where billing mail goes.")
    language: str = Field(description="Language of that mail.")
    time_zone: str = Field(description="IANA name.")


class AgreementSigned(Event, topic="agreement.signed", owner="identity", key="agreement_id"):
    """A customer has signed. Its purchasing accounts follow, one `account.registered` each."""

    agreement_id: UUID = Field(description="The agreement.")
    number: str = Field(description="The number that people read.")
    organisation_id: UUID = Field(description="The customer.")
    partner_id: UUID = Field(description="The partner it buys through.")
    legal_name: str = Field(description="The customer's legal name.")
    starts_on: date = Field(description="First day; its anniversary is the renewal date.")
    time_zone: str = Field(description="IANA name in which the agreement's days are counted.")
    account_ids: tuple[UUID, ...] = Field(description="Its purchasing accounts.")


class AccountRegistered(Event, topic="account.registered", owner="identity", key="account_id", compacted=True):
    """A purchasing account with all that other services need to know of where it belongs."""

    account_id: UUID = Field(description="The purchasing account.")
    number: str = Field(description="The number that people read.")
    name: str = Field(description="The account's name.")
    place: str = Field(description="City.")
    country: str = Field(description="ISO 3166-1 alpha-2.")
    legal_name: str = Field(description="The customer's legal name.")
    organisation_id: UUID = Field(description="The customer.")
    agreement_id: UUID = Field(description="The agreement.")
    agreement_number: str = Field(description="The agreement's number.")
    agreement_starts_on: date = Field(description="First day; its anniversary is the renewal date.")
    time_zone: str = Field(description="IANA name in which the agreement's days are counted.")
    partner_id: UUID = Field(description="The partner.")
    partner_slug: str = Field(description="The partner's short name, part of its topic.")
    partner_name: str = Field(description="The partner company's name.")


class InvitationKind(StrEnum):
    """Why somebody is invited."""

    DESIGNATED = "designated"
    COLLEAGUE = "colleague"


class InvitationSent(Event, topic="invitation.sent", owner="identity", key="invitation_id"):
    """Somebody is invited; told for each sending. Address, names and the link's secret are sealed to notifications."""

    invitation_id: UUID = Field(description="The invitation.")
    kind: InvitationKind = Field(description="The agreement's designated administrator (E1), or a colleague (E2).")
    organisation_id: UUID = Field(description="The organisation that is joined.")
    agreement_number: str = Field(description="For the reader, and to quote.")
    account_names: tuple[str, ...] = Field(description="The purchasing accounts that the roles hold at.")
    partner_name: str = Field(description="Who can change the designation.")
    legal_name: str = Field(description="The organisation's legal name.")
    roles: tuple[str, ...] = Field(description="The roles on offer.")
    language: str = Field(description="Language of the mail (R-09).")
    time_zone: str = Field(description="IANA name for the end date in the mail.")
    expires_at: AwareDatetime = Field(description="The link ends then (R-01).")
    inviter_id: UUID | None = Field(default=None, description="The person who invites; nobody for a designated administrator.")
    sealed: str = Field(description="JWE to notifications' key: `email`, `first_name`, `last_name`, `secret`, `inviter_name`.")


class InvitationAccepted(Event, topic="invitation.accepted", owner="identity", key="invitation_id"):
    """The invited person has opened a work account, or joined with the one they had."""

    invitation_id: UUID = Field(description="The invitation.")
    organisation_id: UUID = Field(description="The organisation joined.")
    person_id: UUID = Field(description="Who they are from now on.")
    roles: tuple[str, ...] = Field(description="The roles taken up.")


class InvitationExpired(Event, topic="invitation.expired", owner="identity", key="invitation_id"):
    """The invitation ended unused: its 60 days passed, or a newer one took its place."""

    invitation_id: UUID = Field(description="The invitation.")
    organisation_id: UUID = Field(description="The organisation it would have joined.")
    reason: Literal["expired", "replaced"] = Field(description="Why it ended.")
    replaced_by: UUID | None = Field(default=None, description="The newer invitation.")
