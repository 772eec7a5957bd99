"""The audit after the fire: what can be seen from outside, and whether it agrees with itself and with what was promised."""

from collections.abc import Sequence

from tests.chaos.audit.bus import check_bus
from tests.chaos.audit.effects import check_effects
from tests.chaos.audit.evidence import Evidence
from tests.chaos.audit.finding import Finding
from tests.chaos.audit.mails import check_mails
from tests.chaos.model import Model

__all__ = ["Evidence", "Finding", "audit"]


def audit(evidence: Evidence, model: Model) -> Sequence[Finding]:
    """Everything that is wrong."""
    return [*check_bus(evidence), *check_effects(evidence, model), *check_mails(evidence)]
