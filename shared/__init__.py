"""What every service uses and no service owns: contracts, the bus, database, HTTP, rights, settings, telemetry, the CLI."""
