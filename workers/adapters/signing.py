"""AWS Signature Version 4 for DynamoDB's one kind of request: POST to the root, the same few headers each time.

botocore's signer builds everything anew and costs more than the request's JSON; its header is what the tests compare this one with.
"""

import hashlib
import hmac
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from botocore.credentials import ReadOnlyCredentials

CONTENT_TYPE = "application/x-amz-json-1.0"
_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "dynamodb"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Signer:
    """For one endpoint and region."""

    def __init__(self, url: str, region: str) -> None:
        parts = urlsplit(url)
        default = parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme)
        self._host = str(parts.hostname) if default else f"{parts.hostname}:{parts.port}"
        self._region = region

    def headers(self, credentials: ReadOnlyCredentials, operation: str, body: bytes, moment: datetime) -> dict[str, str]:
        """Every header of the request but the transport's own. ``moment`` is UTC."""
        time, target = moment.strftime("%Y%m%dT%H%M%SZ"), f"DynamoDB_20120810.{operation}"
        headers = {"content-type": CONTENT_TYPE, "host": self._host, "x-amz-date": time}
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        headers["x-amz-target"] = target
        signed = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{time[:8]}/{self._region}/{_SERVICE}/aws4_request"
        wanted = f"{_ALGORITHM}\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(_key(credentials.secret_key, time[:8], self._region), wanted.encode(), "sha256").hex()
        credential = f"{credentials.access_key}/{scope}"
        return headers | {"Authorization": f"{_ALGORITHM} Credential={credential}, SignedHeaders={signed}, Signature={signature}"}


@lru_cache(maxsize=4)
def _key(secret: str, day: str, region: str) -> bytes:
    """The day's key: four of the five HMACs of a signature. Few are kept, so that a rotated secret leaves memory soon."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, _SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
