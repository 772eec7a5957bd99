"""Which rows somebody may see: the part of every list's question that comes from their rights."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, false, or_, true

from services.identity import tables
from shared.contracts.access import Scope, ScopeKind


def accounts_in(scopes: Iterable[Scope]) -> ColumnElement[bool]:
    """Holds for the purchasing accounts that one of the scopes covers."""
    return or_(false(), *(_covers(scope) for scope in scopes))


def _covers(scope: Scope) -> ColumnElement[bool]:
    match scope.kind:
        case ScopeKind.VENDOR:
            return true()
        case ScopeKind.PARTNER:
            return tables.account.c.partner_id == scope.id
        case ScopeKind.ORGANISATION:
            return tables.account.c.organisation_id == scope.id
        case ScopeKind.AGREEMENT:
            return tables.account.c.agreement_id == scope.id
        case ScopeKind.ACCOUNT:
            return tables.account.c.id == scope.id
