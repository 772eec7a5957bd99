"""Identity over HTTP."""

from fastapi import APIRouter

from services.identity.api import agreements, openid, people

router = APIRouter()
for part in (agreements, people, openid):
    router.include_router(part.router)
