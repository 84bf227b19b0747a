"""Both effects of contract with the real typesetter and S3: rendered twice, stored once, locked when executed."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from contracts.contract.commands import RecordContractPdf, RecordExecutedPdf
from tests.support.pdf_text import pages
from tests.unit.services.contract.story import Story
from tests.unit.services.contract.test_effects import EXECUTE, RENDER, Press, carried_out
from workers.adapters.pdf import PdfRenderer
from workers.adapters.s3 import S3Documents
from workers.engine.service import Done
from workers.services.contract.ports import Documents


class RealPress(Press):
    """Only the reader of sealed texts is the test's own."""

    def __init__(self, renderer: PdfRenderer, store: S3Documents) -> None:
        super().__init__()
        self._documents = Documents(renderer, store, self)

    @property
    def port(self) -> Documents:
        return self._documents


@pytest.fixture
async def press(bucket: str) -> AsyncIterator[RealPress]:
    renderer, store = PdfRenderer(), await S3Documents.open(bucket)
    yield RealPress(renderer, store)
    await renderer.close()
    await store.close()


async def test_the_draft_is_stored_once_and_not_locked(press: RealPress, s3_client: Any, bucket: str) -> None:
    story = Story().requested()
    result = await carried_out(RENDER, story, press)
    assert await carried_out(RENDER, story, press) == result
    assert isinstance(result, Done)
    (record,) = result.commands
    assert isinstance(record, RecordContractPdf)
    (version,) = s3_client.list_object_versions(Bucket=bucket)["Versions"]
    assert version["Key"] == record.pdf_key
    kept = s3_client.get_object(Bucket=bucket, Key=record.pdf_key)
    content = kept["Body"].read()
    assert hashlib.sha256(content).hexdigest() == record.pdf_sha256
    assert "ObjectLockMode" not in kept
    assert len(pages(content)) == record.pages
    assert "DRAFT" in pages(content)[0]


async def test_the_executed_copy_is_the_same_with_signatures_and_locked_for_ten_years(
    press: RealPress, s3_client: Any, bucket: str
) -> None:
    story = Story().active()
    await carried_out(RENDER, story, press)
    result = await carried_out(EXECUTE, story, press)
    assert await carried_out(EXECUTE, story, press) == result
    assert isinstance(result, Done)
    (record,) = result.commands
    assert isinstance(record, RecordExecutedPdf)
    kept = s3_client.get_object(Bucket=bucket, Key=record.executed_pdf_key)
    content = kept["Body"].read()
    assert hashlib.sha256(content).hexdigest() == record.executed_pdf_sha256
    assert (kept["ObjectLockMode"], kept["ObjectLockRetainUntilDate"].year) == ("COMPLIANCE", 2036)
    *body, signatures = pages(content)
    assert "DRAFT" not in "".join(body)
    assert "Nile Trading LLC, Lukasz Nowak, 2026-02-01, A shop, 14 days" in body[0]
    assert signatures.count("A hand") == 2


async def test_another_content_under_the_same_key_is_found_and_told(press: RealPress, s3_client: Any, bucket: str) -> None:
    """A conflicting second write loses: what was kept first is what the contract learns."""
    story = Story().requested()
    key = story.recording().pdf_key
    s3_client.put_object(Bucket=bucket, Key=key, Body=b"%PDF of a renderer that was replaced")
    result = await carried_out(RENDER, story, press)
    assert isinstance(result, Done)
    (record,) = result.commands
    assert isinstance(record, RecordContractPdf)
    assert record.pdf_sha256 == hashlib.sha256(b"%PDF of a renderer that was replaced").hexdigest()
    assert len(s3_client.list_object_versions(Bucket=bucket)["Versions"]) == 1
