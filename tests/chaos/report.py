"""What a drill says at its end: a table, and what was found."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.audit import Evidence, Finding
from tests.chaos.audit.bus import duplicates
from tests.chaos.audit.finding import Wrong
from tests.chaos.audit.mails import repeats
from tests.chaos.faults import Fire
from tests.chaos.model import Model
from tests.chaos.plan import KILLS, Kind
from tests.chaos.watch import Watch

MOST_FACTS = 12


@dataclass(frozen=True)
class Outcome:
    """Everything about a drill that has ended."""

    seed: int
    fire: Fire
    watch: Watch
    model: Model
    evidence: Evidence
    findings: Sequence[Finding]
    seconds: float
    quiet_after: float

    @property
    def good(self) -> bool:
        return not self.findings


def table(outcome: Outcome) -> str:
    """The whole table, as Markdown, so that it can stand in a document."""
    fire, model, evidence = outcome.fire, outcome.model, outcome.evidence
    wrong = Counter(finding.wrong for finding in outcome.findings)
    kills = sum(times for kind, times in fire.done.items() if kind in KILLS)
    rows: list[tuple[str, str]] = [
        ("seed", str(outcome.seed)),
        ("kills", f"{kills} ({sum(fire.missed.values())} faults met nobody)"),
        *((f"· {kind}", str(fire.done[kind])) for kind in Kind if fire.done[kind]),
        ("customers, stories complete", f"{len(model.customers)}, {sum(one.complete for one in model.customers)}"),
        ("answers, repetitions of careful clients", f"{model.answers:,}, {model.repetitions:,}"),
        ("longest wait of a client", f"{model.longest_wait:.1f} s"),
        ("events told", f"{sum(map(len, evidence.logged.values())):,}"),
        ("records on topics, of which duplicates", f"{len(evidence.seen):,}, {duplicates(evidence):,}"),
        ("mails arrived, of which identical repeats", f"{len(evidence.mails):,}, {repeats(evidence):,}"),
        *((f"**{one}**", f"**{wrong[one]}**") for one in Wrong),
        *((f"longest standstill of {name}'s group", f"{still.longest:.1f} s") for name, still in outcome.watch.groups.items()),
        *((f"longest standstill of {name}'s relay", f"{still.longest:.1f} s") for name, still in outcome.watch.relays.items()),
        ("quiet after the last fault", f"{outcome.quiet_after:.0f} s"),
        ("the drill in all", f"{outcome.seconds:.0f} s"),
        (
            "load of the machine, 1 and 15 minutes",
            "{0:.0f}, {2:.0f} on {cores} cores".format(*os.getloadavg(), cores=os.cpu_count()),
        ),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(["| what | figure |", "|---|---|", *(f"| {name:{width}} | {figure} |" for name, figure in rows)])


def facts(findings: Sequence[Finding]) -> list[str]:
    """The findings that say most: a few of each way of being wrong."""
    shown: list[str] = []
    for wrong in Wrong:
        own = [finding.fact for finding in findings if finding.wrong is wrong]
        shown += [f"{wrong}: {fact}" for fact in own[:MOST_FACTS]]
        if len(own) > MOST_FACTS:
            shown.append(f"{wrong}: and {len(own) - MOST_FACTS} more")
    return shown
