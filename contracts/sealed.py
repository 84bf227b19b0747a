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
RAW = FieldClass("raw")
"""Bytes of a record or delivery that was put aside."""

_FORM = re.compile(r"s1\.(?P<purpose>[a-z]+)\.(?P<subject>[^.\s]{1,128})\.(?P<generation>[1-9][0-9]{0,5})\.(?P<ciphertext>[A-Za-z0-9_-]+)")
_SUBJECT = re.compile(r"[^.\s]{1,128}")
_LAST_GENERATION = 999_999
_LEAD = "lead:"


class Reader(StrEnum):
    """Stands where the subject would, in texts of purpose ``reader``."""

    SIGN_IN = "sign-in"
    BANK_SYNC = "sync-bank"
    API = "api"
    OPS = "ops"
    """Raw bytes of quarantined records and deliveries, for people who look into a failure."""


class MalformedSealError(ValueError):
    """The text does not have the form of a sealed text; it was never made by a sealer of this system."""


class KeysUnavailable(Exception):
    """The key can't be had at the moment: the key table or the wrapping service does not answer, or does not know the key. Nothing was
    sealed or opened, and the same may be tried again. Effects retry; the ingress answers 503 with Retry-After."""


class SubjectErased(Exception):
    """The subject's key was destroyed and never comes back, so nothing can be sealed for it: the person was erased."""

    def __init__(self, purpose: Purpose, subject: str) -> None:
        super().__init__(f"{' '.join((self.__doc__ or '').split())} (purpose {purpose}, subject {subject})")


def bank_number(contractor: str) -> FieldClass:
    """Bound to its contractor: a number copied to somebody else's bank details does not open."""
    return FieldClass(f"bank-number:{contractor}")


def require_subject(subject: str) -> None:
    """Raises MalformedSealError for a subject that can't be written down."""
    if not _SUBJECT.fullmatch(subject):
        raise MalformedSealError("a subject has 1 to 128 characters, no dots and no spaces")


def lead(email_hash: str) -> str:
    """The subject of an address that has no account."""
    return f"{_LEAD}{email_hash}"


def is_lead(subject: str) -> bool:
    """An address may appear again after its erasure, as somebody new; no other subject does."""
    return subject.startswith(_LEAD)


def audience(purpose: Purpose, subject: str) -> str:
    """Whom a text is for, as rights name it: ``subject``, ``legal``, or ``reader:<name>``. What effects declare to open or seal."""
    return f"{purpose}:{subject}" if purpose is Purpose.READER else purpose.value


@dataclass(frozen=True, slots=True)
class SealedText:
    """``subject`` has no dots and no spaces. ``generation`` counts the subject's keys from 1; destroying one ends it."""

    purpose: Purpose
    subject: str
    generation: int
    ciphertext: bytes

    def __post_init__(self) -> None:
        require_subject(self.subject)
        if not 1 <= self.generation <= _LAST_GENERATION or not self.ciphertext:
            raise MalformedSealError("a sealed text has a generation from 1 and a ciphertext")

    def __str__(self) -> str:
        return f"s1.{self.purpose}.{self.subject}.{self.generation}.{_to_base64url(self.ciphertext)}"

    @property
    def audience(self) -> str:
        return audience(self.purpose, self.subject)

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
