"""Mails as they are written: language, letters, layout and the finished message."""

from services.notifications.templates.writer import Sender, Writer

__all__ = ["Sender", "Writer"]
