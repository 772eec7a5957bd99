"""How identity's values stand in columns: words of enumerations as text, small lists as JSON."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, Literal, TypeVar

from sqlalchemy import ColumnElement, Dialect, MetaData, Text, TypeDecorator, or_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from services.identity.model import Holding, Role
from shared.contracts.access import Permission, Scope

metadata = MetaData()

Value = TypeVar("Value")


class PersonOrClient(TypeDecorator[Literal["person", "client"]]):
    """The kind of a subject."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True


class Listed(TypeDecorator[tuple[Value, ...]], Generic[Value]):
    """A small bounded list inside its owner's row, as JSON."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = JSONB
    cache_ok: bool | None = True

    def __init__(self, write: Callable[[Value], Any], read: Callable[[Any], Value]) -> None:
        self.write = write
        self.read = read
        super().__init__()

    def process_bind_param(self, value: tuple[Value, ...] | None, dialect: Dialect) -> Any:  # noqa: ARG002  the base class's
        return None if value is None else [self.write(one) for one in value]

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[Value, ...] | None:  # noqa: ARG002  the base class's
        return None if value is None else tuple(self.read(one) for one in value)


def write_scope(scope: Scope) -> dict[str, str | None]:
    """A scope as it stands in JSON columns."""
    return {"kind": scope.kind.value, "id": str(scope.id) if scope.id else None}


def names_one_of(column: ColumnElement[Any], scopes: Iterable[Scope], *path: str) -> ColumnElement[bool]:
    """Holds where the JSON list names one of the scopes, `path` being where in its elements."""
    listed = type_coerce(column, JSONB)
    return or_(*(listed.contains([_under(path, write_scope(scope))]) for scope in scopes))


def _under(path: tuple[str, ...], value: Any) -> Any:
    for name in reversed(path):
        value = {name: value}
    return value


def _write_holding(holding: Holding) -> dict[str, Any]:
    return {
        "scope": write_scope(holding.scope),
        "roles": sorted(holding.roles),
        "permissions": sorted(holding.permissions),
    }


def _read_holding(value: dict[str, Any]) -> Holding:
    return Holding(
        scope=Scope.model_validate(value["scope"]),
        roles=frozenset(Role(role) for role in value["roles"]),
        permissions=frozenset(Permission(permission) for permission in value["permissions"]),
    )


HOLDINGS: Final[Listed[Holding]] = Listed(_write_holding, _read_holding)
SCOPES: Final[Listed[Scope]] = Listed(write_scope, Scope.model_validate)
ROLES: Final[Listed[Role]] = Listed(lambda role: role.value, Role)
TEXTS: Final[Listed[str]] = Listed(lambda text: text, str)
