"""The development mailbox: takes every mail, delivers none, and shows them on a page and as JSON."""

from deploy.local.mailbox.box import Box, Message
from deploy.local.mailbox.sink import Answer, CutAfterData, Fault, Hang, MailSink, RefuseRecipient, Unknown

__all__ = ["Answer", "Box", "CutAfterData", "Fault", "Hang", "MailSink", "Message", "RefuseRecipient", "Unknown"]
