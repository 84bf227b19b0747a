"""The thin transport's signature is botocore's, header for header."""

from datetime import UTC, datetime
from unittest import mock

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from workers.adapters.signing import CONTENT_TYPE, Signer

MOMENTS = (datetime(2026, 1, 31, 9, 30, tzinfo=UTC), datetime(2026, 2, 1, 0, 0, 1, tzinfo=UTC))
URLS = (
    "https://dynamodb.eu-central-1.amazonaws.com",
    "https://dynamodb.eu-central-1.amazonaws.com:443",
    "http://127.0.0.1:8000",
    "http://localhost:80",
)
CREDENTIALS = (
    ReadOnlyCredentials("AKID", "secret", None, None),
    ReadOnlyCredentials("AKID", "another/secret+", "a session's token==", None),
)


def botocores(url: str, credentials: ReadOnlyCredentials, operation: str, body: bytes, moment: datetime) -> dict[str, str]:
    headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        SigV4Auth(credentials, "dynamodb", "eu-central-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("credentials", CREDENTIALS, ids=["plain", "with a token"])
@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_signature_is_botocores(url: str, credentials: ReadOnlyCredentials, moment: datetime) -> None:
    body = '{"Statements":["naïve"]}'.encode()
    ours = Signer(url, "eu-central-1").headers(credentials, "BatchExecuteStatement", body, moment)
    theirs = botocores(url, credentials, "BatchExecuteStatement", body, moment)
    assert {name.lower(): value for name, value in ours.items() if name != "host"} == theirs


def test_signature_depends_on_operation_and_body() -> None:
    def signature(operation: str, body: bytes) -> str:
        return Signer(URLS[0], "eu-central-1").headers(CREDENTIALS[0], operation, body, MOMENTS[0])["Authorization"]

    assert len({signature("Query", b"{}"), signature("Query", b"[]"), signature("BatchGetItem", b"{}")}) == 3
