"""What notifications tells: what became of a mail, by ids alone."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.contracts import Event


class NotificationDelivered(Event, topic="notification.delivered", owner="notifications", key="delivery_id"):
    """The mail server took the mail. Whether it reached the mailbox is not known."""

    delivery_id: UUID = Field(description="The delivery: one event, recipient and template.")
    template: str = Field(description="Which mail, `e1` to `e14`.")
    event_id: UUID = Field(description="The event that caused it.")
    about_topic: str = Field(description="That event's topic.")
    about_key: str = Field(description="Its key, such as the invitation.")


class NotificationFailed(Event, topic="notification.failed", owner="notifications", key="delivery_id"):
    """The mail will not arrive; somebody should correct the address or tell the recipient otherwise."""

    delivery_id: UUID = Field(description="The delivery.")
    template: str = Field(description="Which mail.")
    event_id: UUID = Field(description="The event that caused it.")
    about_topic: str = Field(description="That event's topic.")
    about_key: str = Field(description="Its key.")
    reason: Literal["address_refused", "message_refused", "expired", "obsolete_key"] = Field(description="Why.")
    status: str | None = Field(default=None, description="Enhanced status code of the answer (RFC 3463), such as `5.1.1`.")
