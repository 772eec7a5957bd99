"""What was told against what lies on the topics, and what each group has done of it. Pure."""

import json
from collections import Counter
from collections.abc import Iterator

from shared.contracts import Stream, partner_topic
from tests.chaos.audit.evidence import Evidence, Seen
from tests.chaos.audit.finding import Finding, Wrong


def check_bus(evidence: Evidence) -> Iterator[Finding]:
    """Promises 1, 2 and 5."""
    yield from _told(evidence)
    yield from _in_order(evidence)
    yield from _same_bytes(evidence)
    yield from _done(evidence)
    yield from _feeds(evidence)


def duplicates(evidence: Evidence) -> int:
    """Records that were sent again; consumers drop them."""
    return sum(times - 1 for times in Counter((seen.stream, seen.sequence) for seen in evidence.seen).values())


def _told(evidence: Evidence) -> Iterator[Finding]:
    """Every event of a log is on its topic, and nothing else is; the log itself has no holes."""
    there = {(*seen.stream, seen.sequence, seen.event_id, seen.value) for seen in evidence.seen}
    told = {tuple(row) for rows in evidence.logged.values() for row in rows}
    for topic, key, sequence, event_id, _ in sorted(told - there):
        yield Finding(Wrong.LOST, f"{topic} {key}:{sequence} ({event_id}) was committed and is not on its topic")
    for topic, key, sequence, event_id, _ in sorted(there - told):
        yield Finding(Wrong.DIFFERENT, f"{topic} {key}:{sequence} ({event_id}) is on its topic and was never committed")
    for stream, numbers in _numbers(evidence).items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield Finding(Wrong.DIFFERENT, f"the log of {stream.topic} {stream.key} counts {sorted(numbers)}")


def _numbers(evidence: Evidence) -> dict[Stream, list[int]]:
    found: dict[Stream, list[int]] = {}
    for rows in evidence.logged.values():
        for row in rows:
            found.setdefault(Stream(row.topic, row.key), []).append(row.sequence)
    return found


def _in_order(evidence: Evidence) -> Iterator[Finding]:
    """First deliveries of a stream come one after another, all in one partition."""
    last: dict[Stream, int] = {}
    partition: dict[Stream, int] = {}
    for seen in sorted(evidence.seen, key=lambda seen: (seen.topic, seen.partition, seen.offset)):
        if partition.setdefault(seen.stream, seen.partition) != seen.partition:
            yield Finding(Wrong.INVERSION, f"{seen.topic} {seen.key} lies in two partitions")
        before = last.get(seen.stream, 0)
        if seen.sequence > before + 1:
            yield Finding(Wrong.INVERSION, f"{seen.topic} {seen.key}:{seen.sequence} came when {before} was the last")
        last[seen.stream] = max(before, seen.sequence)


def _same_bytes(evidence: Evidence) -> Iterator[Finding]:
    first: dict[tuple[Stream, int], Seen] = {}
    for seen in evidence.seen:
        if first.setdefault((seen.stream, seen.sequence), seen).said != seen.said:
            yield Finding(Wrong.DIFFERENT, f"{seen.topic} {seen.key}:{seen.sequence} was said again in other words")


def _done(evidence: Evidence) -> Iterator[Finding]:
    """Each group has done each stream that it hears to its end, nothing waits, and every process is ready for more."""
    ends = {stream: max(numbers) for stream, numbers in _numbers(evidence).items()}
    for service, topics in evidence.heard.items():
        for stream, end in ends.items():
            done = evidence.done[service].get(stream, 0)
            if stream.topic in topics and done != end:
                yield Finding(Wrong.LOST, f"{service} has done {stream.topic} {stream.key} to {done} of {end}")
    for name in evidence.not_ready:
        yield Finding(Wrong.LOST, f"{name} is not ready")
    for service, waiting in evidence.waiting.items():
        for what in waiting:
            yield Finding(Wrong.LOST, f"{service}: {what}")


def _feeds(evidence: Evidence) -> Iterator[Finding]:
    """A partner's feed is its topic: gapless, the same records."""
    for slug, feed in evidence.feeds.items():
        of_topic = {seen.sequence: seen for seen in evidence.seen if seen.topic == partner_topic(slug)}
        numbers = [item["sequence"] for item in feed]
        if numbers != list(range(1, len(of_topic) + 1)):
            yield Finding(Wrong.DIFFERENT, f"the feed of {slug} counts {numbers[:3]}…{numbers[-3:]}, its topic {len(of_topic)}")
        for item in feed:
            seen = of_topic.get(item["sequence"])
            if seen is None or (_headers(seen), json.loads(seen.value)) != (item["headers"], item["data"]):
                yield Finding(Wrong.DIFFERENT, f"the feed of {slug} is not its topic at {item['sequence']}")


def _headers(seen: Seen) -> dict[str, str]:
    return {name: value.decode() for name, value in seen.headers}
