"""What stands before a route: a permission, being signed in, or a reason why it is open. Each route has exactly one."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID, uuid5

from fastapi import Depends, Header, Request

from shared.contracts.access import Access, Permission, PermissionMissing, ServicesOnly
from shared.http.state import remember_caller, state
from shared.http.turns import turn_of

SERVICES: Final = UUID("6f0f7d3c-6b4e-4d0b-9a53-8f2f6f5b0a11")
"""Where the names of services become those of callers, who take turns."""


@dataclass(frozen=True)
class SignedIn:
    """Lets in whoever shows a good access token."""

    wants_token: ClassVar[bool] = True
    sentence: ClassVar[str] = "Needs an access token."

    async def __call__(
        self, request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
    ) -> Access:
        access = await state(request).rights.of(authorization, turn_of(request))
        remember_caller(request, access)
        return access


@dataclass(frozen=True)
class Needs:
    """Lets in whoever holds the permission anywhere; the command asks whether it holds at the place in question."""

    permission: Permission
    wants_token: ClassVar[bool] = True

    @property
    def sentence(self) -> str:
        """What the reference says of it."""
        return f"Needs the permission `{self.permission.value}`."

    async def __call__(
        self, request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
    ) -> Access:
        access = await SignedIn()(request, authorization)
        if not access.holds(self.permission):
            raise PermissionMissing(permission=self.permission.value)
        return access


@dataclass(frozen=True)
class FromServices:
    """Lets in another service of this installation, by a token that it signed itself, and says which one."""

    wants_token: ClassVar[bool] = True
    sentence: ClassVar[str] = "Needs the token of another service."

    async def __call__(
        self, request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
    ) -> str:
        service = state(request).services.caller(authorization)
        if service is None:
            await SignedIn()(request, authorization)
            raise ServicesOnly
        await turn_of(request)(uuid5(SERVICES, service))
        return service


@dataclass(frozen=True)
class OpenToAll:
    """Lets everybody in, for the reason given."""

    reason: str

    @property
    def sentence(self) -> str:
        """What the reference says of it."""
        return f"Open to all: {self.reason}."

    def __call__(self) -> None:
        return None


Guard = SignedIn | Needs | FromServices | OpenToAll


def needs(permission: Permission) -> Any:
    """The guard for whoever holds this permission; stands in the annotation of a route's `by`."""
    return Depends(Needs(permission))


signed_in: Any = Depends(SignedIn())
"""Used as `by: Annotated[Access, signed_in]`."""


from_services: Any = Depends(FromServices())
"""Used as `service: Annotated[str, from_services]`."""


def open_to_all(reason: str) -> Any:
    """Used as `@router.get("/jwks", dependencies=[open_to_all("public keys")])`."""
    return Depends(OpenToAll(reason))
