"""Escrows as their contracts live: deposits, releases, refunds, disputes, reversals, holds, and the end; facts in any order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from contracts.envelope import Envelope
from contracts.ids import derived
from contracts.message import CommandData
from contracts.payment import commands as payment
from contracts.payment.values import DepositMethod, RefundReason, RefundStatus
from contracts.timestamps import from_milliseconds
from contracts.types import ClientId, ContractId, ContractorId, Currency, TransactionId, UserId
from workers.engine.record import Outgoing

DAY = 1_767_225_600_000
"""Milliseconds: when it all happens."""
USD = Currency.USD
ADMIN, OTHER_ADMIN = (f"admin:{derived(f'escrows:admin-{each}')}" for each in range(2))
SYSTEM = "system:stripe"
Said = tuple[CommandData, str]
"""A command and who says it."""


@dataclass(frozen=True, slots=True)
class Account:
    """One escrow of a story: its ids follow from the story's name and its number."""

    name: str
    random: Random

    def id(self, what: str) -> str:
        return derived(f"{self.name}/{what}")

    def row(self, what: str) -> TransactionId:
        return TransactionId(self.id(what))

    @property
    def contract(self) -> Mapping[str, Any]:
        return {"contract_id": ContractId(self.id("contract"))}

    @property
    def client(self) -> str:
        return f"company:{self.id('user')}"

    def at(self) -> Mapping[str, Any]:
        return {"event_created": from_milliseconds(DAY + 1000 * self.random.randrange(600))}

    def opened(self) -> Said:
        parties = {"client_id": ClientId(self.id("client")), "contractor_id": ContractorId(self.id("contractor"))}
        users = {"client_user_id": UserId(self.id("user")), "contractor_user_id": UserId(self.id("other"))}
        return payment.OpenEscrow(**self.contract, **parties, **users, currency=USD), SYSTEM


def _deposit(account: Account, row: TransactionId, amount: int) -> Iterator[Said]:
    moved, intent = {**account.contract, "transaction_id": row}, {"payment_intent_id": f"pi_{row}"}
    yield payment.RequestDeposit(**moved, amount=amount, currency=USD, method=DepositMethod.CARD), account.client
    paid = {"charge_id": f"ch_{row}", "amount": amount, "amount_received": amount, "currency": "USD"}
    facts: list[CommandData] = [
        payment.RecordDepositPrepared(**moved, **intent),
        payment.RecordDepositProcessing(**moved, **intent, **account.at()),
        payment.RecordDepositSucceeded(**moved, **intent, **paid, **account.at()),
    ]
    account.random.shuffle(facts)
    yield from ((fact, SYSTEM) for fact in facts)


def _release(account: Account, amount: int) -> Iterator[Said]:
    row = account.row("release")
    moved, sent = {**account.contract, "transaction_id": row}, {"transfer_id": f"tr_{row}"}
    yield payment.ReleaseEscrow(**moved, amount=amount, currency=USD), account.client
    yield payment.RecordTransferCreated(**moved, **sent, amount=amount, currency="USD", destination="acct_0"), SYSTEM
    for back in sorted(account.random.sample(range(1, amount), account.random.randrange(3))):
        yield payment.RecordTransferReversed(**moved, **sent, amount_reversed=back), SYSTEM


def _refund(account: Account, deposit: TransactionId, amount: int) -> Iterator[Said]:
    row, charge = account.row("refund"), {**account.contract, "deposit_id": deposit}
    wish = {"transaction_id": row, "amount": amount, "reason": RefundReason.DUPLICATE}
    yield payment.RefundDeposit(**charge, **wish), ADMIN
    made = {"refund_id": f"re_{row}", "transaction_id": row, "amount": amount, "currency": "USD"}
    facts: list[CommandData] = [
        payment.RecordRefund(**charge, **made, **account.at(), status=status) for status in account.random.sample(list(RefundStatus), 2)
    ]
    facts.append(payment.RecordChargeRefunded(**charge, **account.at(), charge_id=f"ch_{deposit}", amount_refunded=amount))
    account.random.shuffle(facts)
    yield from ((fact, SYSTEM) for fact in facts)


def _dispute(account: Account, deposit: TransactionId, amount: int) -> Iterator[Said]:
    told = {"dispute_id": f"du_{deposit}", "charge_id": f"ch_{deposit}", "currency": "USD", "reason": "fraudulent", "fee": 0}
    for status, movements in (("needs_response", 1), (account.random.choice(("lost", "won")), account.random.choice((1, 2)))):
        moved = {"status": status, "movements": movements, "moved": -amount if movements == 1 else 0, "moved_currency": "USD"}
        fact = {**account.contract, "deposit_id": deposit, **account.at(), **told, **moved, "amount": amount}
        yield payment.RecordDispute.model_validate(fact), SYSTEM


def _held(account: Account) -> Iterator[Said]:
    hold = {**account.contract, "hold_id": account.id("hold")}
    yield payment.PlaceHold(**hold, amount=account.random.choice((500, "all")), reason="fraud warning"), ADMIN
    yield payment.LiftHold(**hold), ADMIN


def _corrected(account: Account) -> Iterator[Said]:
    moved = {**account.contract, "transaction_id": account.row("adjustment"), "amount": account.random.choice((-7, 7))}
    yield payment.PostAdjustment(**moved, currency=USD, reason="corrected", approved_by=OTHER_ADMIN), ADMIN


def life(account: Account) -> list[Said]:
    """Of one escrow; the wishes in an order in which most are granted."""
    first, second = account.row("deposit-0"), account.row("deposit-1")
    amounts = [account.random.randint(2_000, 9_000) for _ in range(2)]
    said = [account.opened(), *_deposit(account, first, amounts[0])]
    disputed = _dispute(account, second, amounts[1]) if account.random.random() < 0.3 else ()
    parts = [
        [*_deposit(account, second, amounts[1]), *disputed],
        [*_release(account, account.random.randint(100, 2_500))],
        [*_refund(account, first, account.random.randint(100, 2_500))],
        [*_held(account)],
        [*_corrected(account)],
    ]
    account.random.shuffle(parts)
    said += [each for part in parts for each in part]
    return [*said, (payment.BeginEscrowClosing(**account.contract, reason="completed"), SYSTEM)]


def story(random: Random, commands: int) -> list[Outgoing]:
    """At least so many records; escrows side by side, each in its own order."""
    name, lives = f"escrows-{random.getrandbits(32)}", list[list[Said]]()
    while sum(map(len, lives)) < commands:
        lives.append(life(Account(f"{name}/{len(lives)}", random)))
    order = [number for number, each in enumerate(lives) for _ in each]
    random.shuffle(order)
    left = [iter(each) for each in lives]
    return [_record(f"{name}/{place}", *next(left[number])) for place, number in enumerate(order)]


def _record(name: str, data: CommandData, actor: str) -> Outgoing:
    command = derived(name)
    envelope = Envelope(command, data.kind(), "/tests/escrows", data.key, from_milliseconds(DAY), command, command, actor)
    return Outgoing(data.key.encode(), data.to_json(), envelope.headers())


def ids(records: Sequence[Outgoing]) -> set[str]:
    return {dict(record.headers)["ce_id"].decode() for record in records}
