"""One company's invitation of one address: its row, its deadline, what its mail says."""

from enum import StrEnum
from typing import Self, TypeVar

from contracts.client import InvitationId, InvitationReminderDue, InvitationSent
from contracts.ids import derived
from contracts.links import Link, LinkKeyId, Nonce
from contracts.timestamps import plus, to_seconds
from contracts.types import ClientId, ContractorId, Email, Hash, Locale, Pii, Text200, Text500, Timestamp, UserId
from workers.engine.row import DecidedRow

VALID_DAYS = 7
REMIND_AFTER_DAYS = 3
KEPT_DAYS = 30
"""How long a row stays after nobody can accept it any more."""

Mail = TypeVar("Mail", InvitationSent, InvitationReminderDue)


class Status(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Invitation(DecidedRow):
    """``token`` is the hash of the link's token; ``sent`` counts the mails since the invitation was last made."""

    id: InvitationId
    client_id: ClientId
    contractor_email: Pii[Email]
    email_hash: Hash
    token: Hash
    nonce: Nonce
    kid: LinkKeyId
    locale: Locale
    message: Text500 | None = None
    status: Status
    valid_until: Timestamp
    expires_at: int | None = None
    """Epoch seconds, as the TTL attribute wants them; an accepted invitation has none."""
    sent: int
    reminded_at: Timestamp | None = None
    accepted_by: UserId | None = None
    accepted_at: Timestamp | None = None
    contractor_id: ContractorId | None = None

    def status_at(self, at: Timestamp) -> Status:
        """Nobody waits for the timer: past its deadline a pending invitation counts as expired."""
        return Status.EXPIRED if self.status is Status.PENDING and at > self.valid_until else self.status

    def ended(self, status: Status, at: Timestamp) -> Self:
        return self.having(status=status, expires_at=to_seconds(plus(at, days=KEPT_DAYS)))

    def sent_out(self, token: Link, at: Timestamp) -> Self:
        """Pending once more, with this link and no other."""
        valid_until = deadline(at)
        return self.having(
            status=Status.PENDING,
            token=token.hash,
            nonce=token.nonce,
            kid=token.kid,
            valid_until=valid_until,
            expires_at=to_seconds(plus(valid_until, days=KEPT_DAYS)),
            sent=self.sent + 1,
            reminded_at=None,
        )

    def mail(self, kind: type[Mail], company_name: Pii[Text200]) -> Mail:
        return kind(
            invitation_id=self.id,
            client_id=self.client_id,
            company_name=company_name,
            contractor_email=self.contractor_email,
            email_hash=self.email_hash,
            nonce=self.nonce,
            kid=self.kid,
            valid_until=self.valid_until,
            locale=self.locale,
            message=self.message,
        )


def invitation_id(company: ClientId, email_hash: Hash) -> InvitationId:
    return InvitationId(derived(f"invitation:{company}:{email_hash}"))


def deadline(at: Timestamp) -> Timestamp:
    return plus(at, days=VALID_DAYS)


def reminder_due(valid_until: Timestamp) -> Timestamp:
    return plus(valid_until, days=REMIND_AFTER_DAYS - VALID_DAYS)
