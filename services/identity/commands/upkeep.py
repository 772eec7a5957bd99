"""What identity does for itself: its keys, its first clients, and forgetting what is over."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.identity import rules, store
from services.identity.model import VENDOR, Client, ClientKind, Holding, KeyState, SigningKey, Subject
from services.identity.ports import Ports
from services.identity.rules import OURSELVES, access_told
from shared.contracts.access import Scope, ScopeKind
from shared.ids import hashed
from shared.refusals import Conflict

VENDOR_CLIENT: Final = "vendor"
FORGET_AFTER: Final = timedelta(days=7)


@dataclass(eq=False)
class ClientNameTaken(Conflict):
    """A machine client has this name."""

    name: str


@dataclass(frozen=True)
class VendorClient:
    """The back office's machine client. The secret is there only when it was made just now."""

    client_id: UUID
    secret: str | None


async def rotate_keys(ports: Ports) -> int:
    """Changes the ring of signing keys when that is due; how many keys it did something to."""
    async with ports.db.transaction() as tx:
        await store.lock_ring(tx)
        before = await store.signing_keys(tx)
        kid, public, private_sealed = ports.keys.make()
        fresh = SigningKey(kid, KeyState.NEXT, public, private_sealed, ports.now())
        after = rules.rotate_keys(before, fresh=fresh, now=ports.now())
        await store.keep_ring(tx, before, after)
        changed = len(set(before) ^ set(after))
        if changed:
            tx.note(OURSELVES, "signing_key.rotated", ",".join(key.kid for key in after if key.state is KeyState.ACTIVE))
    return changed


async def forget(ports: Ports) -> int:
    """Forgets sessions, codes and counted attempts that have been over for a week; how many."""
    before = ports.now() - FORGET_AFTER
    async with ports.db.transaction() as tx:
        return await store.forget_sessions(tx, before=before) + await store.forget_attempts(tx, before=before)


async def bootstrap(ports: Ports, *, replace_secret: bool) -> VendorClient:
    """Makes the signing keys and the vendor's machine client where they are missing; doing it again changes nothing.

    With `replace_secret` a client that is there gets a new secret, and the old one ends.
    """
    while await rotate_keys(ports):
        pass
    secret = ports.new_token()
    async with ports.db.transaction() as tx:
        known = await store.client_named_locked(tx, VENDOR_CLIENT)
        if known and not replace_secret:
            return VendorClient(known.id, None)
        if known:
            client = replace(known, secret_hash=hashed(secret), version=known.version + 1)
        else:
            client = Client(ports.new_id(), VENDOR_CLIENT, ClientKind.MACHINE, hashed(secret), (), None, version=1)
            holding = Holding(Scope(kind=ScopeKind.VENDOR), permissions=VENDOR)
            subject = Subject(client.id, "client", None, None, (holding,), disabled=False, version=1)
            told = access_told(subject, OURSELVES, ports.now())
            await store.keep_subject(tx, subject, [told])
            tx.emit(told)
        await store.keep_client(tx, client)
        tx.note(OURSELVES, "client.secret_made", str(client.id))
    return VendorClient(client.id, secret)


async def add_client(ports: Ports, name: str, redirect_uris: tuple[str, ...]) -> Client:
    """Registers a site that people sign in to, by code and PKCE; one of the same name gets these redirect URIs."""
    async with ports.db.transaction() as tx:
        known = await store.client_named_locked(tx, name)
        if known and known.kind is not ClientKind.PUBLIC:
            raise ClientNameTaken(name=name)
        if known:
            client = replace(known, redirect_uris=redirect_uris, version=known.version + 1)
        else:
            client = Client(ports.new_id(), name, ClientKind.PUBLIC, None, redirect_uris, None, version=1)
        await store.keep_client(tx, client)
        tx.note(OURSELVES, "client.added", str(client.id))
    return client
