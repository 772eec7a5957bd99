"""The pages that people see: signing in (S02) and accepting an invitation (S05)."""

from fastapi import APIRouter

from services.identity.pages import files, invitations, signin

router = APIRouter()
for part in (signin, invitations, files):
    router.include_router(part.router)
