"""What domains tells: claims, nominations and proofs."""

from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts import Event


class DomainAssociated(Event, topic="domain.associated", owner="domains", key="claim_id"):
    """A purchasing account now belongs to a domain; not proved yet unless `verified` says so (R-10)."""

    claim_id: UUID = Field(description="The organisation's claim on the domain.")
    organisation_id: UUID = Field(description="The organisation.")
    account_id: UUID = Field(description="The account that was associated.")
    domain: str = Field(description="A-label form, lower case, no final dot.")
    display: str = Field(description="The form that people read (U-labels).")
    verified: bool = Field(description="Whether the claim was proved before this account joined it.")


class AdminNominated(Event, topic="admin.nominated", owner="domains", key="claim_id"):
    """Somebody is asked to be the domain's global administrator. Address and link secret are sealed to notifications."""

    claim_id: UUID = Field(description="The claim.")
    nomination_id: UUID = Field(description="The nomination.")
    organisation_id: UUID = Field(description="The organisation.")
    domain: str = Field(description="A-label form.")
    display: str = Field(description="The form that people read.")
    legal_name: str = Field(description="The organisation's legal name.")
    nominator_id: UUID = Field(description="The person who nominates.")
    language: str = Field(description="Language of the mail.")
    time_zone: str = Field(description="IANA name for the end date in the mail.")
    expires_at: AwareDatetime = Field(description="The link ends then.")
    sealed: str = Field(description="JWE to notifications' key: `email`, `secret`.")


class AdminAccepted(Event, topic="admin.accepted", owner="domains", key="claim_id"):
    """The nominee said yes and will prove the domain."""

    claim_id: UUID = Field(description="The claim.")
    nomination_id: UUID = Field(description="The nomination.")
    organisation_id: UUID = Field(description="The organisation.")
    domain: str = Field(description="A-label form.")
    person_id: UUID = Field(description="The global administrator.")


class AdminDeclined(Event, topic="admin.declined", owner="domains", key="claim_id"):
    """The nominee said no."""

    claim_id: UUID = Field(description="The claim.")
    nomination_id: UUID = Field(description="The nomination.")
    organisation_id: UUID = Field(description="The organisation.")
    domain: str = Field(description="A-label form.")
    display: str = Field(description="The form that people read.")
    nominator_id: UUID = Field(description="Who had nominated and is told (E7).")


class AdminNominationExpired(Event, topic="admin.nomination_expired", owner="domains", key="claim_id"):
    """The nominee did not answer in time."""

    claim_id: UUID = Field(description="The claim.")
    nomination_id: UUID = Field(description="The nomination.")
    organisation_id: UUID = Field(description="The organisation.")
    domain: str = Field(description="A-label form.")
    nominator_id: UUID = Field(description="Who had nominated.")


class DomainVerified(Event, topic="domain.verified", owner="domains", key="claim_id"):
    """The domain's DNS administrator has proved the claim. Told exactly once per claim and generation."""

    claim_id: UUID = Field(description="The claim.")
    generation: int = Field(ge=1, description="Which proof of this claim; a lost and proved again domain has the next one.")
    organisation_id: UUID = Field(description="The organisation.")
    domain: str = Field(description="A-label form.")
    display: str = Field(description="The form that people read.")
    account_ids: tuple[UUID, ...] = Field(description="Every purchasing account associated at this moment.")
    admin_id: UUID = Field(description="The global administrator.")
    nominator_id: UUID = Field(description="Who nominated and is told (E6).")
    servers: int = Field(ge=1, description="How many authoritative addresses answered, all alike.")
