"""Telling the story: what happens, which events prove it, how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from deploy.local.tour.journal import Record


class Difference(AssertionError):
    """Something came out otherwise than the story says."""


def expect(truth: bool, what: str) -> None:
    """Stops the tour with `Difference` unless it is so."""
    if not truth:
        raise Difference(what)


def same(found: object, wanted: object, what: str) -> None:
    """Stops the tour with `Difference` unless both are equal."""
    if found != wanted:
        raise Difference(f"{what}: expected {wanted!r}, found {found!r}")


class Narrator:
    """Writes the story down, with colours where somebody watches."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._colours = out.isatty()
        self._begun = time.perf_counter()

    @contextmanager
    def step(self, number: str, title: str) -> Iterator[None]:
        """A numbered step; its time is told at its end."""
        self._line(f"\n{self._style('1', f'{number}. {title}')}")
        begun = time.perf_counter()
        yield
        self._line(self._style("2", f"   {(time.perf_counter() - begun) * 1000:.0f} ms"))

    def says(self, text: str) -> None:
        """A fact that was seen."""
        self._line(f"   {text}")

    def told(self, *records: Record) -> None:
        """Events that were read from their topics."""
        for record in records:
            mark = self._style("36", record.topic)
            self._line(f"   → {mark}  {record.event_id}  {record.key}:{record.headers['ce_sequence']}")

    def ends(self) -> None:
        """The last line."""
        self._line(f"\n{self._style('32', 'Everything came out as told')}, in {time.perf_counter() - self._begun:.1f} s.")

    def fails(self, why: str) -> None:
        """The last line when something differed."""
        self._line(f"\n{self._style('31', 'Different from the story')}: {why}")

    def _style(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text

    def _line(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()
