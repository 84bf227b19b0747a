"""Forms that browsers upload with: what is signed, where it leads, and that moto's server takes it."""

import base64
import hashlib
from typing import Any

import boto3
import httpx
import pytest

from contracts.file import File
from workers.adapters.s3_uploads import S3Uploads, UploadsUnavailable

CONTENT = b"a picture of Amina"
DIGEST = hashlib.sha256(CONTENT)
KEY = "avatars/11111111-1111-4111-8111-111111111111/one.png"
FILE = File(key=KEY, sha256=DIGEST.hexdigest(), size=len(CONTENT), mime="image/png")
SECRET = "a secret access key"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


async def test_key_length_type_and_digest_are_signed() -> None:
    form = await S3Uploads("documents", region="eu-central-1").form(FILE, seconds=600)
    conditions: list[Any] = form.policy["conditions"]
    assert ["content-length-range", len(CONTENT), len(CONTENT)] in conditions
    digest = base64.b64encode(DIGEST.digest()).decode()
    for name, value in {
        "key": KEY,
        "bucket": "documents",
        "Content-Type": "image/png",
        "x-amz-checksum-sha256": digest,
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
    }.items():
        assert {name: value} in conditions
        assert name == "bucket" or form.fields[name] == value
    assert SECRET not in repr(form.fields)
    assert form.fields["policy"] not in repr(form)


async def test_nothing_is_left_to_the_browser_but_the_file() -> None:
    """S3 refuses fields that no condition names, and every condition here is an equality."""
    form = await S3Uploads("documents", region="eu-central-1").form(FILE, seconds=600)
    named = {name for condition in form.policy["conditions"] if isinstance(condition, dict) for name in condition}
    assert set(form.fields) - {"policy", "x-amz-signature"} == named - {"bucket"}


@pytest.mark.parametrize(
    ("region", "address", "url"),
    [
        ("eu-central-1", None, "https://documents.s3.eu-central-1.amazonaws.com/"),
        ("us-east-1", None, "https://documents.s3.amazonaws.com/"),
        ("us-east-1", "http://127.0.0.1:5000", "http://127.0.0.1:5000/documents"),
        ("us-east-1", "http://moto:5000", "http://moto:5000/documents"),
    ],
)
async def test_a_form_leads_to_the_regions_own_address(monkeypatch: pytest.MonkeyPatch, region: str, address: str | None, url: str) -> None:
    if address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
    assert (await S3Uploads("documents", region=region).form(FILE, seconds=600)).url == url


async def test_the_file_is_there_once_the_form_is_posted(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server)
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="uploads-here")
    form = await S3Uploads("uploads-here", region="us-east-1").form(FILE, seconds=600)
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.post(form.url, data=dict(form.fields), files={"file": ("picture.png", CONTENT)})
    assert answer.is_success, answer.text
    found = client.get_object(Bucket="uploads-here", Key=KEY)
    assert (found["Body"].read(), found["ContentType"]) == (CONTENT, "image/png")
    client.close()


async def test_without_credentials_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
    with pytest.raises(UploadsUnavailable, match="NoCredentialsError"):
        await S3Uploads("documents", region="eu-central-1").form(FILE, seconds=600)
