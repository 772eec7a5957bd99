"""The whole journey of both guides, played against a running Vestibule and proved by what comes out of it."""

from deploy.local.tour.story import run

__all__ = ["run"]
