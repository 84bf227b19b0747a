"""What the story must leave behind, written down from domain.md sections 13, 14 and 16 and not from the code that does it."""

from collections import Counter
from collections.abc import Mapping

from contracts.types import RecipientId
from workers.ops.demo.cast import Cast
from workers.ops.demo.stage import CURRENCY, DEPOSIT, RELEASE

BALANCE = DEPOSIT - RELEASE

Message = tuple[str, str, str, str]
"""Event, recipient, channel, template."""

CLIENT, CONTRACTOR, INVITED = ("client",), ("contractor",), ("invited",)
BOTH_PARTIES = (*CLIENT, *CONTRACTOR)
EMAIL, BOTH_CHANNELS = ("email",), ("email", "in_app")

# event, recipients, channels, template: section 13, for the events of the story. ContractSigned goes to the other party: each once.
_MATRIX = (
    ("UserRegistered", BOTH_PARTIES, EMAIL, "verify-email"),
    ("EmailVerified", BOTH_PARTIES, BOTH_CHANNELS, "welcome"),
    ("CompanyVerified", CLIENT, BOTH_CHANNELS, "company-verified"),
    ("InvitationSent", INVITED, EMAIL, "contractor-invitation"),
    ("InvitationAccepted", CLIENT, BOTH_CHANNELS, "invitation-accepted"),
    ("KycSessionReady", CONTRACTOR, BOTH_CHANNELS, "kyc-start"),
    ("KycResubmissionRequested", CONTRACTOR, BOTH_CHANNELS, "kyc-resubmit"),
    ("KycSessionVerified", CONTRACTOR, BOTH_CHANNELS, "kyc-verified"),
    ("BankDetailsAdded", CONTRACTOR, BOTH_CHANNELS, "bank-details-added"),
    ("PayeeReady", CONTRACTOR, BOTH_CHANNELS, "payouts-ready"),
    ("ContractSent", BOTH_PARTIES, BOTH_CHANNELS, "contract-to-sign"),
    ("ContractSigned", BOTH_PARTIES, BOTH_CHANNELS, "contract-signed"),
    ("ContractActivated", BOTH_PARTIES, BOTH_CHANNELS, "contract-active"),
    ("EscrowOpened", CLIENT, BOTH_CHANNELS, "escrow-opened"),
    ("DepositReceived", BOTH_PARTIES, BOTH_CHANNELS, "deposit-received"),
    ("EscrowReleased", BOTH_PARTIES, BOTH_CHANNELS, "payment-released"),
    ("PayoutPaid", CONTRACTOR, BOTH_CHANNELS, "payout-paid"),
    ("ContractCompleted", BOTH_PARTIES, BOTH_CHANNELS, "contract-completed"),
)


def messages(cast: Cast, invited: RecipientId) -> Counter[Message]:
    """Each once. ``invited``: the address that had no account yet."""
    people = {"client": cast.client.user_id, "contractor": cast.contractor.user_id, "invited": invited}
    return Counter(
        (event, people[recipient], channel, template)
        for event, recipients, channels, template in _MATRIX
        for recipient in recipients
        for channel in channels
    )


def mails() -> int:
    return sum(len(recipients) for _, recipients, channels, _ in _MATRIX if "email" in channels)


def metrics() -> Mapping[str, int]:
    """By ``metricKey``, over all days and shards: section 14, for the events of the story."""
    sent = mails()
    return {
        "users_registered|{}": 2,
        'users_registered|{"role":"company"}': 1,
        'users_registered|{"role":"contractor"}': 1,
        "sign_ins|{}": 2,
        "companies_verified|{}": 1,
        'companies_verified|{"country":"DE"}': 1,
        "invitations_sent|{}": 1,
        "invitations_accepted|{}": 1,
        "contractors_registered|{}": 1,
        'contractors_registered|{"country":"US"}': 1,
        "kyc_verified|{}": 1,
        'kyc_verified|{"provider":"veriff"}': 1,
        "contracts_sent|{}": 1,
        'contracts_sent|{"type":"fixed"}': 1,
        f'contracts_sent|{{"currency":"{CURRENCY}"}}': 1,
        "contracts_signed|{}": 1,
        'contracts_signed|{"type":"fixed"}': 1,
        f'contracts_signed|{{"currency":"{CURRENCY}"}}': 1,
        "contracts_completed|{}": 1,
        "deposits_received|{}": 1,
        f'deposits_volume|{{"currency":"{CURRENCY}"}}': DEPOSIT,
        "payments_completed|{}": 1,
        f'payments_volume|{{"currency":"{CURRENCY}"}}': RELEASE,
        "notifications_sent|{}": sent,
        'notifications_sent|{"channel":"email"}': sent,
    }


CREATED_AT_STRIPE = {"account": 1, "payment_intent": 1, "transfer": 1, "payout": 1, "bank_account": 1}
"""Objects that our calls and the payer's made: one each, however often a call or a webhook came."""

VERIFF = ("7001", "7002", "9103", "7001", "7002", "9001")
"""What Veriff said, in the order in which it happened."""
