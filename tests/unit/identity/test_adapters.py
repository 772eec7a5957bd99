"""Password hashing: right, wrong, nobody's, and more of it than there is room for."""

import os

import pytest

from services.identity.adapters.passwords import Argon2Passwords
from services.identity.ports import PasswordsBusy

pytestmark = pytest.mark.anyio


async def test_a_password_is_known_again_and_no_other_is() -> None:
    passwords = Argon2Passwords(memory_kib=64, rounds=1)
    kept = await passwords.hash("seven grey herons")
    assert kept.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await passwords.verify(kept, "seven grey herons")
    assert not await passwords.verify(kept, "eight grey herons")
    assert not await passwords.verify(None, "nobody has this password")
    passwords.close()


async def test_who_finds_no_place_in_time_is_sent_away() -> None:
    passwords = Argon2Passwords(memory_kib=64, rounds=1, wait_seconds=0.001)
    for _ in range(os.cpu_count() or 1):
        await passwords._places.acquire()
    with pytest.raises(PasswordsBusy):
        await passwords.hash("seven grey herons")
    passwords._places.release()
    assert await passwords.hash("seven grey herons")
    passwords.close()
