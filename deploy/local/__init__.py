"""The embedded run: PostgreSQL, Apache Kafka, mailbox, DNS and every service on one machine, from one command."""
