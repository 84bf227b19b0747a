"""What a fake is started with."""

from dataclasses import dataclass, field

from workers.ops.fakes.stripe.policy import FIRST_RETRY_SECONDS, DeliveryFaults
from workers.ops.fakes.stripe.state import Terms

SECRET = "whsec_fake_platform"  # noqa: S105  # guards nothing: it signs what this fake makes up
CONNECT_SECRET = "whsec_fake_connect"  # noqa: S105  # likewise


@dataclass(frozen=True, slots=True)
class FakeSettings:
    """`port` 0: the system chooses. `deliver`: webhooks leave by themselves as they fall due, else only when a test says so.

    `secrets`, `connect_secrets`: one each, or two during a roll. `first_retry_seconds`: a webhook that was refused or lost is
    tried again after it, then after twice that, and so on.
    """

    port: int = 0
    webhook_url: str | None = None
    connect_url: str | None = None
    secrets: tuple[str, ...] = (SECRET,)
    connect_secrets: tuple[str, ...] = (CONNECT_SECRET,)
    seed: int = 1
    faults: DeliveryFaults = field(default_factory=DeliveryFaults)
    terms: Terms = field(default_factory=Terms)
    deliver: bool = False
    first_retry_seconds: int = FIRST_RETRY_SECONDS


DEFAULTS = FakeSettings()
