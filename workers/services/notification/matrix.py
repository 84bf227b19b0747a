"""Who hears of what, through which channels: section 13 of domain.md as data."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from contracts.auth import EmailChanged, UserRegistered
from contracts.client import CompanyRejected, CompanyVerified
from contracts.contract import events as contract
from contracts.contract.values import Ender, Party
from contracts.contractor import BankDetailsAdded, BankDetailsFailed
from contracts.ids import address_recipient_id
from contracts.kyc import KycSessionVerified
from contracts.message import EventData
from contracts.notification.events import AddressSuppressed
from contracts.notification.values import CalendarDay, Category, Moment, Money, PageLink, Phrase, TemplateName, TokenLink, Variable
from contracts.payment import events as payment
from contracts.payment.values import WaitReason
from contracts.types import Channel, Hash, Pii, RecipientId
from workers.engine.service import Event
from workers.services.notification.recipient import ADMINS

E = TypeVar("E", bound=EventData)
Build = Callable[[Any], Variable]

EMAIL, IN_APP = (Channel.EMAIL,), (Channel.IN_APP,)
BOTH = (Channel.EMAIL, Channel.IN_APP)
ALL = (Channel.EMAIL, Channel.SMS, Channel.IN_APP)

CODE = re.compile(r"[a-z]+(_[a-z]+)+")

COMMON_VARIABLES = frozenset({"firstName", "appUrl", "locale"})
"""Every message has them; the rendering effects fill them in."""
SEALED_VARIABLES = frozenset({"clientName", "contractorName", "signerName"})
"""Only these are opened. Any other text is somebody's own and shown as it is, even when it looks sealed."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """``address`` only where the message does not go to the recipient's own."""

    recipient_id: RecipientId
    address: Pii | None = None
    address_hash: Hash | None = None


@dataclass(frozen=True, slots=True)
class Row(Generic[E]):
    """One line of the table. ``variables``: how each is taken from the event (``Event``, not its data alone)."""

    event: type[E]
    addressees: Callable[[E], Sequence[Addressee]]
    channels: tuple[Channel, ...]
    category: Category
    template: TemplateName
    variables: Mapping[str, Callable[[Event[E]], Variable]]


# --- recipients ----------------------------------------------------------------------------------------------------


def _users(*ids: str | None) -> list[Addressee]:
    return [Addressee(RecipientId(id_)) for id_ in ids if id_ is not None]


def _user(data: Any) -> list[Addressee]:
    return _users(data.user_id)


def _client(data: Any) -> list[Addressee]:
    return _users(data.client_user_id)


def _contractor(data: Any) -> list[Addressee]:
    return _users(data.contractor_user_id)


def _parties(data: Any) -> list[Addressee]:
    return _users(data.client_user_id, data.contractor_user_id)


def _admins(_data: Any) -> list[Addressee]:
    return [Addressee(ADMINS)]


def _client_and_admins(data: Any) -> list[Addressee]:
    return [*_client(data), *_admins(data)]


def _other_party(data: contract.ContractSigned) -> list[Addressee]:
    return _contractor(data) if data.party is Party.CLIENT else _client(data)


def _waited_for(data: contract.ContractSigningReminderDue) -> list[Addressee]:
    parties = {Party.CLIENT: data.client_user_id, Party.CONTRACTOR: data.contractor_user_id}
    return _users(*(parties[party] for party in data.waiting_for))


def _old_address(data: EmailChanged) -> list[Addressee]:
    return [Addressee(RecipientId(data.user_id), data.old_email, data.old_email_hash)]


def _first_to_client(data: payment.EscrowReleaseWaiting) -> list[Addressee]:
    return _client(data) if data.first else []


def _first_to_contractor_not_ready(data: payment.EscrowReleaseWaiting) -> list[Addressee]:
    return _contractor(data) if data.first and data.reason is WaitReason.PAYEE_NOT_READY else []


def _user_if_known(data: AddressSuppressed) -> list[Addressee]:
    without_account = data.recipient_id == address_recipient_id(data.address_hash)
    return [] if without_account else _users(data.recipient_id)


# --- variables -----------------------------------------------------------------------------------------------------


def _text(name: str) -> Callable[[Event[Any]], Variable]:
    """The field as it came; an absent one is an empty text, since a missing variable is an error."""

    def build(event: Event[Any]) -> Variable:
        value: str | None = getattr(event.data, name)
        return "" if value is None else str(value)

    return build


def _phrase(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda event: Phrase(code=str(getattr(event.data, name)))


def _moment(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda event: Moment(at=getattr(event.data, name))


def _day(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda event: CalendarDay(day=getattr(event.data, name))


def _money(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda event: Money(amount=getattr(event.data, name), currency=str(event.data.currency))


def _page(page: str) -> Callable[[Event[Any]], Variable]:
    return lambda _event: PageLink(page=page)


def _contract_page(event: Event[Any]) -> Variable:
    return PageLink(page="contracts", id=event.data.contract_id)


def _escrow_page(event: Event[Any]) -> Variable:
    return PageLink(page="escrows", id=event.data.contract_id)


def _verify_email_link(event: Event[UserRegistered]) -> Variable:
    data = event.data
    return TokenLink(purpose="verify-email", id=data.user_id, nonce=data.nonce, kid=data.kid)


def _signer_name(event: Event[contract.ContractSigned]) -> Variable:
    return event.data.client_name if event.data.party is Party.CLIENT else event.data.contractor_name


def _cancel_reason(event: Event[contract.ContractCancelled]) -> Variable:
    """People give their own words; a deadline has a code."""
    return Phrase(code=event.data.reason[:80]) if event.data.by is Ender.SYSTEM else event.data.reason


def _code_or_words(event: Event[CompanyRejected]) -> Variable:
    """The registry's verdict has a code, an admin gives his own words."""
    reason = event.data.reason
    return Phrase(code=reason) if CODE.fullmatch(reason) else reason


def _kind(event: Event[Any]) -> Variable:
    return f"{event.service}.{type(event.data).__name__}"


def _key(event: Event[Any]) -> Variable:
    return event.key


TITLE = {"title": _text("title")}
NAMES = {"clientName": _text("client_name"), "contractorName": _text("contractor_name")}
TO_CONTRACT = {"link": _contract_page}
TO_ESCROW = {"link": _escrow_page}
TO_PAYOUTS = {"link": _page("payouts")}
AMOUNT = {"amountText": _money("amount")}


def _alert(event: type[E], detail: Callable[[Event[Any]], Variable]) -> Row[E]:
    variables = {"subject": _kind, "key": _key, "detail": detail}
    return Row(event, _admins, BOTH, Category.TRANSACTIONAL, "admin-alert", variables)


# --- the table -----------------------------------------------------------------------------------------------------

SEC, TXN, PROD = Category.SECURITY, Category.TRANSACTIONAL, Category.PRODUCT

# Columns as in domain.md: event, recipient, channels, category, template, variables.
# fmt: off
ROWS: tuple[Row[Any], ...] = (
    Row(UserRegistered, _user, EMAIL, SEC, "verify-email", {"link": _verify_email_link, "expiresOn": _moment("expires_on")}),
    Row(EmailChanged, _old_address, EMAIL, SEC, "email-changed", {"changedAt": lambda event: Moment(at=event.at)}),
    Row(CompanyVerified, _user, BOTH, TXN, "company-verified", {"link": _page("company")}),
    Row(CompanyRejected, _user, BOTH, TXN, "company-rejected", {"reason": _code_or_words, "link": _page("company")}),
    Row(BankDetailsAdded, _user, BOTH, SEC, "bank-details-added", {"bankName": _text("bank_name"), "last4": _text("last4")}),
    Row(BankDetailsFailed, _user, BOTH, TXN, "bank-details-failed", {"last4": _text("last4")} | TO_PAYOUTS),
    Row(KycSessionVerified, _user, BOTH, TXN, "kyc-verified", {"link": _page("profile")}),
    Row(contract.ContractPdfFailed, _client, IN_APP, TXN, "contract-pdf-failed", TO_CONTRACT),
    Row(contract.ContractSent, _parties, BOTH, TXN, "contract-to-sign", TITLE | NAMES | {"signBy": _moment("sign_by")} | TO_CONTRACT),
    Row(contract.ContractSigned, _other_party, BOTH, TXN, "contract-signed", TITLE | {"signerName": _signer_name} | TO_CONTRACT),
    Row(contract.ContractActivated, _parties, BOTH, TXN, "contract-active",
        TITLE | NAMES | {"startDate": _day("start_date")} | TO_CONTRACT),
    Row(contract.ContractSigningReminderDue, _waited_for, BOTH, TXN, "contract-sign-reminder",
        TITLE | {"signBy": _moment("sign_by")} | TO_CONTRACT),
    Row(contract.ContractRecalled, _contractor, BOTH, TXN, "contract-recalled", TITLE | {"reason": _text("reason")}),
    Row(contract.ContractEndingSoon, _parties, BOTH, PROD, "contract-ending", TITLE | {"endDate": _day("end_date")} | TO_CONTRACT),
    Row(contract.ContractCompleted, _parties, BOTH, TXN, "contract-completed", TITLE | TO_CONTRACT),
    Row(contract.ContractCancelled, _parties, BOTH, TXN, "contract-cancelled", TITLE | {"reason": _cancel_reason}),
    Row(payment.EscrowOpened, _client, BOTH, TXN, "escrow-opened", TO_ESCROW),
    Row(payment.DepositReceived, _parties, BOTH, TXN, "deposit-received", {"amountText": _money("amount_received")} | TO_ESCROW),
    Row(payment.DepositFailed, _client, BOTH, TXN, "deposit-failed", AMOUNT | {"code": _phrase("code")} | TO_ESCROW),
    Row(payment.DepositCancelled, _client, IN_APP, PROD, "deposit-cancelled", TO_ESCROW),
    Row(payment.EscrowReleaseWaiting, _first_to_contractor_not_ready, BOTH, TXN, "payout-setup-needed", AMOUNT | TO_PAYOUTS),
    Row(payment.EscrowReleaseWaiting, _first_to_client, IN_APP, TXN, "release-waiting", AMOUNT | {"reason": _phrase("reason")}),
    Row(payment.EscrowReleased, _parties, BOTH, TXN, "payment-released", AMOUNT | TO_ESCROW),
    Row(payment.EscrowReleaseFailed, _client_and_admins, BOTH, TXN, "release-failed", AMOUNT | {"code": _phrase("code")} | TO_ESCROW),
    _alert(payment.EscrowBalanceNegative, lambda event: Money(amount=-event.data.deficit, currency=event.data.currency)),
    _alert(payment.EscrowAnomalyDetected, lambda event: f"{event.data.anomaly}: {event.data.detail}"),
    _alert(payment.EscrowReopened, _text("cause")),
    _alert(payment.PayeeAccountFailed, _text("code")),
    Row(payment.EscrowClosingReminderDue, _client, BOTH, TXN, "escrow-leftover", {"amountText": _money("balance")} | TO_ESCROW),
    Row(payment.PayeeReady, _user, BOTH, TXN, "payouts-ready", TO_PAYOUTS),
    Row(payment.PayeeBlocked, _user, BOTH, TXN, "payouts-blocked", {"reason": _phrase("reason")} | TO_PAYOUTS),
    Row(payment.PayoutPaid, _user, BOTH, TXN, "payout-paid", AMOUNT | {"arrivalDate": _day("arrival_date")}),
    Row(payment.PayoutFailed, _user, ALL, TXN, "payout-failed", AMOUNT | TO_PAYOUTS),
    Row(AddressSuppressed, _user_if_known, IN_APP, TXN, "email-unreachable", {"link": _page("settings")}),
)
# fmt: on


def _by_event() -> Mapping[type[EventData], tuple[Row[Any], ...]]:
    return MappingProxyType({row.event: tuple(other for other in ROWS if other.event is row.event) for row in ROWS})


def _by_template() -> Mapping[str, frozenset[str]]:
    names: dict[str, frozenset[str]] = {}
    for row in ROWS:
        names[row.template] = names.get(row.template, frozenset(row.variables)) & frozenset(row.variables)
    return MappingProxyType(names)


ROWS_OF = _by_event()
VARIABLES_OF = _by_template()


def allowed_variables(template: str) -> frozenset[str]:
    """What every row gives this template; only the common ones for a template that no row names yet."""
    return VARIABLES_OF.get(template, frozenset()) | COMMON_VARIABLES
