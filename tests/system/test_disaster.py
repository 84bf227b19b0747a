"""A rehearsed disaster: a bug drops every tenth deposit for a while. It is found and mended from the command line, and the money is right;
then the tables of payment are lost whole, and come back from the log alone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from contracts.contractor import KycStatus
from contracts.ids import derived
from contracts.message import CommandData
from contracts.payment import commands as payment
from contracts.payment import events
from contracts.payment.values import DepositMethod
from contracts.platform import CommandRefused
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic, events_topic
from contracts.types import ClientId, ContractId, ContractorId, Currency, DecisionTime, ProviderId, TransactionId, UserId
from tests.support.dropping_deploy import ROUND
from tests.system.disaster_site import DROPPING, GOOD, Site, site
from workers.engine.root import plain
from workers.ops.fakes.stripe.accounts import Account
from workers.ops.fakes.stripe.payment_intents import PaymentIntent
from workers.ops.rebuild.shadow import digest

COMMANDS, EVENTS = commands_topic("payment"), events_topic("payment")
TABLES = ("payment-escrow", "payment-transactions")
CONTRACTS, USD, SYSTEM = 60, Currency.USD, "system:test"
NOW = from_milliseconds(1_790_000_000_000)
CONTRACTOR, CONTRACTOR_USER = ContractorId(derived("disaster/contractor")), UserId(derived("disaster/contractor-user"))
RELEASED = 1_000
FACT, WISH = payment.RecordDepositSucceeded.__name__, payment.ReleaseEscrow.__name__
Said = tuple[CommandData, str]


@dataclass(frozen=True, slots=True)
class Contract:
    """``number`` decides its fate: of every thirty one is dropped and left alone, one is then refused a release, and one takes a second
    deposit that nobody pays."""

    number: int

    @property
    def id(self) -> ContractId:
        return ContractId(self._of("contract"))

    @property
    def client(self) -> UserId:
        return UserId(self._of("client-user"))

    @property
    def dropped(self) -> bool:
        return self.number % ROUND == 0

    @property
    def releases(self) -> bool:
        return not self.dropped or self.refused

    @property
    def refused(self) -> bool:
        return self.number % 30 == ROUND

    @property
    def continues(self) -> bool:
        return self.number % 30 == 2 * ROUND

    @property
    def repairable(self) -> bool:
        return self.number % 30 == 0

    def row(self, what: str) -> TransactionId:
        return TransactionId(self._of(what))

    def opened(self) -> Said:
        parties = {"client_id": ClientId(self._of("client")), "contractor_id": CONTRACTOR}
        users = {"client_user_id": self.client, "contractor_user_id": CONTRACTOR_USER}
        return payment.OpenEscrow(contract_id=self.id, **parties, **users, currency=USD), SYSTEM

    def requested(self, what: str = "deposit") -> Said:
        moved = {"contract_id": self.id, "transaction_id": self.row(what)}
        wish = payment.RequestDeposit.model_validate(
            {**moved, "amount": 10_000 + self.number, "currency": USD, "method": DepositMethod.CARD}
        )
        return wish, f"company:{self.client}"

    def paid(self, intent: PaymentIntent) -> Said:
        """As the webhook has it."""
        fact = payment.RecordDepositSucceeded(
            contract_id=self.id,
            transaction_id=TransactionId(intent.metadata["transactionId"]),
            payment_intent_id=ProviderId(intent.id),
            charge_id=ProviderId(intent.latest_charge or ""),
            amount=intent.amount,
            amount_received=intent.amount_received,
            currency="USD",
            event_created=NOW,
        )
        return fact, SYSTEM

    def released(self, what: str = "release") -> Said:
        wish = payment.ReleaseEscrow(contract_id=self.id, transaction_id=self.row(what), amount=RELEASED, currency=USD)
        return wish, f"company:{self.client}"

    def _of(self, what: str) -> str:
        return derived(f"disaster/{self.number}/{what}")


ALL = [Contract(number) for number in range(CONTRACTS)]
DROPPED = [each for each in ALL if each.dropped]
PAID = [each for each in ALL if not each.dropped]
REDONE = [each for each in DROPPED if not each.repairable]
WANTED_MEANWHILE = ALL[:3]
"""Of these another release is asked for while the tables are gone."""


@pytest.fixture(scope="module")
def stricken(local_stack: str) -> Iterator[Site]:
    """The bug has been at work and is mended; nobody has looked yet."""
    with site() as made:
        made.mindlinks("topics", "apply")
        made.mindlinks("tables", "apply")
        with made.worker(DROPPING):
            prepare(made)
            made.send(confirmed(made))
            made.until(EVENTS, {events.DepositReceived: len(PAID)})
            made.send([each.released() for each in ALL if each.releases])
            made.send([each.requested("second") for each in ALL if each.continues])
            made.until(EVENTS, {events.EscrowReleased: len(PAID), events.DepositPrepared: len(ALL) + 2, CommandRefused: 2})
        yield made


def prepare(made: Site) -> None:
    """A payee who can be paid, and an intent for each deposit."""
    verified = {"user_id": CONTRACTOR_USER, "country": "US", "kyc_status": KycStatus.VERIFIED}
    made.send(
        [(payment.SyncPayee(contractor_id=CONTRACTOR, **verified, decision_time=DecisionTime("2026-01-01T00:00:00.000000Z")), SYSTEM)]
    )
    made.send([each.opened() for each in ALL])
    made.send([each.requested() for each in ALL])
    made.until(EVENTS, {events.PayeeAccountCreated: 1, events.DepositPrepared: len(ALL)})
    account = made.background.call(enabled(made))
    status = {"stripe_account_id": account, "transfers_active": True, "payouts_enabled": True, "event_created": NOW}
    made.send([(payment.RecordPayeeAccountStatus.model_validate({"contractor_id": CONTRACTOR, **status}), SYSTEM)])
    made.until(EVENTS, {events.PayeeReady: 1})


async def enabled(made: Site) -> str:
    (account,) = made.stripe.state.table(Account)
    return made.stripe.controls.enable_account(account).id


def confirmed(made: Site) -> list[Said]:
    by_row = {each.row("deposit"): each for each in ALL}

    async def confirm() -> list[PaymentIntent]:
        return [made.stripe.controls.confirm(each) for each in list(made.stripe.state.table(PaymentIntent))]

    return [by_row[TransactionId(intent.metadata["transactionId"])].paid(intent) for intent in made.background.call(confirm())]


# --- found -------------------------------------------------------------------------------------------------------------


def test_what_adds_up_is_well_for_the_doctor(stricken: Site) -> None:
    """A dropped deposit moved no book: nothing contradicts anything, only the log knows better."""
    stricken.mindlinks("doctor", "books")
    stricken.mindlinks("doctor", "--only", "books", "--only", "parked", "--only", "quarantine", "--only", "outcomes", "--deep")


def test_the_rebuild_names_each_key_with_its_first_position(stricken: Site) -> None:
    found = stricken.mindlinks("rebuild", "payment", "--json", code=1).json
    facts = {
        each.envelope.subject: str(each.position)
        for each in stricken.seen(COMMANDS)
        if isinstance(each.data, payment.RecordDepositSucceeded)
    }
    assert {drift["key"]: drift["first"] for drift in found["drifts"]} == {each.id: facts[each.id] for each in DROPPED}
    told = {drift["key"]: [bool(each["told"]) for each in drift["commands"]] for drift in found["drifts"]}
    assert told == {each.id: [False] if each.repairable else [False, True, *[True] * each.continues] for each in DROPPED}


# --- mended ------------------------------------------------------------------------------------------------------------


def test_keys_are_repaired_or_redone_and_everything_happened_once(stricken: Site) -> None:
    with stricken.worker(GOOD):
        repair(stricken)
        redo(stricken, FACT, REDONE)
        stricken.until(EVENTS, {events.DepositReceived: len(ALL)})
        redo(stricken, WISH, [each for each in REDONE if each.refused])
        stricken.until(EVENTS, {events.EscrowReleased: len(PAID) + 2})
        parties_by_channels = 4
        messages = {"deposit-received": len(ALL) * parties_by_channels, "payment-released": (len(PAID) + 2) * parties_by_channels}
        stricken.until_rows("notification-notifications", "template", messages)
    found = stricken.mindlinks("rebuild", "payment", "--json").json
    assert (found["drifts"], found["verdicts"]["done later"]) == ([], len(REDONE))
    stricken.mindlinks("rebuild", "notification")
    stricken.mindlinks("doctor", "books")
    once(stricken)


def repair(stricken: Site) -> None:
    """Those of which nothing was told since; of the others it is refused."""
    refused, *repaired = [REDONE[0], *(each for each in DROPPED if each.repairable)]
    keys = [word for each in (refused, *repaired) for word in ("--repair", each.id)]
    found = stricken.mindlinks("rebuild", "payment", *keys, "--publish", "--why", "lost by 1.4.2", "--json", code=1).json
    assert (set(found["repaired"]), list(found["refused"])) == ({each.id for each in repaired}, [refused.id])
    assert "the world was told 'CommandRefused:insufficient_available'" in found["refused"][refused.id]


def redo(stricken: Site, kind: str, contracts: Sequence[Contract]) -> None:
    """``--effects all``: these were never in effect, so nobody has been paid or told."""
    keys = [word for each in contracts for word in ("--key", each.id)]
    options = ("--mode", "redo", "--effects", "all", "--why", "lost by 1.4.2", "--yes", "--json")
    found = stricken.mindlinks("replay", "run", "--service", "payment", "--kind", kind, *keys, *options).json
    assert found["applied"] == len(contracts), found


def once(stricken: Site) -> None:
    seen = stricken.seen(EVENTS)
    for kind in (events.DepositReceived, events.EscrowReleased):
        rows = Counter(each.data.transaction_id for each in seen if isinstance(each.data, kind))
        assert set(rows.values()) == {1}
    assert stricken.stripe.created["payment_intent"] == len(ALL) + 2
    assert stricken.stripe.created["transfer"] == len(PAID) + 2


# --- lost whole --------------------------------------------------------------------------------------------------------


def digests(rows: Sequence[Mapping[str, Any]]) -> Counter[bytes]:
    return Counter(digest(plain(row)) for row in rows if "createdAt" in row)


def test_tables_that_are_deleted_come_back_from_the_log_alone(stricken: Site) -> None:
    before = digests(stricken.rows(*TABLES))
    stricken.delete_tables(*TABLES)
    stricken.send([each.released("another") for each in WANTED_MEANWHILE])
    stricken.mindlinks("rebuild", "payment", code=1)
    stricken.mindlinks("tables", "apply")
    found = stricken.mindlinks("rebuild", "payment", "--restore", "--why", "tables deleted", "--json").json
    assert digests(stricken.rows(*TABLES)) == before
    assert found["restored"] >= before.total()
    assert found["waits"] == {"commands": len(WANTED_MEANWHILE), "keys": len(WANTED_MEANWHILE)}
    stricken.mindlinks("doctor", "books")


def test_the_worker_goes_on_from_restored_rows(stricken: Site) -> None:
    added = Contract(CONTRACTS + 1)
    with stricken.worker(GOOD):
        stricken.send([added.opened(), added.requested()])
        stricken.until(EVENTS, {events.EscrowReleased: len(PAID) + 2 + len(WANTED_MEANWHILE), events.DepositPrepared: len(ALL) + 3})
    assert stricken.mindlinks("rebuild", "payment", "--json").json["drifts"] == []
    stricken.mindlinks("doctor", "books")
