"""The ingress's declared point look-ups (docs/architecture.md): receipts of repeated ids, whose a Stripe object is, whose an identity
check, whose a message."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Store, StoreMisconfigured, StoreUnavailable
from workers.ingress.kyc_delivery import KycKey
from workers.ingress.message_feedback import MessageKey
from workers.ingress.problems import Problem
from workers.ingress.publishing import RETRY_AFTER
from workers.ingress.stripe_translation import DepositKey, PayeeKey, PaymentKey

RECEIPTS: Final = "platform-receipts"
ESCROW: Final = "payment-escrow"
TRANSACTIONS: Final = "payment-transactions"
SESSIONS: Final = "kyc-sessions"
NOTIFICATIONS: Final = "notification-notifications"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """``user_id``: whose keys its bodies are sealed under."""

    id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class MessageRow:
    notification_id: str
    recipient_id: str


@asynccontextmanager
async def store_answers() -> AsyncIterator[None]:
    """Turns a silent store into Problem ``store_unavailable``."""
    try:
        yield
    except (StoreUnavailable, StoreMisconfigured) as error:
        raise Problem("store_unavailable", "The store did not answer.", retry_after=RETRY_AFTER) from error


async def receipts(store: Store, ids: Sequence[str], now: int) -> Mapping[str, Item]:
    """By command id; ``now`` in milliseconds. Those past their time are absent, whenever the store gets round to deleting them."""
    if not ids:
        return {}
    async with store_answers():
        found = await store.get([ItemRef(RECEIPTS, name) for name in dict.fromkeys(ids)])
    return {ref.key: item for ref, item in found.items() if int(item.get("expiresAt", 0)) > now // 1000}


async def resolve(store: Store, key: PaymentKey | DepositKey | PayeeKey) -> Mapping[str, Any] | None:
    """The fields that name the aggregate; None when nobody knows whose this is, or not yet."""
    async with store_answers():
        match key:
            case PaymentKey():
                return await _payment(store, key)
            case DepositKey():
                return await _deposit(store, key)
            case PayeeKey():
                return await _payee(store, key)


async def _payment(store: Store, key: PaymentKey) -> Mapping[str, Any] | None:
    if key.contract_id and key.transaction_id:
        return {"contractId": key.contract_id, "transactionId": key.transaction_id}
    row = await _row_of(store, key.stripe_id)
    return {"contractId": row["contractId"], "transactionId": row["id"]} if row else None


async def _deposit(store: Store, key: DepositKey) -> Mapping[str, Any] | None:
    if key.contract_id and key.deposit_id:
        return {"contractId": key.contract_id, "depositId": key.deposit_id}
    row = await _row_of(store, key.intent)
    return {"contractId": row["contractId"], "depositId": row["id"]} if row else None


async def _row_of(store: Store, stripe_id: str) -> Item | None:
    """The ledger row of a Stripe object, if it is an escrow's."""
    if not stripe_id:
        return None
    page = await store.query(TRANSACTIONS, "stripePaymentId-index", stripe_id, limit=1)
    row = page.items[0] if page.items else {}
    return row if "contractId" in row else None


async def _payee(store: Store, key: PayeeKey) -> Mapping[str, Any] | None:
    if key.contractor_id:
        return {"contractorId": key.contractor_id}
    claim = ItemRef(ESCROW, f"ACCT#{key.account}")
    row = (await store.get([claim])).get(claim) if key.account else None
    return {"contractorId": row["contractorId"]} if row and "contractorId" in row else None


async def known_to_have_left(store: Store, contractor: str) -> bool:
    """Whether the contractor's connected account is on record as cut off."""
    ref = ItemRef(ESCROW, f"PAYEE#{contractor}")
    async with store_answers():
        row = (await store.get([ref])).get(ref, {})
    return row.get("disabledReason") == "deauthorized"


async def find_session(store: Store, key: KycKey) -> SessionRow | None:
    """By our own id if the provider echoed one, else by the provider's. None when nobody knows it, or not yet."""
    async with store_answers():
        found = key.kyc_session_id or await _session_of(store, key.reference)
        ref = ItemRef(SESSIONS, found) if found else None
        row = (await store.get([ref])).get(ref) if ref else None
    return SessionRow(str(row["id"]), str(row["userId"])) if row and "userId" in row else None


async def _session_of(store: Store, reference: str) -> str | None:
    # The index holds keys alone, so whose session it is takes the second look.
    page = await store.query(SESSIONS, "veriffSessionId-index", reference, limit=1) if reference else None
    return str(page.items[0]["id"]) if page and page.items else None


async def find_message(store: Store, key: MessageKey, now: int) -> MessageRow | None:
    """By our own ids if the provider brought them back, else by its message id's claim; ``now`` in milliseconds. None when nobody knows it,
    or not yet."""
    if key.notification_id and key.recipient_id:
        return MessageRow(key.notification_id, key.recipient_id)
    claim = ItemRef(NOTIFICATIONS, f"MSG#{key.message_id}")
    async with store_answers():
        row = (await store.get([claim])).get(claim) if key.message_id else None
    if row is None or int(row.get("expiresAt", 0)) <= now // 1000:
        return None
    return MessageRow(str(row["notificationId"]), str(row["recipientId"]))
