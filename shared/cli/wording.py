"""How commands say numbers and spans of time to people."""

from datetime import timedelta


def count(number: int, noun: str) -> str:
    """`1 event`, `2,000 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span(seconds: float | None) -> str:
    """`41 s`, `3 min`, `2 h`, `5 days`."""
    length = timedelta(seconds=max(0, seconds or 0))
    for size, name in ((timedelta(days=2), "days"), (timedelta(hours=2), "h"), (timedelta(minutes=2), "min")):
        if length >= size:
            return f"{length // (size / 2)} {name}"
    return f"{length.total_seconds():.0f} s"


def shown(text: str) -> str:
    """A line in which nothing can steer the terminal or pass for another line: it may hold what others have named."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
