"""Who signed a delivery of SNS, and when. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

The certificate comes alone, without those that vouch for it; that it is Amazon's follows from where it was fetched, over TLS.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from workers.ingress.problems import Problem
from workers.ingress.sns_envelope import SnsMessage

VERSION: Final = "2"
"""Version 1 is SHA-1, for which two texts with one digest can be made. The topic's ``signature_version`` is set to 2."""
PAST: Final = 2 * 3600
"""Seconds. SNS repeats a delivery for up to an hour, with its first time and signature; what nobody could place by then is to be kept."""
FUTURE: Final = 300
SMALLEST_KEY: Final = 2048
_NAME: Final = re.compile(r"sns(-signing)?([.-][a-z0-9-]+)?\.amazonaws\.com(\.cn)?")


def require_version(message: SnsMessage) -> None:
    """Before anything is fetched. Raises Problem ``signature_version_refused``."""
    if message.fields["SignatureVersion"] != VERSION:
        raise Problem("signature_version_refused", f"Only signature version {VERSION} is taken.", field="SignatureVersion")


def verify_sns(message: SnsMessage, certificate: bytes, now: int) -> None:
    """``certificate``: PEM; ``now`` in milliseconds. Returns for a genuine, recent delivery; raises Problem."""
    key = _key_of(certificate, now)
    try:
        signature = base64.b64decode(message.fields["Signature"], validate=True)
    except (binascii.Error, ValueError):
        raise Problem("signature_malformed", "The signature is not written in Base64.", field="Signature") from None
    try:
        key.verify(signature, message.signed_text(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise Problem("signature_mismatch", "The signature does not fit the delivery.", field="Signature") from None
    # After the signature, so that only SNS learns how our clock stands.
    if message.at < now - PAST * 1000:
        raise Problem("signature_too_old", f"The delivery was signed more than {PAST} s ago.")
    if message.at > now + FUTURE * 1000:
        raise Problem("signature_in_future", f"The delivery was signed more than {FUTURE} s ahead of our clock.")


def _key_of(pem: bytes, now: int) -> RSAPublicKey:
    """Raises Problem ``certificate_refused``."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names, key = _names(certificate), certificate.public_key()
    except ValueError:
        raise Problem("certificate_refused", "The signing certificate cannot be read.") from None
    at = datetime.fromtimestamp(now / 1000, UTC)
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise Problem("certificate_refused", "The signing certificate is not valid now.")
    if not any(_NAME.fullmatch(name) for name in names):
        raise Problem("certificate_refused", "The signing certificate was not made out to SNS.")
    if not isinstance(key, RSAPublicKey) or key.key_size < SMALLEST_KEY:
        raise Problem("certificate_refused", f"The signing certificate's key is no RSA key of {SMALLEST_KEY} bits.")
    return key


def _names(certificate: x509.Certificate) -> list[str]:
    """Raises ValueError for extensions that cannot be read."""
    common = [str(each.value) for each in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return common
    return [*common, *alternative.value.get_values_for_type(x509.DNSName)]
