"""``mindlinks doctor books`` and ``mindlinks statement``: whether money adds up, and one escrow as a person reads it. Both only read."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from contracts.types import ContractId
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Clock, Store
from workers.ops import statement
from workers.ops.scanning import pages
from workers.ops.terminal import Json, console, run_async
from workers.ops.timers import Context
from workers.services.payment.audit import Fault, faults, orphan
from workers.services.payment.escrow import ESCROWS, TRANSACTIONS, Escrow
from workers.services.payment.ledger import Transaction

AT_ONCE: Final = 16
LOOKS: Final = 4
"""Before books are called wrong: a command may stand between two reads, and an index lags."""
PAUSE: Final = 0.5
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class Examined:
    escrows: int
    rows: int
    faults: Sequence[Fault]


class Books:
    """Reads what the payment worker keeps while it goes on working; holds a page of escrows at a time."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def examined(self, advance: Callable[[int], None] = lambda _: None) -> Examined:
        """Every escrow, then every row that belongs to none. ``advance`` is told how many escrows are done. Raises StoreUnavailable."""
        found: list[Fault] = []
        escrows = rows = 0
        async for page in pages(self._store, ESCROWS):
            contracts = [ContractId(item["contractId"]) for item in page if is_escrow(item)]
            for count, wrong in await asyncio.gather(*map(self._one, contracts)):
                rows += count
                found += wrong
            escrows += len(contracts)
            advance(escrows)
        found += [fault async for fault in self._orphans()]
        return Examined(escrows, rows, sorted(found, key=lambda each: (each.contract_id, each.book, each.transaction_id or "")))

    async def read(self, contract: ContractId) -> tuple[Escrow, list[Transaction]] | None:
        """The escrow and its rows, oldest first; None where there is none."""
        ids = await self._ids(contract)
        ref = ItemRef(ESCROWS, contract)
        items = await self._store.get([ref, *ids])
        if not is_escrow(items.get(ref, {})):
            return None
        rows = [Transaction.from_item(items[each]) for each in ids if each in items]
        return Escrow.from_item(items[ref]), sorted(rows, key=lambda row: (row.created_at or "", row.id))

    async def _one(self, contract: ContractId) -> tuple[int, list[Fault]]:
        async with self._slots:
            for look in range(LOOKS):
                read = await self.read(contract)
                wrong = faults(*read) if read else []
                if not wrong or look == LOOKS - 1:
                    break
                await self._clock.sleep(PAUSE)
            return len(read[1]) if read else 0, wrong

    async def _ids(self, contract: ContractId) -> list[ItemRef]:
        found: list[ItemRef] = []
        start: Mapping[str, Any] | None = None
        while True:
            page = await self._store.query(TRANSACTIONS, "contractId-index", contract, start=start)
            found += [ItemRef(TRANSACTIONS, item["id"]) for item in page.items]
            start = page.next
            if start is None:
                return found

    async def _orphans(self) -> AsyncIterator[Fault]:
        async for page in pages(self._store, TRANSACTIONS):
            rows = [Transaction.from_item(item) for item in page if "contractId" in item and "createdAt" in item]
            refs = list({ItemRef(ESCROWS, row.contract_id) for row in rows if row.contract_id})
            known = {ref.key for ref, item in (await self._store.get(refs)).items() if is_escrow(item)}
            for row in rows:
                if row.contract_id and row.contract_id not in known:
                    yield orphan(row)


def is_escrow(item: Item) -> bool:
    """Payees and claims share the table; a row that only waits for its first command is no escrow yet."""
    return "createdAt" in item and "#" not in item["contractId"]


# --- commands ------------------------------------------------------------------------------------------------------


def add(app: typer.Typer, context: Context, whole: Callable[..., None] | None = None, help_: str = "") -> None:
    """``whole``: what ``doctor`` does without a subcommand; ``help_`` tells of it."""
    doctor = typer.Typer(help=help_ or "Find what is wrong; exit code 1 if anything is.", no_args_is_help=whole is None)
    doctor.callback(invoke_without_command=whole is not None)(whole or (lambda: None))
    app.add_typer(doctor, name="doctor")

    @doctor.command(
        help="Add up every escrow from its ledger rows: balance, reserved, held, each row's posted target, rows without an escrow. "
        "Reads only; works beside running workers. Example: mindlinks doctor books --json"
    )
    def books(as_json: Json = False) -> None:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True) as bar:
            task = bar.add_task("escrows: 0")
            found: Examined = run_async(_examined(context, lambda count: bar.update(task, description=f"escrows: {count}")), "WARNING")
        if as_json:
            sys.stdout.write(json.dumps(asdict(found)) + "\n")
        else:
            _show(found)
        if found.faults:
            raise typer.Exit(1)

    @app.command(
        name="statement",
        help="One escrow as a person reads it: rows with the running balance, holds, disputes. Example: mindlinks statement 1f0c... --json",
    )
    def tell(contract: Annotated[str, typer.Argument(metavar="CONTRACT", help="Its id.")], as_json: Json = False) -> None:
        read: tuple[Escrow, list[Transaction]] | None = run_async(_read(context, ContractId(contract)), "WARNING")
        if read is None:
            console.print(f"no escrow of contract {contract}: it opens once both parties have signed", markup=False, soft_wrap=True)
            raise typer.Exit(1)
        told = statement.of(*read)
        if as_json:
            sys.stdout.write(json.dumps(told.told()) + "\n")
        else:
            statement.show(told)


async def _examined(context: Context, advance: Callable[[int], None]) -> Examined:
    async with context.composition.open_backbone(context.settings()) as backbone:
        return await Books(backbone.store, backbone.clock).examined(advance)


async def _read(context: Context, contract: ContractId) -> tuple[Escrow, list[Transaction]] | None:
    async with context.composition.open_backbone(context.settings()) as backbone:
        return await Books(backbone.store, backbone.clock).read(contract)


def _show(found: Examined) -> None:
    if not found.faults:
        console.print(f"books balance: {found.escrows} escrows, {found.rows} rows", highlight=False)
        return
    table = Table("contract", "what", "stored", "by its rows", "row", box=None)
    for each in found.faults:
        table.add_row(each.contract_id, each.book, str(each.stored), str(each.reckoned), each.transaction_id or "-")
    console.print(table)
    wrong = len({each.contract_id for each in found.faults})
    advice = "Hold their money (PlaceHold), read `mindlinks statement CONTRACT`, then correct by PostAdjustment."
    console.print(f"{wrong} of {found.escrows} escrows don't add up. {advice}", style="red", highlight=False, soft_wrap=True)
