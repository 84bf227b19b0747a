"""A file that somebody uploaded to S3 (domain.md 0.4): the presigned form fixed its key, its exact length, its type and its digest."""

from typing import Annotated

from pydantic import Field

from contracts.message import Value
from contracts.types import CleanText, Hash, Text200

ObjectKey = Annotated[CleanText, Field(max_length=512)]
"""Key of an object in S3."""


class File(Value):
    """``size`` in bytes. ``mime`` is open text: which types are allowed is a rule of the service that takes the file."""

    key: ObjectKey
    sha256: Hash
    size: Annotated[int, Field(strict=True, ge=0, le=10**12)]
    mime: Text200
