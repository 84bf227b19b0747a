"""Forms by which browsers put files into S3: POST policies, signed here (Signature Version 4). S3 itself is not asked.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.session import Session

from contracts.file import File

AMAZON: Final = ".amazonaws.com"


@dataclass(frozen=True, slots=True)
class UploadForm:
    """What a browser posts, the file behind ``fields``, to ``url``. The fields are a secret until they expire."""

    url: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def policy(self) -> dict[str, Any]:
        """What was signed."""
        policy: dict[str, Any] = json.loads(base64.b64decode(self.fields["policy"]))
        return policy


class UploadsUnavailable(Exception):
    """No form could be signed: there are no credentials for the bucket, or they could not be fetched. Try again later."""


class S3Uploads:
    """Safe to share. Address and credentials come from AWS's own variables; fetching the latter may take a while, so forms are signed in a
    thread. Objects under a KMS key take the bucket's default encryption."""

    def __init__(self, bucket: str, *, region: str | None = None) -> None:
        self._bucket, self._region = bucket, region
        self._client: Any = None

    async def form(self, file: File, *, seconds: int) -> UploadForm:
        """Takes this one file for so long: key, length, type and digest are signed. Raises UploadsUnavailable."""
        return await asyncio.to_thread(self._form, file, seconds)

    def _form(self, file: File, seconds: int) -> UploadForm:
        fields = {
            "Content-Type": file.mime,
            "x-amz-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(file.sha256)).decode(),
        }
        exactly = [["content-length-range", file.size, file.size], *({name: value} for name, value in fields.items())]
        try:
            self._client = self._client or self._made()
            form = self._client.generate_presigned_post(self._bucket, file.key, Fields=fields, Conditions=exactly, ExpiresIn=seconds)
        except BotoCoreError as error:
            # The class alone: messages of the library name profiles and addresses.
            raise UploadsUnavailable(type(error).__name__) from error
        return UploadForm(form["url"], form["fields"])

    def _made(self) -> Any:
        # With the bucket in the name the address is the region's own; otherwise a bucket elsewhere than in us-east-1 answers a redirect,
        # which browsers don't follow with a file. Servers for local work have no names for buckets.
        session = Session()
        if session.get_credentials() is None:
            raise NoCredentialsError
        client = self._styled(session, "virtual")
        return client if AMAZON in client.meta.endpoint_url else self._styled(session, "path")

    def _styled(self, session: Session, style: str) -> Any:
        config = Config(signature_version="s3v4", s3={"addressing_style": style})
        return session.create_client("s3", region_name=self._region, config=config)
