"""The command stream that every contender is given: payees of the payment service whose identity check turns from verified to rejected
and back, so that each command changes one row and says exactly one thing (PayeeReady or PayeeBlocked)."""

import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Any
from uuid import UUID, uuid5

from contracts.contractor import KycStatus
from contracts.envelope import Envelope
from contracts.ids import NAMESPACE
from contracts.payment.commands import SyncPayee
from contracts.timestamps import from_milliseconds, from_seconds
from contracts.types import DecisionTime
from workers.engine.decision import ItemRef
from workers.engine.record import Outgoing
from workers.engine.root import DIGEST, RECENT, RING, SEEN, VERSION
from workers.services.payment.payee import PAYEE, AccountState, Payee, PayeeState

SEEDED_VERSION = 100
FIRST_DECISION = 1_790_000_000
"""Seconds; each later decision about one payee is a second younger."""
_SEEDED_AT = from_seconds(1_780_000_000)


@dataclass(frozen=True, slots=True)
class Workload:
    """``keys``: one contractor per command, in the order of the log."""

    name: str
    keys: Sequence[str]

    @property
    def distinct(self) -> Sequence[str]:
        return list(dict.fromkeys(self.keys))


def uniform(keys: int, commands: int, seed: int = 1, first: int = 0) -> Workload:
    """``first``: where its keys begin among all there are, for streams that share none."""
    random = Random(seed)
    return Workload("uniform", [_contractor(first + random.randrange(keys)) for _ in range(commands)])


def zipf(keys: int, commands: int, seed: int = 2, exponent: float = 1.1) -> Workload:
    """The n-th key is asked for n**-exponent times as often as the first: a few hot, most cold."""
    random = Random(seed)
    reach = list(accumulate((n + 1) ** -exponent for n in range(keys)))
    return Workload("zipf", [_contractor(bisect(reach, random.random() * reach[-1])) for _ in range(commands)])


def records(workload: Workload) -> Iterator[Outgoing]:
    """Command ids differ between two calls, so that a stream may be published again. Each key begins with a rejection."""
    decided: dict[str, int] = {}
    run = time.time_ns()
    for n, key in enumerate(workload.keys):
        turn = decided[key] = decided.get(key, 0) + 1
        yield _record(key, turn, str(uuid5(NAMESPACE, f"bench:{run}:{n}")))


def _record(key: str, turn: int, command: str) -> Outgoing:
    status = KycStatus.REJECTED if turn % 2 else KycStatus.VERIFIED
    decided = DecisionTime(from_seconds(FIRST_DECISION + turn).replace("Z", "000Z"))
    data = SyncPayee.model_validate(
        {"contractor_id": key, "user_id": _user(key), "country": "PL", "kyc_status": status, "decision_time": decided}
    )
    now = from_milliseconds(time.time_ns() // 1_000_000)
    envelope = Envelope(command, data.kind(), "/mindlinks/bench/load", key, now, command, command, "system:bench")
    return Outgoing(key.encode(), data.to_json(), envelope.headers())


def seeded_ref(key: str) -> ItemRef:
    return PAYEE.root(key)


def seeded_row(key: str) -> dict[str, Any]:
    """A payee who can be paid, on a table that is not fresh: every ring of recent commands is full."""
    payee = Payee.model_validate(
        {
            "user_id": _user(key),
            "country": "PL",
            "kyc_status": KycStatus.VERIFIED,
            "kyc_decided_at": from_seconds(FIRST_DECISION).replace("Z", "000Z"),
            "stripe_account_id": f"acct_{UUID(key).hex[:16]}",
            "account_state": AccountState.CREATED,
            "account_requests": 1,
            "transfers_active": True,
            "payouts_enabled": True,
            "account_as_of": _SEEDED_AT,
            "ready": True,
            "created_by": key,
            "created_at": _SEEDED_AT,
            "updated_at": _SEEDED_AT,
        }
    )
    (row,) = PAYEE.save(PayeeState(contractor_id=key, payee=payee)).values()  # type: ignore[arg-type]  # a NewType over plain text
    ring = Random(key).randbytes(RING * DIGEST)
    return {**row, VERSION: SEEDED_VERSION, SEEN: {}, RECENT: ring}


def _contractor(n: int) -> str:
    return str(uuid5(NAMESPACE, f"bench-contractor-{n}"))


def _user(key: str) -> str:
    return str(uuid5(UUID(key), "user"))
