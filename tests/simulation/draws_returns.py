"""Money on its way back, drawn to meet deposits and releases of few rows: refunds, disputes, reversals, holds, adjustments."""

from collections.abc import Mapping, Sequence
from random import Random

from contracts.contractor import KycStatus
from contracts.ids import derived
from contracts.message import CommandData
from contracts.payment import commands as payment
from contracts.payment.values import DepositMethod, RefundReason, RefundStatus
from contracts.timestamps import from_milliseconds
from contracts.types import Currency, DecisionTime, TransactionId
from tests.simulation.draws import ADMIN, CONTRACTORS, CONTRACTS, SYSTEM, _at, _opened, draw_payment
from tests.simulation.draws import CONTRACTOR as CONTRACTOR_USER
from tests.simulation.log import EPOCH

OTHER_ADMIN = f"admin:{derived('sim:admin-2')}"
DEPOSITED, RELEASED = 900, 300
"""Of each escrow, before a run."""
DISPUTES = (("warning_needs_response", 0), ("needs_response", 0), ("needs_response", 1), ("lost", 1), ("won", 2), ("warning_closed", 0))


def before_returns() -> Sequence[CommandData]:
    """Each escrow has a deposit and a release; their contractor is ready."""
    payee = CONTRACTORS[0]
    decided = DecisionTime("2025-12-01T00:00:00.000000Z")
    account = {"contractor_id": payee, "stripe_account_id": "acct_0"}
    known = payment.SyncPayee(
        contractor_id=payee, user_id=CONTRACTOR_USER, country="EG", kyc_status=KycStatus.VERIFIED, decision_time=decided
    )
    able = {"transfers_active": True, "payouts_enabled": True, "event_created": from_milliseconds(EPOCH - 60_000)}
    ready = [known, payment.RecordPayeeAccountCreated(**account), payment.RecordPayeeAccountStatus(**account, **able)]
    return [*ready, *(each for number in range(2) for each in _moved_before(number))]


def _moved_before(number: int) -> Sequence[CommandData]:
    contract = CONTRACTS[number]
    deposit, release = ({"contract_id": contract, "transaction_id": row} for row in _rows(number)[:2])
    received = {"amount": DEPOSITED, "amount_received": DEPOSITED, "event_created": from_milliseconds(EPOCH - 60_000)}
    paid = {"payment_intent_id": f"pi_before_{number}", "charge_id": f"ch_before_{number}"}
    return [
        _opened(contract),
        payment.RequestDeposit(**deposit, amount=DEPOSITED, currency=Currency.USD, method=DepositMethod.CARD),
        payment.RecordDepositSucceeded(**deposit, **paid, **received, currency="USD"),
        payment.ReleaseEscrow(**release, amount=RELEASED, currency=Currency.USD),
        payment.RecordTransferCreated(**release, transfer_id=f"tr_before_{number}", amount=RELEASED, currency="USD", destination="acct_0"),
    ]


def _rows(number: int) -> list[TransactionId]:
    return [TransactionId(derived(f"sim:{number}:transaction-{each}")) for each in range(3)]


def draw_returns(random: Random) -> tuple[CommandData, str]:
    """Half of them money on its way in and out."""
    if random.random() < 0.5:
        return draw_payment(random)
    number = random.randrange(2)
    escrow = {"contract_id": CONTRACTS[number]}
    return random.choice((_wish, _wish, _fact, _fact, _fact))(escrow, _rows(number), random)


def _wish(escrow: Mapping[str, str], rows: list[TransactionId], random: Random) -> tuple[CommandData, str]:
    moved = {**escrow, "transaction_id": random.choice(rows)}
    asked, hold = TransactionId(derived(f"sim:{escrow}:refund-{random.randrange(2)}")), derived(f"sim:hold-{random.randrange(2)}")
    match random.choice("rrvhlp"):
        case "r":
            wish = {**escrow, "transaction_id": asked, "deposit_id": random.choice(rows), "reason": RefundReason.DUPLICATE}
            return payment.RefundDeposit(**wish, amount=random.randint(1, 300)), ADMIN
        case "v":
            return payment.ReverseRelease(**moved, reversal_id=hold, amount=random.randint(1, 100), reason="paid twice"), ADMIN
        case "h":
            return payment.PlaceHold(**escrow, hold_id=hold, amount=random.choice((50, "all")), reason="fraud warning"), ADMIN
        case "l":
            return payment.LiftHold(**escrow, hold_id=hold), ADMIN
    amount = random.choice((-7, 7))
    corrected = {**escrow, "transaction_id": TransactionId(derived(f"sim:{escrow}:adjustment")), "currency": Currency.USD}
    return payment.PostAdjustment(**corrected, amount=amount, reason="corrected", approved_by=OTHER_ADMIN), ADMIN


def _fact(escrow: Mapping[str, str], rows: list[TransactionId], random: Random) -> tuple[CommandData, str]:
    deposit, when = {**escrow, "deposit_id": random.choice(rows)}, {"event_created": _at(random)}
    amount = random.randint(1, 300)
    match random.choice("rrtdvx"):
        case "r":
            asked = TransactionId(derived(f"sim:{escrow}:refund-{random.randrange(2)}"))
            refund = {"refund_id": f"re_{random.randrange(2)}", "transaction_id": random.choice((asked, None)), "currency": "USD"}
            return payment.RecordRefund(**deposit, **refund, **when, amount=amount, status=random.choice(list(RefundStatus))), SYSTEM
        case "t":
            return payment.RecordChargeRefunded(**deposit, **when, charge_id="ch_elsewhere", amount_refunded=amount), SYSTEM
        case "d":
            status, movements = random.choice(DISPUTES)
            told = {"dispute_id": "du_0", "charge_id": "ch_elsewhere", "currency": "USD", "reason": "fraudulent", "fee": 0}
            told |= {"status": status, "movements": movements, "moved": -100 if movements == 1 else 0, "moved_currency": "USD"}
            return payment.RecordDispute.model_validate({**deposit, **when, **told, "amount": 100}), SYSTEM
        case "v":
            reversed_ = {**escrow, "transaction_id": random.choice(rows), "transfer_id": "tr_elsewhere"}
            return payment.RecordTransferReversed(**reversed_, amount_reversed=amount), SYSTEM
    transfer = {**escrow, "transaction_id": random.choice(rows), "transfer_id": "tr_elsewhere", "destination": "acct_0"}
    return payment.RecordTransferCreated(**transfer, amount=amount, currency="USD"), SYSTEM
