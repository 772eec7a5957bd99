"""The mail server, and the safe that keeps written mails."""
