"""What a rebuild costs and whether it finds what is wrong: ``python -m tests.bench.rebuild --commands 100000 --keys 10000``.

Log and store in memory, filled by the real worker; then one attribute of one row is altered, and the write of one command is taken back.
The log itself is in this process's memory, so what the rebuild adds to that is printed beside it.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from contracts.contractor import KycStatus
from contracts.envelope import Envelope
from contracts.ids import derived
from contracts.payment.commands import RecordPayeeAccountStatus, SyncPayee
from contracts.timestamps import from_milliseconds
from tests.bench.measure import resident_megabytes
from tests.bench.stream import records, seeded_ref, uniform
from tests.support.waiting import eventually
from workers.engine.decision import Item, ItemRef
from workers.engine.memory import MemoryLog, MemoryStore, SystemClock
from workers.engine.memory.reading import MemoryReader
from workers.engine.metrics import NoMetrics
from workers.engine.record import Outgoing
from workers.engine.runtime import RoleName, World, build_role
from workers.ops.rebuild.comparing import Comparison, Drift
from workers.ops.rebuild.judging import Rebuilding
from workers.ops.rebuild.rerun import Rerun
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.standing import Standing
from workers.services.payment.service import SERVICE

TOPIC, GROUP = "mindlinks.payment.commands", "payment-commands"
NOW: Final = from_milliseconds(1_785_000_000_000)
CHUNK: Final = 2_000
PATIENCE: Final = 900.0


class Ground:
    def __init__(self) -> None:
        self.log, self.store, self.clock = MemoryLog(), MemoryStore(), SystemClock()
        world = World("bench", self.log, self.store, self.clock, NoMetrics(), Random(1), {})
        self._role = build_role(SERVICE, RoleName.COMMANDS, world)
        self._running = asyncio.create_task(self._role.run())

    async def applied(self, outgoing: list[Outgoing]) -> None:
        for start in range(0, len(outgoing), CHUNK):
            await self.log.append_keyed(TOPIC, outgoing[start : start + CHUNK])
        await eventually(self._settled, PATIENCE)

    def _settled(self) -> bool:
        committed = self.log.group(GROUP).committed
        mine = {each: found for each, found in self.log.records.items() if each.topic == TOPIC and found}
        return all(each in committed and committed[each].offset == len(found) for each, found in mine.items())

    async def stop(self) -> None:
        self._role.stop()
        await self._running


async def filled(commands: int, keys: int) -> tuple[Ground, dict[str, ItemRef]]:
    """With both faults in it."""
    ground, workload = Ground(), uniform(keys, commands)
    *stream, last = records(workload)
    await ground.applied([each for key in workload.distinct for each in enrolled(key)])
    await ground.applied(stream)
    lost, altered = seeded_ref(workload.keys[-1]), seeded_ref(next(key for key in workload.keys if key != workload.keys[-1]))
    before: Item = dict(ground.store.items[lost])
    await ground.applied([last])
    await ground.stop()
    ground.store.items[lost] = before
    ground.store.items[altered] = {**ground.store.items[altered], "country": "XX"}
    return ground, {"lost write": lost, "altered row": altered}


def enrolled(key: str) -> Iterator[Outgoing]:
    """A payee who can be paid: from there on each command of the stream says one thing."""
    long_ago = "2026-01-01T00:00:00.000000Z"
    person = {"user_id": key, "country": "PL", "kyc_status": KycStatus.VERIFIED, "decision_time": long_ago}
    account = {"stripe_account_id": f"acct_{key}", "transfers_active": True, "payouts_enabled": True, "event_created": NOW}
    for kind, fields in ((SyncPayee, person), (RecordPayeeAccountStatus, account)):
        data = kind.model_validate({"contractor_id": key, **fields})
        command = derived(f"{key}/{data.kind()}")
        envelope = Envelope(command, data.kind(), "/bench", data.key, NOW, command, command, "system:bench")
        yield Outgoing(data.key.encode(), data.to_json(), envelope.headers())


async def rebuilt(ground: Ground, folder: Path) -> list[Drift]:
    with Shadow(folder / "shadow.sqlite") as shadow:
        rebuilding = Rebuilding(SERVICE, shadow)
        reader = MemoryReader(ground.log)
        rerun = Rerun(reader, SERVICE.name, shadow, rebuilding, Standing(SERVICE.name, reader, ground.store, shadow))
        samples, begun, worked = [resident_megabytes()], time.perf_counter(), time.process_time()
        read = await rerun.catch_up(lambda _read, _all: samples.append(resident_megabytes()))
        judged, busy = time.perf_counter() - begun, time.process_time() - worked
        drifts = await Comparison(SERVICE, ground.store, ground.clock, shadow, rerun).drifts()
        samples.append(resident_megabytes())
        compared = time.perf_counter() - begun - judged
        commands = sum(rebuilding.counts.values())
        print(f"{commands:,} commands judged again ({read:,} records read) in {judged:.1f} s, {busy:.1f} s of them at work")
        print(f"{commands / judged:,.0f} commands a second, {commands / busy:,.0f} a CPU second")
        print(f"{shadow.count():,} rows compared in {compared:.1f} s, two looks and a pause of a second at what differs among them")
        print(
            f"resident memory: {samples[0]:.0f} MB before, {max(samples):.0f} MB at most: {max(samples) - samples[0]:.0f} MB by the rebuild"
        )
        return drifts


async def main(commands: int, keys: int) -> None:
    ground, planted = await filled(commands, keys)
    with tempfile.TemporaryDirectory() as folder:
        drifts = await rebuilt(ground, Path(folder))
    for drift in drifts:
        what = "; ".join(f"{row.what} {' '.join(row.attributes)}" for row in drift.rows)
        print(f"found: {drift.key} from {drift.first}: {what}")
    missed = {name for name, ref in planted.items() if ref not in {drift.root for drift in drifts}}
    if missed or len(drifts) != len(planted):
        raise SystemExit(f"not found: {', '.join(missed) or 'nothing'}; {len(drifts)} keys were named, {len(planted)} are wrong")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=10_000)
    asyncio.run(main(**vars(parser.parse_args())))
