"""Both providers of identity checks as one application: Veriff under /veriff, Onfido under /onfido, what people do under /_fake.

fake = IdentityFake()
async with fake.delivering():
    ...  # fake.listen("http://127.0.0.1:8080", veriff_secrets, onfido_secrets); fake.take(kyc_session_id, Step.APPROVE)
"""

from workers.ops.fakes.identity.application import IdentityFake
from workers.ops.fakes.identity.steps import Step

__all__ = ["IdentityFake", "Step"]
