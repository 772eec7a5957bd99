"""Setting up what was ordered at the online services, and hearing from them."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from opentelemetry.trace import SpanKind

from services.provisioning import rules, store
from services.provisioning.model import LINE_LIFECYCLE, Account, Answer, Line, Order, Ready, Task
from services.provisioning.ports import NetworkPorts
from shared.cause import Cause, caused_by
from shared.db import Transaction
from shared.telemetry import continued

AT_ONCE: Final = 8
LEASE: Final = timedelta(minutes=1)
"""Longer than an online service may take to answer."""


async def provision_lines(ports: NetworkPorts) -> int:
    """Asks the online services about the lines that are due: sends new ones, looks after those that were sent; how many.

    The network is asked between two transactions; a line that is left there by a crash is due again after its lease.
    """
    async with ports.db.transaction() as tx:
        now = ports.now()
        tasks = await store.claim_tasks(tx, now=now, until=now + LEASE, most=AT_ONCE)
    await asyncio.gather(*(_ask(ports, task) for task in tasks))
    return len(tasks)


async def receive_callback(ports: NetworkPorts, headers: Mapping[str, str], body: bytes) -> None:
    """What an online service tells by itself; repeated or late, it changes nothing. Refuses `CallbackRefused`."""
    told = ports.opened(headers, body, ports.now())
    await _keep_answer(ports, told.request_id, told.answer)


async def _ask(ports: NetworkPorts, task: Task) -> None:
    service = ports.drivers[task.edition.driver]
    line = task.line
    with continued(line.traceparent, "ask_online_service", SpanKind.CLIENT, {"sku": task.edition.sku}):
        answer = await (service.look(line.reference) if line.reference else service.set_up(rules.setup(task)))
    await _keep_answer(ports, line.request_id, answer)


async def _keep_answer(ports: NetworkPorts, request_id: UUID, answer: Answer) -> None:
    """An answer about a request that was given up, or to a line that is ready already, says nothing new."""
    async with ports.db.transaction() as tx:
        order = await store.order_of_request(tx, request_id)
        if order is None:
            return
        account = await store.account_locked(tx, order.account_id)
        line = await store.line_locked(tx, request_id)
        if line is None or LINE_LIFECYCLE.is_final(line.state):
            return
        with caused_by(Cause(line.correlation_id)), continued(line.traceparent, "provision_line"):
            if isinstance(answer, Ready):
                await _provision(ports, tx, account, order, line, answer)
            else:
                await store.keep_line(tx, rules.after_answer(line, answer, now=ports.now(), another=ports.new_id()))


async def _provision(ports: NetworkPorts, tx: Transaction, account: Account, order: Order, line: Line, answer: Ready) -> None:
    decision = rules.provision_line(
        line,
        order,
        await store.holding_locked(tx, account, line.edition_id),
        ready_at=answer.ready_at,
        domain_verified=await store.domain_verified(tx, account.id),
        now=ports.now(),
        new_id=ports.new_id,
    )
    await store.keep_line(tx, decision.state.line)
    await store.keep_provision(tx, decision)
