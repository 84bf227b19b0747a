"""Sealed text: ``s1.<purpose>.<subject>.<generation>.<base64url>``. Pure: no key is known here.

A decision compares sealed texts and passes them on; only an adapter that holds keys opens one.

The **field class** is sealed in but not written down: whoever opens a text must know what it is. Values of a person (purposes
``subject`` and ``legal``) all have the class ``value``: they travel between rows, events and message variables, and whoever opens
them can't know where they came from; moved within one person and one purpose they tell nobody anything new. What is sealed for one
reader names its class, and its owner too where domain.md 0.4 asks for it (bank numbers: the contractorId).
"""

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Self

from contracts.types import Purpose

FieldClass = NewType("FieldClass", str)

VALUE = FieldClass("value")
PASSWORD_HASH = FieldClass("password-hash")
KYC_LINK = FieldClass("kyc-link")

_FORM = re.compile(r"s1\.(?P<purpose>[a-z]+)\.(?P<subject>[^.\s]{1,128})\.(?P<generation>[1-9][0-9]{0,5})\.(?P<ciphertext>[A-Za-z0-9_-]+)")
_SUBJECT = re.compile(r"[^.\s]{1,128}")
_LAST_GENERATION = 999_999


class Reader(StrEnum):
    """Stands where the subject would, in texts of purpose ``reader``."""

    SIGN_IN = "sign-in"
    BANK_SYNC = "sync-bank"
    API = "api"


class MalformedSealError(ValueError):
    """The text does not have the form of a sealed text; it was never made by a sealer of this system."""


def bank_number(contractor: str) -> FieldClass:
    """Bound to its contractor: a number copied to somebody else's bank details does not open."""
    return FieldClass(f"bank-number:{contractor}")


def lead(email_hash: str) -> str:
    """The subject of an address that has no account."""
    return f"lead:{email_hash}"


@dataclass(frozen=True, slots=True)
class SealedText:
    """``subject`` has no dots and no spaces. ``generation`` counts the subject's keys from 1; destroying one ends it."""

    purpose: Purpose
    subject: str
    generation: int
    ciphertext: bytes

    def __post_init__(self) -> None:
        if not _SUBJECT.fullmatch(self.subject):
            raise MalformedSealError("a subject has 1 to 128 characters, no dots and no spaces")
        if not 1 <= self.generation <= _LAST_GENERATION or not self.ciphertext:
            raise MalformedSealError("a sealed text has a generation from 1 and a ciphertext")

    def __str__(self) -> str:
        return f"s1.{self.purpose}.{self.subject}.{self.generation}.{_to_base64url(self.ciphertext)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises MalformedSealError, which never repeats the text: it may be a clear one that got here by mistake."""
        found = _FORM.fullmatch(text)
        if not found or found["purpose"] not in set(Purpose):
            raise MalformedSealError("not of the form s1.<purpose>.<subject>.<generation>.<base64url>")
        return cls(Purpose(found["purpose"]), found["subject"], int(found["generation"]), _from_base64url(found["ciphertext"]))


def _to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _from_base64url(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise MalformedSealError("the ciphertext is not base64url") from error
    # Two spellings of one ciphertext would be two values to whoever compares sealed texts.
    if _to_base64url(data) != text:
        raise MalformedSealError("the ciphertext is not in its one canonical spelling")
    return data
