"""What every command asks that changes something by hand: the audit log keeps it."""

from typing import Final

import click


def _said(_: click.Context, __: click.Parameter, words: str) -> str:
    if not words.strip():
        raise click.BadParameter("the audit log keeps it, and it is empty")
    return words


BY: Final = click.option("--by", required=True, callback=_said, help="Who decided it, for the audit log.")
WHY: Final = click.option("--why", required=True, callback=_said, help="The reason, for the audit log.")
