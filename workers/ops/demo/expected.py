"""What the story must leave behind, written down from domain.md sections 13, 14 and 16 and not from the code that does it."""

from collections import Counter
from collections.abc import Mapping

from contracts.types import RecipientId
from workers.ops.demo.cast import Cast
from workers.ops.demo.stage import CURRENCY, DEPOSIT, RELEASE

BALANCE = 0
"""What was left went back."""
REFUND = DEPOSIT - RELEASE
POSTED = {"deposit": DEPOSIT, "payment": -RELEASE, "withdrawal": -REFUND}
"""What the escrow's rows stand for, by type."""

Message = tuple[str, str, str, str]
"""Event, recipient, channel, template."""

CLIENT, CONTRACTOR, INVITED = ("client",), ("contractor",), ("invited",)
BOTH_PARTIES = (*CLIENT, *CONTRACTOR)
EMAIL, BOTH_CHANNELS, ALL_CHANNELS = ("email",), ("email", "in_app"), ("email", "sms", "in_app")

# event, recipients, channels, template: section 13, for the events of the story, as often as they come. ContractSigned goes to the other
# party: each once. A payout that came back goes out once more, to another bank account.
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
    ("PayoutFailed", CONTRACTOR, ALL_CHANNELS, "payout-failed"),
    ("BankDetailsAdded", CONTRACTOR, BOTH_CHANNELS, "bank-details-added"),
    ("PayoutPaid", CONTRACTOR, BOTH_CHANNELS, "payout-paid"),
    ("ContractCompleted", BOTH_PARTIES, BOTH_CHANNELS, "contract-completed"),
    ("EscrowRefunded", CLIENT, BOTH_CHANNELS, "refund-sent"),
)


def messages(cast: Cast, invited: RecipientId) -> Counter[Message]:
    """``invited``: the address that had no account yet."""
    people = {"client": cast.client.user_id, "contractor": cast.contractor.user_id, "invited": invited}
    return Counter(
        (event, people[recipient], channel, template)
        for event, recipients, channels, template in _MATRIX
        for recipient in recipients
        for channel in channels
    )


def sent(channel: str) -> int:
    """How many messages leave by it."""
    return sum(len(recipients) for _, recipients, channels, _ in _MATRIX if channel in channels)


def metrics() -> Mapping[str, int]:
    """By ``metricKey``, over all days and shards: section 14, for the events of the story."""
    mails, texts = sent("email"), sent("sms")
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
        "payouts_failed|{}": 1,
        "refunds|{}": 1,
        f'refunds_volume|{{"currency":"{CURRENCY}"}}': REFUND,
        "notifications_sent|{}": mails + texts,
        'notifications_sent|{"channel":"email"}': mails,
        'notifications_sent|{"channel":"sms"}': texts,
    }


CREATED_AT_STRIPE = {"account": 1, "payment_intent": 1, "charge": 1, "transfer": 1, "refund": 1, "payout": 2, "bank_account": 2}
"""Objects that our calls, the payer and the bank made, however often a call or a webhook came."""

VERIFF = ("7001", "7002", "9103", "7001", "7002", "9001")
"""What Veriff said, in the order in which it happened."""
