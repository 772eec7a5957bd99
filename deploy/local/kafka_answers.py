"""Whether a cluster answers its operator: a program that ends, because the client it loads would stay in its caller's memory.

``kafka_answers.py NODES``, with the client's settings as JSON in `KAFKA_CLIENT`. Exit code 0 once that many nodes (0: any
number) are in the metadata and groups find a coordinator (which makes the offsets topic); 1 when that does not come to pass in
time, with the client's last complaint on standard output.
"""

import json
import os
import sys
import time
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

PATIENCE = 5.0
POLL = 0.02


def main(nodes: int) -> int:
    """Asks until it is so, or patience ends."""
    complaints = ["no answer"]
    settings: dict[str, Any] = json.loads(os.environ["KAFKA_CLIENT"])
    settings |= {"log_level": 0, "error_cb": lambda error: complaints.append(error.str())}
    admin = AdminClient(settings)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answers(admin, nodes):
            return 0
        admin.poll(POLL)
    sys.stdout.write(complaints[-1] + "\n")
    return 1


def answers(admin: AdminClient, nodes: int) -> bool:
    """Asks once."""
    try:
        found = len(admin.list_topics(timeout=2).brokers)
        admin.describe_consumer_groups(["vestibule.start"], request_timeout=2)["vestibule.start"].result()
    except KafkaException:
        return False
    return found == (nodes or found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
