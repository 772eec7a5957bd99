"""The services: each owns its data, tells events and hears those of others; none imports another."""
