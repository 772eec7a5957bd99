"""Claims on domains, the purchasing accounts they serve, and who is asked to administer them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.addresses import EmailAddress
from shared.contracts.access import Place
from shared.lifecycle import Lifecycle, lifecycle


class ClaimState(StrEnum):
    """How far a claim has come on its way to proof."""

    ASSOCIATED = "associated"
    NOMINATED = "nominated"
    ACCEPTED = "accepted"
    VERIFIED = "verified"


CLAIM_LIFECYCLE: Final[Lifecycle[ClaimState]] = lifecycle(
    {
        ClaimState.ASSOCIATED: {ClaimState.NOMINATED},
        ClaimState.NOMINATED: {ClaimState.NOMINATED, ClaimState.ACCEPTED, ClaimState.ASSOCIATED},
        ClaimState.ACCEPTED: {ClaimState.VERIFIED},
        ClaimState.VERIFIED: set(),
    }
)


@dataclass(frozen=True)
class Claim:
    """One organisation's claim on one domain. Further accounts of the organisation join it (R-10)."""

    id: UUID
    organisation_id: UUID
    domain: str
    display: str
    state: ClaimState
    generation: int
    """Which proof is asked for or was given; part of the record's value."""
    nominator_id: UUID | None
    admin_id: UUID | None
    """The global administrator, from acceptance on (R-12)."""
    claimed_at: datetime
    verified_at: datetime | None
    version: int


@dataclass(frozen=True)
class Account:
    """A purchasing account as identity last told it, and the claim that it belongs to."""

    id: UUID
    organisation_id: UUID
    agreement_id: UUID
    partner_id: UUID
    legal_name: str
    time_zone: str
    version: int
    """The version of identity's account that this copies."""
    claim_id: UUID | None

    @property
    def where(self) -> Place:
        """Where everything that the account has belongs."""
        return Place.of_account(self)


class NominationState(StrEnum):
    """What became of a nomination."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REPLACED = "replaced"
    EXPIRED = "expired"


NOMINATION_LIFECYCLE: Final[Lifecycle[NominationState]] = lifecycle(
    {
        NominationState.PENDING: {
            NominationState.ACCEPTED,
            NominationState.DECLINED,
            NominationState.REPLACED,
            NominationState.EXPIRED,
        },
        NominationState.ACCEPTED: set(),
        NominationState.DECLINED: set(),
        NominationState.REPLACED: set(),
        NominationState.EXPIRED: set(),
    }
)


@dataclass(frozen=True)
class Nomination:
    """Somebody is asked to be the claim's global administrator."""

    id: UUID
    claim_id: UUID
    organisation_id: UUID
    state: NominationState
    email: EmailAddress | None
    """Whose answer counts; forgotten once the nomination has ended."""
    secret_hash: bytes
    """SHA-256 of the link's secret, which is kept nowhere."""
    nominator_id: UUID
    nominated_at: datetime
    expires_at: datetime
    answered_by: UUID | None
    version: int


@dataclass(frozen=True)
class Nominating:
    """A claim with its new nomination, and the one that this replaces."""

    claim: Claim
    nomination: Nomination
    replaced: Nomination | None


@dataclass(frozen=True)
class Answer:
    """A claim with the nomination that has just ended."""

    claim: Claim
    nomination: Nomination
