"""A small Internet: root, top-level domains and zones, made as names are added; kept in a file."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import idna
from dns.rdata import Rdata
from dns.rdtypes.ANY.TXT import TXT
from publicsuffixlist import PublicSuffixList

from deploy.local.dns.zone import NEGATIVE_TTL, Zone

ROOT, TOP, FIRST, SECOND = "127.0.53.1", "127.0.53.2", "127.0.53.3", "127.0.53.4"
SUFFIXES = PublicSuffixList()
LONGEST_STRING = 255


class NoSuchZone(Exception):
    """A name that nobody can register, so no zone can hold it."""


@dataclass(frozen=True)
class Entry:
    """One record as people write it: names without the last dot, a TXT value without quotes."""

    name: str
    type: str
    value: str


class Hierarchy:
    """The addresses of four servers and what they hold: the root, all top-level domains, every zone twice.

    A zone is what can be registered (`contoso.com`, `contoso.co.uk`); it appears with its first record. Each change
    raises its serial number.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        kept = json.loads(file.read_text()) if file.exists() else {"serials": {}, "records": []}
        self._serials: dict[str, int] = kept["serials"]
        self._entries = [Entry(*record) for record in kept["records"]]
        self.zones: dict[str, list[Zone]] = {address: [] for address in (ROOT, TOP, FIRST, SECOND)}
        self._build()

    def show(self, name: str = "") -> list[Entry]:
        """All records, or those of one name."""
        return [entry for entry in self._entries if not name or entry.name == _ascii(name)]

    def add(self, name: str, kind: str, value: str) -> Entry:
        """Puts in a record, once; refuses a name that lies in no registrable domain and a value that fits no such type."""
        entry = Entry(_ascii(name), kind.upper(), value)
        _rdata(entry)
        zone = _zone_of(entry.name)
        if entry not in self._entries:
            self._entries.append(entry)
            self._changed({zone})
        return entry

    def delete(self, name: str, kind: str = "") -> list[Entry]:
        """Takes out the records of a name, or only those of one type; answers what it took."""
        gone = [entry for entry in self.show(name) if not kind or entry.type == kind.upper()]
        self._entries = [entry for entry in self._entries if entry not in gone]
        self._changed({_zone_of(entry.name) for entry in gone})
        return gone

    def _changed(self, zones: Iterable[str]) -> None:
        for zone in zones:
            self._serials[zone] = self._serials.get(zone, 0) + 1
        self._build()
        records = [(entry.name, entry.type, entry.value) for entry in self._entries]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps({"serials": self._serials, "records": records}, indent=1))

    def _build(self) -> None:
        """Makes all zones anew; a zone stays once it was there, so that a name taken out does not exist any more."""
        zones = {name: _new_zone(name, serial, (FIRST, SECOND)) for name, serial in self._serials.items()}
        for entry in self._entries:
            kind = dns.rdatatype.from_text(entry.type)
            zones[_zone_of(entry.name)].add(dns.name.from_text(entry.name), kind, _rdata(entry))
        tops = {name: _new_zone(name, 1, (TOP,)) for name in sorted({zone.rpartition(".")[2] for zone in zones})}
        root = _new_zone("", 1, (ROOT,))
        for name in tops:
            _delegate(root, name, (TOP,))
        for name in zones:
            _delegate(tops[name.rpartition(".")[2]], name, (FIRST, SECOND))
        held = {ROOT: [root], TOP: list(tops.values()), FIRST: list(zones.values()), SECOND: list(zones.values())}
        for address, now_held in held.items():
            self.zones[address][:] = now_held


def _new_zone(name: str, serial: int, addresses: Iterable[str]) -> Zone:
    zone = Zone(dns.name.from_text(name or "."))
    soa = f"ns1.{name} hostmaster.{name} {serial} 3600 600 86400 {NEGATIVE_TTL}"
    zone.add_text(name or ".", "SOA", soa)
    _delegate(zone, name, addresses)
    return zone


def _delegate(zone: Zone, name: str, addresses: Iterable[str]) -> None:
    """Name servers with addresses that lie in the delegated zone, so that glue suffices to reach them."""
    for server, address in _servers(name, addresses):
        zone.add_text(name or ".", "NS", server)
        zone.add_text(server, "A", address)


def _servers(name: str, addresses: Iterable[str]) -> Iterator[tuple[str, str]]:
    for number, address in enumerate(addresses, start=1):
        yield f"ns{number}.{name}", address


def _zone_of(name: str) -> str:
    zone: str | None = SUFFIXES.privatesuffix(name.removeprefix("*."))
    if zone is None:
        raise NoSuchZone(f"{name} lies in no domain that somebody could register")
    return zone


def _ascii(name: str) -> str:
    """The name in lower-case A-labels. Underscores and a leading star stay: they are no host names, but legal owners."""
    labels = name.strip().rstrip(".").lower().split(".")
    return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in labels)


def _rdata(entry: Entry) -> Rdata:
    kind = dns.rdatatype.from_text(entry.type)
    if kind == dns.rdatatype.TXT:
        data = entry.value.encode()
        strings = [data[start : start + LONGEST_STRING] for start in range(0, max(len(data), 1), LONGEST_STRING)]
        return TXT(dns.rdataclass.IN, kind, strings)
    return dns.rdata.from_text(dns.rdataclass.IN, kind, entry.value, origin=dns.name.root, relativize=False)
