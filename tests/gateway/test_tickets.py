"""What a caller holds of a job: found again by any instance with the same keys, worth nothing when touched."""

import random
import re

import pytest

from core.chat.errors import ChatError, UpstreamBadResponse
from core.gateway.keys import OVERLAP, Keys
from core.gateway.secrets import Secrets
from core.gateway.tickets import LONGEST, Ticket, seal, unseal
from tests.support.road import Clock, Store

TICKET = Ticket(
    "puter", "puter-2", "vendor/film-1", "https://films.example/é?sig=1", {"seconds": "8", "at": 1700000000}
)


async def keys_of(values: str, clock: Clock | None = None) -> tuple[Keys, Store]:
    store = Store({"KEYS": values})
    keys = Keys("secret://KEYS", Secrets(store, ["KEYS"], ttl=10.0, clock=clock or Clock()))
    await keys.authorize(values.split(",", maxsplit=1)[0])
    return keys, store


async def refused(text: str, keys: Keys) -> bool:
    with pytest.raises(ChatError) as caught:
        unseal(text, keys.is_signed)
    return (caught.value.status, caught.value.code) == (404, "job_not_found")


async def test_another_instance_reads_what_one_sealed():
    sealed = seal(TICKET, (await keys_of("key-a,key-b"))[0].sign)
    assert unseal(sealed, (await keys_of("key-b,key-a"))[0].is_signed) == TICKET
    assert re.fullmatch(r"[\w-]+", sealed, re.ASCII)


async def test_what_could_not_be_found_again_is_not_sealed():
    """Its film is made and paid for, but a name that nobody can use would not bring it back."""
    keys, _ = await keys_of("key-a")
    name = random.Random(7).randbytes(LONGEST).hex()
    kept = TICKET._replace(reference=name[: LONGEST // 2])
    assert unseal(seal(kept, keys.sign), keys.is_signed) == kept
    with pytest.raises(UpstreamBadResponse) as caught:
        seal(TICKET._replace(reference=name), keys.sign)
    assert caught.value.costly


async def test_a_touched_ticket_is_none_of_ours():
    keys, _ = await keys_of("key-a")
    sealed = seal(TICKET, keys.sign)
    for place in range(0, len(sealed), 7):
        touched = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        assert await refused(touched, keys), place
    assert await refused(sealed, (await keys_of("key-c"))[0])


@pytest.mark.parametrize("text", ["", "x", "é", "%", "A" * 21, "A" * 40, "A" * 100_000, "../../etc"])
async def test_what_was_never_a_ticket(text):
    assert await refused(text, (await keys_of("key-a"))[0])


async def test_a_ticket_outlives_a_rotation_that_keeps_a_key():
    clock = Clock()
    keys, store = await keys_of("key-a,key-b", clock)
    sealed = seal(TICKET, keys.sign)
    store.values["KEYS"] = "key-c,key-a"
    clock.advance(OVERLAP + 20.0)
    await keys.authorize("key-c")
    assert unseal(sealed, keys.is_signed) == TICKET
