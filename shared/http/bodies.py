"""What a request may carry: closed models whose text is clean and whose numbers are numbers."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.http.text import CLEAN_PATTERN, all_clean

LONGEST_TEXT: Final = 2_000
LARGEST_NUMBER: Final = 2**31 - 1


def _say_clean(schema: dict[str, Any]) -> None:
    """Lets the description of a body say which characters its text may hold."""
    pending: list[Any] = list(schema.get("properties", {}).values())
    while pending:
        part = pending.pop()
        if part.get("type") == "string" and not {"pattern", "format", "enum", "const"} & part.keys():
            part["pattern"] = CLEAN_PATTERN
        pending += [
            *part.get("anyOf", ()),
            *(part[key] for key in ("items", "additionalProperties") if isinstance(part.get(key), dict)),
        ]


class Body(BaseModel):
    """A JSON object from outside. Unknown fields, control characters, numbers in quotation marks and huge ones are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_max_length=LONGEST_TEXT, hide_input_in_errors=True, json_schema_extra=_say_clean
    )

    @field_validator("*", mode="before")
    @classmethod
    def _as_sent(cls, value: Any, info: ValidationInfo) -> Any:
        wanted = cls.model_fields[info.field_name or ""].annotation
        if wanted in (int, int | None) and value is not None and type(value) not in (int, float):
            raise PydanticCustomError("int_type", "Input should be a whole number")
        if wanted in (bool, bool | None) and value is not None and type(value) is not bool:
            raise PydanticCustomError("bool_type", "Input should be true or false")
        if type(value) is int and abs(value) > LARGEST_NUMBER:
            raise PydanticCustomError("number_too_large", "Input should be a smaller number")
        if not all_clean(value):
            raise PydanticCustomError("control_character", "Text should hold no control characters")
        return value


class Answer(BaseModel):
    """What an answer carries; its fields only ever become more."""

    model_config = ConfigDict(frozen=True)
