"""What privacy costs: ``python -m tests.bench.privacy``. Figures are printed, never asserted; each is the median of rounds taken in turn.

Ingress: RegisterUser in batches through the whole application, log and store in memory, passwords not hashed.
Worker: SyncRecipient through the commands role, log in memory, a DynamoDB that answers at once; a process per measurement.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

from pydantic_core.core_schema import str_schema
from rich.console import Console
from rich.table import Table

from contracts.clear import Clear
from contracts.sealed import PASSWORD_HASH, VALUE, FieldClass, Reader
from contracts.types import Mark, Purpose
from tests.bench.measure import Watch
from tests.bench.stub import running_stub
from tests.support.keys import key_ring
from tests.support.servers import dummy_credentials
from workers.adapters.opening import INGRESS, Opener
from workers.adapters.sealing import Sealer
from workers.engine.memory import SystemClock

PEOPLE, COMMANDS, BATCH, ROUNDS = 2_000, 6_000, 100, 5
RECORDS = 20_000
HASH: Final = "$2b$12$" + "a" * 53
LINK: Final = {"hash": "0" * 64, "nonce": "n" * 43, "kid": "k1"}
LOOK_SECONDS = 0.005


def person(number: int) -> str:
    return str(UUID(int=(4 << 76) | (8 << 60) | number))


# --- the ingress ---------------------------------------------------------------------------------------------------


class NoBcrypt:
    async def hash(self, password: Clear) -> Clear:
        return Clear(HASH)


class SealsNothing:
    """Answers a text of the right length and form at once."""

    async def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        return f"s1.{purpose}.{subject}.1.{'A' * -(-(len(text) + 16) * 4 // 3)}"


def registration(number: int, user: str) -> dict[str, Any]:
    data = {"userId": user, "email": f"person-{number:07d}@somewhere.example", "password": "x" * 16, "role": "company", "locale": "en"}
    return {"specversion": "1.0", "id": person(10**9 + number), "source": "/bench", "type": "mindlinks.auth.RegisterUser.v1", "data": data}


async def sealed_by_caller(event: dict[str, Any], sealer: Sealer) -> dict[str, Any]:
    """The same command when nothing is left to translate or seal."""
    data = dict(event["data"])
    data["email"] = await sealer.seal(Purpose.SUBJECT, data["userId"], VALUE, data["email"])
    data["passwordHash"] = await sealer.seal(Purpose.READER, Reader.SIGN_IN, PASSWORD_HASH, HASH)
    del data["password"]
    return {**event, "data": {**data, "emailHash": "0" * 64, "verification": LINK}}


async def registered(events: Sequence[dict[str, Any]], sealer: Any) -> float:
    """Commands a CPU second. ``SEALED``: nothing is to be sealed."""
    from tests.unit.ingress.doubles import Ingress, client_key

    clients = (client_key(per_minute=10**6),)
    ingress = Ingress(clients=clients, changes={"sealer": sealer, "passwords": NoBcrypt()})
    batches = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
    watch = Watch()
    for batch in batches:
        answer = await ingress.send(batch)
        assert {each["state"] for each in answer.json()["results"]} == {"accepted"}, answer.text[:500]
    return len(events) / watch.read()[1]


async def ingress_rates() -> dict[str, list[float]]:
    held = Sealer(key_ring(None, SystemClock()))
    known = [registration(number, person(number % PEOPLE)) for number in range(COMMANDS)]
    done = [await sealed_by_caller(event, held) for event in known]
    strangers = [registration(number, person(PEOPLE + number)) for number in range(COMMANDS)]

    async def new_keys() -> float:
        return await registered(strangers, Opener(Sealer(key_ring(None, SystemClock())), INGRESS, "bench"))

    contenders: dict[str, Callable[[], Awaitable[float]]] = {
        "sealed by the caller: nothing to translate": lambda: registered(done, held),
        "translated, a sealer that does nothing": lambda: registered(known, SealsNothing()),
        "translated and sealed, keys held": lambda: registered(known, Opener(held, INGRESS, "bench")),
        "translated and sealed, a new key each": new_keys,
    }
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, work in contenders.items():
            rates[name].append(await work())
    return rates


# --- the worker ----------------------------------------------------------------------------------------------------

SEALED, EQUAL, SHORT = "sealed", "plain, as long", "plain, as short as it is"


@dataclass(frozen=True, slots=True)
class Texts:
    """Of three fields of one person."""

    email: str
    phone: str
    first_name: str


async def texts(kind: str) -> Iterator[Texts]:
    sealer = Sealer(key_ring(None, SystemClock()))

    async def text(number: int, clear: str) -> str:
        sealed = await sealer.seal(Purpose.SUBJECT, person(number), VALUE, clear)
        return {SEALED: sealed, EQUAL: "p" * len(sealed), SHORT: clear}[kind]

    made = [
        Texts(await text(n, f"person-{n:07d}@somewhere.example"), await text(n, f"+49301{n:07d}"), await text(n, "Amina"))
        for n in range(PEOPLE)
    ]
    return iter([made[number % PEOPLE] for number in range(RECORDS)])


async def worked(kind: str, stub: str) -> float:
    """Commands a CPU second of this process."""
    from contracts.envelope import Envelope
    from contracts.notification.commands import SyncRecipient
    from contracts.timestamps import from_milliseconds
    from contracts.topics import commands_topic
    from contracts.types import Locale, RecipientId, UserId
    from tests.bench.ours import running
    from workers.adapters.dynamodb import DynamoStore
    from workers.engine.memory import MemoryLog
    from workers.engine.record import Outgoing
    from workers.ops.heap import settle_heap
    from workers.services.notification.service import SERVICE

    log, now = MemoryLog(), from_milliseconds(SystemClock().now())
    for number, given in enumerate(await texts(kind)):
        user = person(number)
        data = SyncRecipient(
            recipient_id=RecipientId(user),
            user_id=UserId(user),
            email=given.email,
            email_hash="0" * 64,
            phone=given.phone,
            first_name=given.first_name,
            locale=Locale.EN,
            source_at=now,
        )
        headers = Envelope(person(10**9 + number), data.kind(), "/bench", user, now, user, user, "system:bench").headers()
        await log.append_keyed(commands_topic("notification"), [Outgoing(user.encode(), data.to_json(), headers)])
    store = DynamoStore("stub", endpoint=stub, region="eu-central-1")
    settle_heap()
    ends = {p: len(records) for p, records in log.records.items() if records and p.topic == commands_topic("notification")}
    async with running(log, store, service=SERVICE) as engine:
        watch = Watch()
        committed = log.group("notification-commands").committed
        while any(p not in committed or committed[p].offset < end for p, end in ends.items()):  # as events would cost, too
            assert engine.role.failure is None, engine.role.failure
            await asyncio.sleep(LOOK_SECONDS)
        _, cpu = watch.read()
    await store.close()
    return RECORDS / cpu


def worker_rates() -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {kind: [] for kind in (SHORT, EQUAL, SEALED)}
    with running_stub() as stub:
        for _ in range(ROUNDS):
            for kind, found in rates.items():
                command = [sys.executable, "-m", "tests.bench.privacy", "--worker", kind, "--stub", stub]
                found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return rates


# --- what is printed -----------------------------------------------------------------------------------------------


def show(title: str, rates: dict[str, list[float]]) -> None:
    table = Table("", "commands a CPU second", "us a command", "against the first", "rounds", title=title, title_justify="left", box=None)
    medians = {name: statistics.median(found) for name, found in rates.items()}
    first = next(iter(medians.values()))
    for name, rate in medians.items():
        rounds = " ".join(f"{each:,.0f}" for each in rates[name])
        table.add_row(name, f"{rate:,.0f}", f"{1e6 / rate:.0f}", f"{(rate / first - 1) * 100:+.1f} %", rounds)
    Console(width=160).print(table, "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.privacy", description=__doc__)
    parser.add_argument("--worker", choices=(SEALED, EQUAL, SHORT), help=argparse.SUPPRESS)
    parser.add_argument("--stub", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with dummy_credentials(), suppress(KeyboardInterrupt):
        if arguments.worker:
            sys.stdout.write(json.dumps(asyncio.run(worked(arguments.worker, arguments.stub))))
            return
        show("ingress: RegisterUser, without bcrypt", asyncio.run(ingress_rates()))
        show("commands role: SyncRecipient with three personal values", worker_rates())


if __name__ == "__main__":
    if SEALED not in sys.argv and "--worker" in sys.argv:
        # Before any model is made: marked fields take any text.
        with patch.object(Mark, "__get_pydantic_core_schema__", lambda *_: str_schema()):
            main()
    else:
        main()
