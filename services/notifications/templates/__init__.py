"""Mails as they are written: language, letters, layout and the finished message."""

from services.notifications.templates.letters import Addresses
from services.notifications.templates.writer import Sender, Writer

__all__ = ["Addresses", "Sender", "Writer"]
