"""Metrics: the HTTP door's own, and how all of them are shown. Other modules declare theirs beside what they measure.

No label carries an address, a domain, a number or an id of a customer.
"""

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads

HTTP_SECONDS: Final = Histogram(
    "vestibule_http_request_duration_seconds",
    "Time from the request's arrival to its answer's end.",
    ("service", "method", "route", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
RIGHTS_BEHIND: Final = Counter(
    "vestibule_rights_behind_total", "Tokens that knew of newer rights than had arrived, by how it ended.", ("outcome",)
)
LOOP_LAG: Final = Gauge("vestibule_event_loop_lag_seconds", "By how much the event loop was late when it last looked.")
JOB_FAULTS: Final = Counter("vestibule_job_faults_total", "Runs of a job that failed and will be tried again.", ("job",))
SCHEMA: Final = Gauge("vestibule_schema_revision_info", "The database's revision.", ("service", "revision"))


def exposition() -> tuple[bytes, str]:
    """Every metric of this process in Prometheus' text format, and its content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
