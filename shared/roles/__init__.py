"""The processes that a service runs as: its API, and a worker that relays, listens and keeps the clock."""
