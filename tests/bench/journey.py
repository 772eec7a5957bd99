"""How long a customer waits: from the POST of an order to its confirmation in the hands of the mail server, when all is idle.

Through everything: HTTP, the order's transaction, outbox, relay, Kafka, listener, the mail's writing, SMTP.
"""

import asyncio
import io
import secrets
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import uvloop

from deploy.local.folder import Folder
from deploy.local.running import running_or_own
from deploy.local.tour import ordering, registration
from deploy.local.tour.narrator import Narrator, same
from deploy.local.tour.stage import Contoso, Stage
from deploy.local.tour.story import staged
from deploy.local.tour.visitor import Api
from shared.clock import now
from tests.bench.support.report import Figure, as_json_option, quantile, report

ORDERS = 200
WARM_UP = 20
PAUSE = 0.25


async def measure(document: dict[str, Any]) -> Sequence[Figure]:
    """Orders one after another, with a pause in which everything comes to rest."""
    async with staged(document, Narrator(io.StringIO())) as stage:
        contoso = Contoso()
        await ordering.register_catalogue(stage)
        await registration.sign_agreement(stage, contoso)
        await registration.accept_invitation(stage, contoso)
        harry = await registration.signed_in(stage, contoso.harry, contoso.harry_password)
        begun: dict[str, datetime] = {}
        answered: list[float] = []
        for _ in range(WARM_UP + ORDERS):
            at = now()
            number = await _order(stage, contoso, harry)
            begun[number] = at
            answered.append((now() - at).total_seconds() * 1000)
            await asyncio.sleep(PAUSE)
        waited = [waited * 1000 for waited in await _waited(stage, contoso, begun)][WARM_UP:]
    return [
        Figure("order answered, p50", quantile(answered[WARM_UP:], 0.5), "ms"),
        Figure("order answered, p99", quantile(answered[WARM_UP:], 0.99), "ms"),
        Figure("confirmation accepted by SMTP, p50", quantile(waited, 0.5), "ms"),
        Figure("confirmation accepted by SMTP, p99", quantile(waited, 0.99), "ms", "≤ 150"),
    ]


async def _order(stage: Stage, contoso: Contoso, harry: Api) -> str:
    answer = await harry.call(
        "POST",
        stage.url("provisioning", f"/v1/accounts/{contoso.account_id}/orders"),
        {"lines": [{"sku": ordering.E1, "quantity": 100}]},
        Idempotency_Key=secrets.token_hex(16),
    )
    same(answer.status, 201, f"an order: {answer.body}")
    return str(answer.body["number"])


async def _waited(stage: Stage, contoso: Contoso, begun: dict[str, datetime]) -> list[float]:
    """Seconds from each order's POST to its mail's arrival, in the order in which they were placed."""
    for number in begun:
        await stage.letters.wait_for(contoso.harry, subject=number)
    arrived: dict[str, datetime] = {}
    for subject, at in await stage.letters.arrivals(contoso.harry):
        arrived |= {number: at for number in begun if number in subject}
    return [(arrived[number] - at).total_seconds() for number, at in begun.items()]


@click.command()
@as_json_option
def main(*, as_json: bool) -> None:
    """Measures on a run of its own."""
    title = "journey: POST of an order → confirmation accepted by SMTP, idle"
    with tempfile.TemporaryDirectory() as folder, running_or_own(Folder(Path(folder) / "data")) as document:
        figures = uvloop.run(measure(document))
    report(title, figures, as_json=as_json)


if __name__ == "__main__":
    main()
