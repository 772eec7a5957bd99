"""Measurements. Each module is a program, `python -m tests.bench.NAME [--json]`, with its baseline in the same run."""
