"""Bodies of decisions in S3 (moto's server, a bucket that keeps versions), sealed, and gone when they are to be gone."""

import hashlib
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.clear import Clear, Redacted
from contracts.kyc import document_prefix, raw_body_key
from contracts.sealed import KYC_LINK, RAW, VALUE, Reader, SealedText, audience
from contracts.types import KycSessionId, Purpose, UserId
from tests.support.keys import key_ring
from workers.adapters.kyc_ports import SealedKyc, StoredRecords
from workers.adapters.opening import KeyRights, Opener, UndeclaredError
from workers.adapters.s3_objects import S3Objects
from workers.adapters.sealing import Sealer
from workers.ops.fakes.memory import MemoryObjects
from workers.services.kyc.ports import RecordsRefusedError, RecordsUnavailableError

SESSION = KycSessionId("33333333-3333-4333-8333-333333333333")
USER = UserId("22222222-2222-4222-8222-222222222222")
BODY = b'{"verification": {"person": {"lastName": "MORGAN"}}}'


@pytest.fixture
async def objects(bucket: str) -> AsyncIterator[S3Objects]:
    objects = S3Objects(bucket)
    yield objects
    await objects.close()


def opener(sealer: Sealer, *seals: str) -> Opener:
    return Opener(sealer, KeyRights(frozenset({"subject"}), frozenset(seals)), "veriff")


def versions(s3_client: Any, bucket: str) -> list[str]:
    found = s3_client.list_object_versions(Bucket=bucket)
    return [row["Key"] for row in (*found.get("Versions", ()), *found.get("DeleteMarkers", ()))]


async def test_a_body_is_kept_sealed_under_the_legal_key(objects: S3Objects, s3_client: Any, bucket: str) -> None:
    sealer = Sealer(key_ring())
    key = await StoredRecords(objects, opener(sealer, "legal")).keep_body(SESSION, USER, BODY)
    assert key == raw_body_key(SESSION, hashlib.sha256(BODY).hexdigest())
    stored = s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert b"MORGAN" not in stored
    sealed = SealedText.parse(stored.decode())
    assert (sealed.purpose, sealed.subject) == (Purpose.LEGAL, USER)
    opened = await sealer.open_bytes(sealed, RAW)
    assert not isinstance(opened, Redacted)
    assert zlib.decompress(opened) == BODY


async def test_the_same_again_has_the_same_key_and_all_versions_go(objects: S3Objects, s3_client: Any, bucket: str) -> None:
    records = StoredRecords(objects, opener(Sealer(key_ring()), "legal"))
    keys = {await records.keep_body(SESSION, USER, BODY) for _ in range(3)}
    (key,) = keys
    longer = f"{key}-of-another"
    await objects.put(longer, b"stays")
    s3_client.delete_object(Bucket=bucket, Key=key)
    assert versions(s3_client, bucket).count(key) == 4
    await records.delete([key, "kyc/never-there"])
    assert versions(s3_client, bucket) == [longer]
    await records.delete([key])


async def test_no_bucket_is_for_people_and_no_server_is_tried_again(
    s3_client: Any, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    nowhere = S3Objects("records-nobody-made")
    records = StoredRecords(nowhere, opener(Sealer(key_ring()), "legal"))
    with pytest.raises(RecordsRefusedError, match="NoSuchBucket"):
        await records.keep_body(SESSION, USER, BODY)
    await nowhere.close()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{unused_tcp_port}")
    silent = S3Objects("records")
    with pytest.raises(RecordsUnavailableError):
        await StoredRecords(silent, opener(Sealer(key_ring()), "legal")).delete(["kyc/a"])
    await silent.close()


async def test_a_process_that_keeps_nothing_closes_what_it_never_opened() -> None:
    await S3Objects("records").close()


async def test_links_are_sealed_for_the_api_and_names_opened() -> None:
    sealer = Sealer(key_ring())
    seals = SealedKyc(opener(sealer, audience(Purpose.READER, Reader.API)))
    link = await seals.seal_link(Clear("https://alchemy.veriff.com/v/1"))
    assert link.startswith("s1.reader.api.1.")
    opened = await sealer.open(link, KYC_LINK)
    assert isinstance(opened, Clear)
    assert opened.reveal() == "https://alchemy.veriff.com/v/1"
    name = await seals.open_name(await sealer.seal(Purpose.SUBJECT, USER, VALUE, "Sarah Morgan"))
    assert isinstance(name, Clear)
    assert name.reveal() == "Sarah Morgan"


async def test_what_was_not_declared_is_not_sealed() -> None:
    with pytest.raises(UndeclaredError):
        await StoredRecords(MemoryObjects(), opener(Sealer(key_ring()))).keep_body(SESSION, USER, BODY)


async def test_what_lies_under_a_prefix_goes_in_every_version_and_nothing_else(objects: S3Objects, s3_client: Any, bucket: str) -> None:
    for key in ("avatars/1/a", "avatars/1/b", "avatars/1/a", "avatars/12/a"):
        await objects.put(key, b"a face")
    await objects.delete(["avatars/1/b"])
    await objects.delete_under("avatars/1/")
    assert versions(s3_client, bucket) == ["avatars/12/a"]
    await objects.delete_under("avatars/1/")


async def test_with_a_session_goes_what_nobody_recorded(objects: S3Objects, s3_client: Any, bucket: str) -> None:
    records, other = StoredRecords(objects, opener(Sealer(key_ring()), "legal")), "kyc/44444444-4444-4444-8444-444444444444/a"
    await records.keep_body(SESSION, USER, BODY)
    for key in (f"{document_prefix(SESSION)}never-registered", other):
        await objects.put(key, b"a passport")
    await records.delete_all(SESSION)
    assert versions(s3_client, bucket) == [other]
