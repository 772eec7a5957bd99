"""What online services tell by themselves."""

from fastapi import APIRouter, Request

from services.provisioning import commands
from services.provisioning.api.wiring import WithPorts
from shared.auth import open_to_all

router = APIRouter()


@router.post("/driver/callbacks", status_code=204, dependencies=[open_to_all("the online service signs what it tells")])
async def receive_callback(request: Request, ports: WithPorts) -> None:
    """A request of ours is set up, or was given up (Standard Webhooks)."""
    await commands.receive_callback(ports, request.headers, await request.body())
