"""How values stand in the columns of any service: moments, words of closed lists, addresses, small documents."""

from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, DateTime, Dialect, Enum, Text, TypeDecorator, collate, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from shared.addresses import EmailAddress

Value = TypeVar("Value")

MOMENT: Final = DateTime(timezone=True)


def word(kind: type[StrEnum]) -> Enum:
    """A word of a closed list, kept as text."""
    return Enum(kind, native_enum=False, values_callable=lambda members: [member.value for member in members])


class Address(TypeDecorator[EmailAddress]):
    """An e-mail address, which was checked when it came in."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def process_result_value(self, value: Any, dialect: Dialect) -> EmailAddress | None:  # noqa: ARG002  the base class's
        return None if value is None else EmailAddress(value)


def folded(address: ColumnElement[EmailAddress]) -> ColumnElement[str]:
    """What `EmailAddress.folded` says of the address in this column, whatever the database's own collation is."""
    return func.lower(collate(address, "C"))


class AsJson(TypeDecorator[Value], Generic[Value]):
    """A value kept as a JSON document, checked when it is read."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = JSONB(none_as_null=True)
    cache_ok: bool | None = True

    def __init__(self, adapter: TypeAdapter[Value]) -> None:
        super().__init__()
        self.adapter = adapter

    def process_bind_param(self, value: Value | None, dialect: Dialect) -> Any:  # noqa: ARG002  the base class's
        return None if value is None else self.adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Value | None:  # noqa: ARG002  the base class's
        return None if value is None else self.adapter.validate_python(value)
