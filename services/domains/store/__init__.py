"""Loading and keeping what domains owns. Whatever a command will change is loaded by a function that says `locked`."""

from services.domains.store.claims import (
    account_locked,
    accounts_of,
    claim,
    claim_locked,
    claim_of_organisation_locked,
    join,
    keep,
    keep_accounts,
    lock_domain,
    taken,
)
from services.domains.store.nominations import (
    due_nominations,
    keep_answer,
    keep_nominating,
    nomination_by_secret,
    nomination_locked,
    nominations_full_since,
    pending_nomination_locked,
)
from services.domains.store.proofs import due_watches_locked, keep_proof, keep_watch, watch, watch_locked

__all__ = [
    "account_locked",
    "accounts_of",
    "claim",
    "claim_locked",
    "claim_of_organisation_locked",
    "due_nominations",
    "due_watches_locked",
    "join",
    "keep",
    "keep_accounts",
    "keep_answer",
    "keep_nominating",
    "keep_proof",
    "keep_watch",
    "lock_domain",
    "nomination_by_secret",
    "nomination_locked",
    "nominations_full_since",
    "pending_nomination_locked",
    "taken",
    "watch",
    "watch_locked",
]
