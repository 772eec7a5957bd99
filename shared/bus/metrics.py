"""What operators see of the bus. What begins with `vestibule_bus_` is what `bus status --json` says, in the same words."""

from typing import Final

from prometheus_client import Counter, Gauge

UNSENT: Final = Gauge("vestibule_bus_unsent_events", "Events that the broker has still to acknowledge.")
UNSENT_OLDEST: Final = Gauge("vestibule_bus_unsent_oldest_seconds", "Age of the oldest of them; 0 when there is none.")
UNHEARD: Final = Gauge(
    "vestibule_bus_unheard_records",
    "Records on the broker that were not read yet; each worker says it of the partitions it reads.",
    ("topic", "partition", "group"),
)
UNHEARD_OLDEST: Final = Gauge(
    "vestibule_bus_unheard_oldest_seconds",
    "Age of the oldest record that is not done: of those at hand exactly, of others since they were first seen waiting.",
    ("group",),
)
PARKED: Final = Gauge("vestibule_bus_parked_records", "Records that could not be done and wait, by why.", ("group", "state"))
PARKED_OLDEST: Final = Gauge(
    "vestibule_bus_parked_oldest_seconds",
    "For how long the oldest of them has waited; 0 when there is none.",
    ("group", "state"),
)
PUBLISHED: Final = Counter("vestibule_outbox_published_total", "Events that the broker has acknowledged.", ("topic",))
HELD: Final = Gauge("vestibule_outbox_held_streams", "Streams whose last sending failed and that wait to be sent again.")
DONE: Final = Counter("vestibule_consumer_done_total", "Records whose effects are committed.", ("group",))
HOLES: Final = Counter("vestibule_consumer_holes_total", "Holes that were seen in streams.", ("group",))
PLACES_LOST: Final = Counter(
    "vestibule_consumer_places_lost_total",
    "Partitions in which a group had no place, or one that is gone: it begins, or Kafka lost records before they were read.",
    ("group", "topic"),
)
HEALED: Final = Counter(
    "vestibule_consumer_healed_total", "Records that Kafka had lost and that came from their owner.", ("group", "topic")
)
NO_NEWS: Final = Counter(
    "vestibule_consumer_no_news_total", "Of those, records too old to be acted upon, which count as known.", ("group", "topic")
)
NOT_FETCHED: Final = Counter(
    "vestibule_consumer_not_fetched_total",
    "Streams that a review found behind and whose owner did not have what it counts.",
    ("group", "topic"),
)
EXPORTED: Final = Counter(
    "vestibule_consumer_dead_letters_total", "Records exported to dead-letter topics.", ("group", "topic")
)
MONTHS_AHEAD: Final = Gauge(
    "vestibule_event_log_months_ahead", "Months after the present one for which the event log is ready; said by workers."
)
