"""What a sighting means: a verdict of three values and the mistakes that explain it. No clock, no network, no chance."""

from typing import Final

from services.domains.model import (
    Alias,
    Cause,
    CauseCode,
    Fault,
    Lookup,
    NoRecord,
    Outcome,
    Report,
    ServerReport,
    Sighting,
    Texts,
    Transport,
    Verdict,
    View,
)

SHOWN: Final = 100
"""How much of a stranger's text is shown."""

MOST_VALUES: Final = 8
"""How many values of one server are shown."""

MOST_CAUSES: Final = 12
"""How many mistakes are named; a zone can hold thousands of records."""

QUOTES: Final = "\"'`´‘’“”„«»".encode()


def judge(sighting: Sighting, *, token: str, older: tuple[str, ...] = ()) -> Report:
    """The verdict on a sighting, with the mistakes that explain it; `older` are tokens of the claim's earlier generations.

    Present only if every server that answers holds the token, at least two do (or the only one), all over TCP, and a
    name beside the record does not answer alike. Absent if none that answers holds it. Otherwise unknown.
    """
    verdict, causes = _decide(sighting, _expected(token), tuple(_expected(text) for text in older))
    last = sighting.record[-1]
    return Report(
        verdict=verdict,
        causes=causes,
        zone=last.zone,
        servers=tuple(_server_report(view) for view in last.views),
        agreeing=len(_answered(last)) if verdict is not Verdict.UNKNOWN else 0,
        transport=sighting.transport.value,
        queries=sighting.queries,
        negative_ttl=max(
            (
                view.outcome.negative_ttl
                for view in last.views
                if isinstance(view.outcome, NoRecord) and view.outcome.negative_ttl
            ),
            default=None,
        ),
    )


def _decide(sighting: Sighting, token: bytes, older: tuple[bytes, ...]) -> tuple[Verdict, tuple[Cause, ...]]:
    last = sighting.record[-1]
    answered = _answered(last)
    without = [view for view in answered if not _holds(view.outcome, token)]
    if hindrance := next(filter(None, map(_hindrance, sighting.record)), ()):
        return Verdict.UNKNOWN, hindrance
    if without == answered:
        return Verdict.ABSENT, (*_mistakes(sighting, token, older), *_faults(last))
    if without:
        differ = (Cause(CauseCode.SERVERS_DIFFER, name=f"{view.server} {view.address}") for view in without)
        return Verdict.UNKNOWN, (*differ, *_faults(last))
    return _decide_what_all_hold(sighting, token)


def _decide_what_all_hold(sighting: Sighting, token: bytes) -> tuple[Verdict, tuple[Cause, ...]]:
    sibling = sighting.sibling
    if sibling is None or sighting.transport is not Transport.TCP:
        return Verdict.UNKNOWN, (Cause(CauseCode.NOT_CONFIRMED),)
    if hindrance := _hindrance(sibling):
        return Verdict.UNKNOWN, hindrance
    if _answers_alike(sighting.record[0], sibling, token):
        return Verdict.ABSENT, (Cause(CauseCode.WILDCARD, name=sibling.name),)
    return Verdict.PRESENT, _faults(sighting.record[-1])


def _hindrance(lookup: Lookup) -> tuple[Cause, ...]:
    """Why the lookup can't be judged; empty when it can."""
    if lookup.impasse:
        return (Cause(CauseCode.IMPASSE, name=lookup.impasse.at, found=lookup.impasse.kind.value), *_faults(lookup))
    if len(_answered(lookup)) < max(1, min(2, len(lookup.views))):
        return (Cause(CauseCode.TOO_FEW_SERVERS, name=lookup.zone), *_faults(lookup))
    return ()


def _answers_alike(record: Lookup, sibling: Lookup, token: bytes) -> bool:
    """Whether the record is only what the zone answers for any name: a wildcard of its own, or one that leads away."""
    aliased = any(isinstance(view.outcome, Alias) for view in record.views)
    return any(isinstance(view.outcome, Alias) if aliased else _holds(view.outcome, token) for view in sibling.views)


def _mistakes(sighting: Sighting, token: bytes, older: tuple[bytes, ...]) -> tuple[Cause, ...]:
    """What went wrong when the record is not there, the surest first, each once."""
    found: dict[Cause, None] = {}
    for misplaced, code in ((sighting.doubled, CauseCode.NAME_DOUBLED), (sighting.apex, CauseCode.AT_APEX)):
        if misplaced and any(_holds(view.outcome, token) for view in misplaced.views):
            found[Cause(code, name=misplaced.name)] = None
    for view in sighting.record[-1].views:
        match view.outcome:
            case Texts(values):
                for value in values:
                    found[_wrong_value(value, token, older)] = None
            case NoRecord(name_exists=True):
                found[Cause(CauseCode.NO_TXT, name=sighting.record[-1].name)] = None
            case NoRecord():
                found[Cause(CauseCode.NAME_MISSING, name=sighting.record[-1].name)] = None
            case Alias() | Fault():
                pass
    surest_first = sorted(found, key=lambda cause: cause.code is CauseCode.OTHER_VALUE)
    return tuple(surest_first[:MOST_CAUSES])


def _wrong_value(value: bytes, token: bytes, older: tuple[bytes, ...]) -> Cause:
    shown = escaped(value)
    if any(_first_field(value) == earlier for earlier in older):
        return Cause(CauseCode.OLDER_GENERATION, found=shown)
    if _first_field(value.strip()) == token:
        return Cause(CauseCode.VALUE_PADDED, found=shown)
    if _first_field(value.strip().strip(QUOTES).strip()).rstrip(QUOTES) == token:
        return Cause(CauseCode.VALUE_QUOTED, found=shown)
    return Cause(CauseCode.OTHER_VALUE, found=shown)


def _faults(lookup: Lookup) -> tuple[Cause, ...]:
    return tuple(
        Cause(CauseCode.SERVER_FAULT, name=f"{view.server} {view.address}", found=view.outcome.kind.value)
        for view in lookup.views
        if isinstance(view.outcome, Fault)
    )


def _answered(lookup: Lookup) -> list[View]:
    return [view for view in lookup.views if not isinstance(view.outcome, Fault)]


def _expected(token: str) -> bytes:
    return f"token={token}".encode()


def _first_field(value: bytes) -> bytes:
    return value.split(b" ", 1)[0]


def _holds(outcome: Outcome, token: bytes) -> bool:
    return isinstance(outcome, Texts) and any(_first_field(value) == token for value in outcome.values)


def _server_report(view: View) -> ServerReport:
    result, found = _shown_outcome(view.outcome)
    return ServerReport(view.server, view.address, result, found, view.milliseconds)


def _shown_outcome(outcome: Outcome) -> tuple[str, tuple[str, ...]]:
    match outcome:
        case Texts(values):
            return "texts", tuple(escaped(value) for value in values[:MOST_VALUES])
        case Alias(target):
            return "alias", (target,)
        case NoRecord(name_exists):
            return ("no-txt" if name_exists else "no-name"), ()
        case Fault(kind):
            return kind.value, ()


def escaped(value: bytes) -> str:
    r"""The text of a record fit to be shown: printable ASCII, anything else as `\ddd` (RFC 1035 §5.1), cut short."""
    shown = "".join(chr(octet) if 32 <= octet < 127 else f"\\{octet:03d}" for octet in value[:SHOWN])
    return shown + ("…" if len(value) > SHOWN else "")
