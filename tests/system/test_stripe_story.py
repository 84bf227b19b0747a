"""Stripe's own event bodies, over HTTP and through the payment worker: however often and in whatever order they come, the same tables."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.envelope import Envelope
from contracts.ids import derived
from contracts.message import CommandData
from contracts.payment.commands import OpenEscrow, RecordPayeeAccountCreated, ReleaseEscrow, RequestDeposit, SyncPayee
from contracts.payment.values import DepositMethod
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic
from contracts.types import ClientId, ContractId, ContractorId, Currency, DecisionTime, TransactionId, UserId
from tests.support.waiting import eventually
from tests.unit.ingress.doubles import Ingress
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import SystemClock
from workers.engine.metrics import NoMetrics
from workers.engine.record import Outgoing
from workers.engine.role import Role
from workers.engine.root import plain
from workers.engine.runtime import RoleName, World, build_role
from workers.services.payment.service import SERVICE

EVENTS = Path(__file__).parents[1] / "payloads" / "stripe" / "events_modern"
CONTRACT, CONTRACTOR = ContractId("c0a80101-0000-4000-8000-000000000001"), ContractorId("22222222-2222-4222-8222-222222222222")
CLIENT, CLIENT_USER = ClientId("11111111-1111-4111-8111-111111111111"), UserId("33333333-3333-4333-8333-333333333333")
DEPOSIT, RELEASE = TransactionId("7b0f6a52-1111-4a6e-9d55-000000000001"), TransactionId("7b0f6a52-1111-4a6e-9d55-000000000002")
BEFORE = (
    OpenEscrow(
        contract_id=CONTRACT,
        client_id=CLIENT,
        contractor_id=CONTRACTOR,
        client_user_id=CLIENT_USER,
        contractor_user_id=UserId(CONTRACTOR),
        currency=Currency.USD,
    ),
    RequestDeposit(contract_id=CONTRACT, transaction_id=DEPOSIT, amount=150_000, currency=Currency.USD, method=DepositMethod.CARD),
    SyncPayee(
        contractor_id=CONTRACTOR,
        user_id=UserId(CONTRACTOR),
        country="AE",
        kyc_status="verified",
        decision_time=DecisionTime("2026-11-01T10:00:00.000000Z"),
    ),
    RecordPayeeAccountCreated(contractor_id=CONTRACTOR, stripe_account_id="acct_1MLcontractor0001"),
)
RELEASED = ReleaseEscrow(contract_id=CONTRACT, transaction_id=RELEASE, amount=120_000, currency=Currency.USD)
PAYMENT_INTENT = [
    "01_payment_intent.processing",
    "02_payment_intent.succeeded",
    "03_payment_intent.payment_failed",
    "04_payment_intent.canceled",
]
AFTERWARDS = [
    "05_charge.refunded.partial",
    "06_charge.refunded.full",
    "07_charge.dispute.created",
    "08_charge.dispute.closed.lost",
    "09_transfer.created",
    "10_payout.paid",
    "11_payout.failed.after_paid",
    "12_account.updated",
]
FINAL = ("createdBy", "createdAt", "updatedAt", "timestamp", "transactions", "lastTransactionId")
"""What tells in which order things came: stamps, and the movements kept for display."""


class Story:
    """One ingress and one payment worker over the same log and store in memory."""

    def __init__(self) -> None:
        self.ingress = Ingress()
        world = World("test", self.ingress.log, self.ingress.store, SystemClock(), NoMetrics(), Random(7), {})
        self.role: Role = build_role(SERVICE, RoleName.COMMANDS, world)

    async def play(self, first: Sequence[str], second: Sequence[str]) -> Mapping[ItemRef, Item]:
        running = asyncio.create_task(self.role.run())
        async with self.ingress.http:
            for command in BEFORE:
                await self._publish(command, f"company:{CLIENT_USER}" if isinstance(command, RequestDeposit) else "system:test")
            await self._deliver(first)
            await self._settled()
            await self._publish(RELEASED, f"company:{CLIENT_USER}")
            await self._settled()
            await self._deliver([*second, *first])
            await self._settled()
        self.role.stop()
        await running
        return {ref: _timeless(plain(item)) for ref, item in self.ingress.store.items.items() if ref.table.startswith("payment-")}

    async def _publish(self, command: CommandData, actor: str) -> None:
        now = from_milliseconds(self.ingress.clock.now())
        command_id = derived(f"story:{command.kind()}")
        headers = Envelope(command_id, command.kind(), "/tests", command.key, now, command_id, command_id, actor).headers()
        await self.ingress.log.append_keyed(commands_topic("payment"), [Outgoing(command.key.encode(), command.to_json(), headers)])

    async def _deliver(self, names: Sequence[str]) -> None:
        for name in names:
            body = (EVENTS / f"{name}.json").read_bytes()
            answer = await self.ingress.stripe(body, connect="account" in json.loads(body))
            assert answer.status_code == 200, (name, answer.text)

    async def _settled(self) -> None:
        """Until every record on the commands topic is committed by the worker."""
        log = self.ingress.log
        ends = {p: len(records) for p, records in log.records.items() if p.topic == commands_topic("payment") and records}
        committed = log.group("payment-commands").committed
        await eventually(lambda: all(p in committed and committed[p].offset == end for p, end in ends.items()))


def _timeless(value: Any) -> Any:
    """Without the traces of which delivery came first."""
    if isinstance(value, Mapping):
        return {name: _timeless(each) for name, each in value.items() if name not in FINAL}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


async def _reference() -> Mapping[ItemRef, Item]:
    return await Story().play(PAYMENT_INTENT, AFTERWARDS)


async def test_the_story_ends_in_the_right_books() -> None:
    tables = await _reference()
    escrow = tables[ItemRef("payment-escrow", CONTRACT)]
    ledger = [item for ref, item in tables.items() if ref.table == "payment-transactions" and item.get("contractId") == CONTRACT]
    assert escrow["balance"] == 150_000 - 150_000 - 150_000 - 120_000 == sum(row["posted"] for row in ledger)
    assert (escrow["reserved"], escrow["held"], escrow["disputes"]) == (0, 0, {})
    assert {row["type"]: row["status"] for row in ledger} == {"deposit": "refunded", "dispute": "completed", "payment": "completed"}
    assert tables[ItemRef("payment-escrow", f"PAYEE#{CONTRACTOR}")]["payoutTrouble"]["payoutId"] == "po_1MLescrow0000000001"


async def test_five_times_over_the_tables_are_the_same() -> None:
    assert await Story().play(PAYMENT_INTENT * 5, AFTERWARDS * 5) == await _reference()


@pytest.mark.parametrize("seed", range(10))
async def test_in_any_order_the_tables_are_the_same(seed: int) -> None:
    random = Random(seed)
    first, second = [*PAYMENT_INTENT, *PAYMENT_INTENT[:1]], [*AFTERWARDS, *AFTERWARDS[1:3]]
    random.shuffle(first)
    random.shuffle(second)
    assert await Story().play(first, second) == await _reference()
