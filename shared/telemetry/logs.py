"""Logs: one JSON object per line, named by an event, with the ids that lead to traces and journeys, and without secrets."""

import logging
import re
import sys
from types import TracebackType
from typing import Any, Final

import orjson
import structlog
from opentelemetry import trace
from pydantic import SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.cause import current_cause

HIDDEN: Final = "[hidden]"
SECRET_NAME: Final = re.compile(
    r"secret|password|token|authorization|cookie|sealed|code_verifier|private_key|database_url", re.IGNORECASE
)
URL_PASSWORD: Final = re.compile(r"(\w+://[^:/\s@]+:)[^@\s/]+@")
ROW_DETAIL: Final = re.compile(r"DETAIL:.*|\[parameters:.*", re.IGNORECASE)
MAIL_ADDRESS: Final = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+")


def hide(value: Any) -> Any:
    """The value without secrets, passwords in URLs, mail addresses, or the row values that databases put in messages."""
    match value:
        case SecretStr():
            return HIDDEN
        case str():
            text = ROW_DETAIL.sub(HIDDEN, URL_PASSWORD.sub(rf"\1{HIDDEN}@", value))
            return MAIL_ADDRESS.sub(HIDDEN, text) if "@" in text else text
        case dict():
            return {name: HIDDEN if SECRET_NAME.search(str(name)) else hide(part) for name, part in value.items()}
        case list() | tuple():
            return [hide(part) for part in value]
        case _:
            return value


def _hidden(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    shown: EventDict = hide(dict(event))
    return shown


def _ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    cause = current_cause()
    if cause is not None:
        event["correlation_id"] = str(cause.correlation_id)
        if cause.event_id is not None:
            event["causation_id"] = str(cause.event_id)
    return event


def configure_logs(service: str, role: str, level: str) -> None:
    """Makes structlog and the libraries' own loggers write JSON lines to standard error, from this severity on."""

    def where(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"], event["role"] = service, role
        return event

    steps: list[Processor] = [
        where,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _ids,
        structlog.processors.format_exc_info,
        _hidden,
    ]
    structlog.configure(
        processors=[*steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    renderer = structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=str).decode())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiokafka", "httpx", "httpcore", "faststream"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    sys.excepthook = _ended


def _ended(kind: type[BaseException], fault: BaseException, trace_back: TracebackType | None) -> None:
    """What ends the process is logged like everything else, without secrets."""
    structlog.get_logger(__name__).critical("process_ended", exc_info=(kind, fault, trace_back))
