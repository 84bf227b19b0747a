"""A link in a mail proves who has the mailbox: kept as its digest, good for a while, sent so and so often."""

from typing import Self

from contracts.links import Link
from contracts.message import Value
from contracts.timestamps import plus
from contracts.types import Hash, Timestamp
from workers.engine.decision import Refused


class Proof(Value):
    """``sent``: when it went out lately. ``reminded_at``: when the timer sent it. Without a link it only remembers that."""

    link: Link | None = None
    expires_on: Timestamp | None = None
    sent: tuple[Timestamp, ...] = ()
    reminded_at: Timestamp | None = None

    def sent_within(self, at: Timestamp, *, hours: int) -> tuple[Timestamp, ...]:
        since = plus(at, hours=-hours)
        return tuple(sent for sent in self.sent if sent > since)

    def asked(self, link: Link, at: Timestamp, expires_on: Timestamp, *, hours: int) -> Self:
        """The link goes out; what went out more than ``hours`` ago is forgotten."""
        return self.model_copy(update={"link": link, "expires_on": expires_on, "sent": (*self.sent_within(at, hours=hours), at)})

    def used(self) -> Self:
        return self.model_copy(update={"link": None, "expires_on": None})


def token_refusal(proof: Proof | None, token_hash: Hash, at: Timestamp) -> Refused | None:
    if proof is None or proof.link is None or proof.link.hash != token_hash:
        return Refused("token_invalid")
    return Refused("token_expired") if proof.expires_on is None or at > proof.expires_on else None
