"""Provisioning over HTTP."""

from fastapi import APIRouter

from services.provisioning.api import callbacks, catalogue, entitlements, orders, partner

router = APIRouter()
for part in (catalogue, orders, entitlements, partner, callbacks):
    router.include_router(part.router)

__all__ = ["router"]
