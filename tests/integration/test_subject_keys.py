"""Data keys on DynamoDB Local, wrapped by moto's KMS: made once, destroyed for good, rewrapped under another key."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import aioboto3
import pytest

from contracts.clear import Clear, Redacted
from contracts.sealed import VALUE, KeysUnavailable, SealedText, SubjectErased, lead
from contracts.types import Purpose
from schemas.platform import TABLES as PLATFORM
from tests.support.keys import HandClock
from tests.support.servers import REGION, apply_tables
from workers.adapters.dynamodb import DynamoStore
from workers.adapters.key_ring import LIFETIME, KeyRing
from workers.adapters.key_wrapping import KeyOwner, LocalWrapping, UnwrappableKey, WrappedKey
from workers.adapters.kms import KmsWrapping
from workers.adapters.sealing import Sealer
from workers.adapters.subject_keys import SubjectKeys, reference
from workers.engine.memory import SystemClock
from workers.ops.keys import status_of
from workers.ops.rewrapping import Rewrapped, Rewrapping
from workers.ops.stack import Endpoints

PEOPLE = 40


class Servers:
    """``ring`` makes another process. ``alias``: of the present wrapping key."""

    def __init__(self, store: DynamoStore, aws: str, alias: str) -> None:
        self.store, self.aws, self.alias = store, aws, alias
        self._rings: list[KeyRing] = []

    def wrapping(self, aws: str | None = None) -> KmsWrapping:
        return KmsWrapping(self.alias, region=REGION, endpoint_url=aws or self.aws)

    def ring(self, clock: HandClock | None = None, aws: str | None = None) -> KeyRing:
        made = KeyRing(SubjectKeys(self.store, clock or SystemClock()), [self.wrapping(aws)])
        self._rings.append(made)
        return made

    async def new_wrapping_key(self) -> None:
        """The alias points at it from now on."""
        async with aioboto3.Session().client("kms", region_name=REGION, endpoint_url=self.aws) as kms:
            key = (await kms.create_key())["KeyMetadata"]["KeyId"]
            known = {alias["AliasName"] for alias in (await kms.list_aliases())["Aliases"]}
            point = kms.update_alias if self.alias in known else kms.create_alias
            await point(AliasName=self.alias, TargetKeyId=key)

    async def forget_alias(self) -> None:
        async with aioboto3.Session().client("kms", region_name=REGION, endpoint_url=self.aws) as kms:
            await kms.delete_alias(AliasName=self.alias)

    async def close(self) -> None:
        for ring in self._rings:
            await ring.close()


@pytest.fixture(scope="module")
def key_tables(dynamodb_endpoint: str, credentials: None) -> str:
    """Of this module alone: rewrapping walks through every key there is."""
    return apply_tables(dynamodb_endpoint, PLATFORM)


@pytest.fixture
async def servers(stack: Endpoints, dynamodb_endpoint: str, key_tables: str) -> AsyncIterator[Servers]:
    assert stack.aws is not None
    store = DynamoStore(key_tables, endpoint=dynamodb_endpoint, region=REGION)
    made = Servers(store, stack.aws, f"alias/test-{uuid4().hex[:8]}")
    await made.new_wrapping_key()
    yield made
    await made.close()
    await store.close()


def somebody() -> str:
    return str(uuid4())


async def seal(ring: KeyRing, subject: str) -> str:
    return await Sealer(ring).seal(Purpose.SUBJECT, subject, VALUE, "Amira")


async def test_processes_creating_keys_for_the_same_people_at_once_end_with_one_key_each(servers: Servers) -> None:
    people = [somebody() for _ in range(PEOPLE)]
    rings = [servers.ring() for _ in range(3)]
    sealed = await asyncio.gather(*(asyncio.gather(*(seal(ring, person) for person in people)) for ring in rings))
    assert sealed[0] == sealed[1] == sealed[2]
    for person in people:
        assert len(await rings[0].keys.generations(KeyOwner(person, Purpose.SUBJECT))) == 1


async def test_what_one_process_seals_another_opens_and_nobody_once_it_is_destroyed(servers: Servers) -> None:
    person, clock = somebody(), HandClock()
    ring, elsewhere = servers.ring(clock), servers.ring(clock)
    sealed = await seal(ring, person)
    assert await Sealer(elsewhere).open(sealed, VALUE) == Clear("Amira")
    assert await ring.destroy(person, Purpose.SUBJECT) == [1]
    clock.move(LIFETIME)
    for reader in (ring, elsewhere, servers.ring(clock)):
        assert await Sealer(reader).open(sealed, VALUE) is Redacted.ERASED
        with pytest.raises(SubjectErased):
            await seal(reader, person)
    ref = reference(KeyOwner(person, Purpose.SUBJECT), 1)
    item = (await servers.store.get([ref]))[ref]
    assert item["state"] == "destroyed"
    assert {"wrappedKey", "wrappedUnder"} & set(item) == set()
    assert await ring.destroy(person, Purpose.SUBJECT) == []


async def test_an_address_that_appears_again_gets_the_next_generation(servers: Servers) -> None:
    address, ring = lead(uuid4().hex * 2), servers.ring()
    generations = []
    for _ in range(3):
        generations.append(SealedText.parse(await seal(ring, address)).generation)
        await ring.destroy(address, Purpose.SUBJECT)
    assert generations == [1, 2, 3]
    sealed = await asyncio.gather(*(seal(servers.ring(), address) for _ in range(4)))
    assert len(set(sealed)) == 1
    assert SealedText.parse(sealed[0]).generation == 4


async def test_the_wrapping_is_bound_to_its_owner(servers: Servers) -> None:
    wrapping = servers.wrapping()
    owner, other = KeyOwner(somebody(), Purpose.SUBJECT), KeyOwner(somebody(), Purpose.SUBJECT)
    try:
        new = await wrapping.generate(owner)
        assert len(new.key) == 64
        assert new.wrapped.wrapped_under == await wrapping.present()
        assert await wrapping.unwrap(owner, new.wrapped) == new.key
        for stranger in (other, KeyOwner(owner.subject, Purpose.LEGAL)):
            with pytest.raises(UnwrappableKey):
                await wrapping.unwrap(stranger, new.wrapped)
        with pytest.raises(UnwrappableKey):
            await wrapping.unwrap(owner, WrappedKey(b"nothing of KMS's", new.wrapped.wrapped_under))
    finally:
        await wrapping.close()


async def test_while_kms_is_away_known_keys_go_on_and_new_ones_are_unavailable(servers: Servers) -> None:
    person, clock = somebody(), HandClock()
    known = KeyRing(SubjectKeys(servers.store, clock), [servers.wrapping("http://127.0.0.1:9")])
    sealed = await seal(servers.ring(clock), person)
    with pytest.raises(KeysUnavailable, match="KMS does not answer"):
        await Sealer(known).open(sealed, VALUE)
    with pytest.raises(KeysUnavailable, match="KMS does not answer"):
        await seal(known, somebody())
    await known.close()


async def test_a_wrapping_key_that_is_gone_is_unavailable_not_broken(servers: Servers) -> None:
    person, clock = somebody(), HandClock()
    ring = servers.ring(clock)
    sealed = await seal(ring, person)
    await servers.forget_alias()
    clock.move(2 * LIFETIME)
    assert await Sealer(ring).open(sealed, VALUE) == Clear("Amira")
    with pytest.raises(KeysUnavailable, match="KMS refused generate_data_key: NotFoundException"):
        await seal(ring, somebody())


async def test_every_key_comes_under_the_present_wrapping_key(servers: Servers) -> None:
    """From a master key to KMS, and from one key of KMS to another; the table holds other tests' keys too."""
    master = LocalWrapping(b"a master key from before there was KMS")
    before = KeyRing(SubjectKeys(servers.store, SystemClock()), [master])
    people = [somebody() for _ in range(PEOPLE)]
    sealed = [await seal(before, person) for person in people]
    ring = KeyRing(SubjectKeys(servers.store, SystemClock()), [servers.wrapping(), master])
    for _ in range(2):
        await servers.new_wrapping_key()
        done = await _rewrapped(ring, servers)
        assert done.rewrapped >= PEOPLE
        found = await status_of(ring, lambda _: None)
        assert (set(found.under), found.elsewhere) == ({found.present}, 0)
    fresh = Sealer(servers.ring())
    assert [await fresh.open(text, VALUE) for text in sealed] == [Clear("Amira")] * PEOPLE
    await ring.close()


async def _rewrapped(ring: KeyRing, servers: Servers) -> Rewrapped:
    run = Rewrapping(ring, servers.store)
    return await run.run(await run.begun(), lambda _: None)
