"""Certificates like those SNS signs with: a leaf by itself, made out to it by an authority that exists here alone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

NAME: Final = "sns.amazonaws.com"
LIFETIME: Final = timedelta(days=398)
_EXPONENT: Final = 65537
_HASHES: Final[dict[str, HashAlgorithm]] = {"1": SHA1(), "2": SHA256()}  # noqa: S303  # version 1 is made to be refused


@dataclass(frozen=True, slots=True)
class Signer:
    """``pem``: the leaf alone, as SNS serves it."""

    key: RSAPrivateKey = field(repr=False)
    pem: bytes = field(repr=False)

    @classmethod
    def made(cls, *, name: str = NAME, begins: datetime | None = None, bits: int = 2048) -> Self:
        """``begins``: yesterday, if nothing is said."""
        authority, key = generate_private_key(_EXPONENT, 2048), generate_private_key(_EXPONENT, bits)
        begin = begins or datetime.now(UTC) - timedelta(days=1)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "An authority of this fake")])
        leaf = (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), begin, begin + LIFETIME)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(authority, SHA256())
        )
        return cls(key, leaf.public_bytes(Encoding.PEM))

    @property
    def file(self) -> str:
        return f"SimpleNotificationService-{sha256(self.pem).hexdigest()[:32]}.pem"

    def sign(self, text: bytes, version: str = "2") -> bytes:
        return self.key.sign(text, PKCS1v15(), _HASHES[version])
