"""What operators do by hand: Kafka's topics and rights, partners, the references."""

import importlib
from typing import Any, Final

import click


def _operating() -> Any:
    return importlib.import_module("shared.cli.operating")


@click.group()
def kafka() -> None:
    """Topics, users and rights at Kafka."""


@kafka.command()
@click.option("--replication-factor", default=1, show_default=True, type=click.IntRange(1), help="Copies of each topic.")
def apply(replication_factor: int) -> None:
    """Make the topics, SCRAM users and ACLs that the registry of events and the listeners ask for."""
    _operating().apply_kafka(replication_factor)


@click.group()
def partner() -> None:
    """Partners and their billing systems."""


@partner.command()
@click.argument("slug")
@click.option("--name", required=True, help="The company's name.")
@click.option("--email", required=True, help="Where billing mail goes.")
@click.option("--language", type=click.Choice(["fr", "en"]), required=True, help="Language of that mail.")
@click.option("--time-zone", required=True, help="IANA name, such as Europe/Paris.")
@click.option("--replication-factor", default=1, show_default=True, type=click.IntRange(1), help="Copies of its topic.")
@click.option("--renew", is_flag=True, help="Give a partner that is enrolled other secrets; those it has end.")
def enroll(slug: str, *, name: str, email: str, language: str, time_zone: str, replication_factor: int, renew: bool) -> None:
    """Enrol a partner: its topic, its Kafka user and rights, its machine client; prints the secrets, once, as JSON.

    Broken off half-way, run it again: it ends what it began. Of a partner that is enrolled it changes nothing.
    """
    body = {"slug": slug, "name": name, "email": email, "language": language, "time_zone": time_zone}
    _operating().enroll_partner(body, replication=replication_factor, renew=renew)


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; say what is stale and fail.")
def docs(*, check: bool) -> None:
    """Write the references that are made from the code."""
    stale = importlib.import_module("shared.reference").write(check=check)
    for path in stale:
        click.echo(f"{'stale' if check else 'written'}: {path}")
    if check and stale:
        raise SystemExit(1)


COMMANDS: Final = (kafka, partner, docs)
