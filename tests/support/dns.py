"""A DNS for tests: what is published is there at once, on two servers that agree unless told otherwise."""

from services.domains.model import Fault, FaultKind, Lookup, NoRecord, Outcome, Question, Sighting, Texts, Transport, View

SERVERS = (("ns1", "192.0.2.1"), ("ns2", "192.0.2.2"))
NEGATIVE_TTL = 30


class FakeDns:
    """Plays the public DNS for `services.domains.ports.Dns`. A name that begins with `*.` answers for every name below."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._away: set[str] = set()
        self.looks: list[Question] = []

    def publish(self, name: str, value: str) -> None:
        """Adds a TXT record."""
        self._texts.setdefault(name, []).append(value)

    def withdraw(self, name: str) -> None:
        """Takes a name's records away."""
        self._texts.pop(name, None)

    def fail(self, domain: str) -> None:
        """The domain's servers no longer answer."""
        self._away.add(domain)

    def recover(self, domain: str) -> None:
        """They answer again."""
        self._away.discard(domain)

    async def look(self, question: Question) -> Sighting:
        self.looks.append(question)
        record = self._lookup(question.record, question.apex)
        found = isinstance(record.views[0].outcome, Texts)
        return Sighting(
            record=(record,),
            sibling=self._lookup(question.sibling, question.apex) if found else None,
            doubled=self._lookup(question.doubled, question.apex) if question.doubled and not found else None,
            apex=None if found else self._lookup(question.apex, question.apex),
            transport=Transport.TCP if found else Transport.UDP,
            queries=7,
        )

    def _lookup(self, name: str, domain: str) -> Lookup:
        views = (View(server, address, self._outcome(name, domain), 1) for server, address in SERVERS)
        return Lookup(name, domain, tuple(views))

    def _outcome(self, name: str, domain: str) -> Outcome:
        if domain in self._away:
            return Fault(FaultKind.TIMEOUT)
        texts = self._texts.get(name) or self._texts.get(f"*.{name.partition('.')[2]}")
        if texts:
            return Texts(tuple(sorted(text.encode() for text in texts)), ttl=60)
        return NoRecord(name_exists=name == domain, negative_ttl=NEGATIVE_TTL)
