"""An effect that can't have a key tries again, also one that must never call twice: keys are asked for before the call."""

from contracts.sealed import KeysUnavailable
from tests.support import toy
from tests.support.process import plant
from tests.support.waiting import eventually
from tests.unit.engine.test_effects import KEY, Port, results, row, tell
from workers.engine.runtime import RoleName


async def test_while_keys_are_away_an_effect_waits_and_is_then_carried_out_once() -> None:
    port, refused = Port(), 3

    async def away() -> None:
        nonlocal refused
        if refused:
            refused -= 1
            raise KeysUnavailable("KMS is away")

    port.before = away
    async with plant(toy.SERVICE, ports={"toy": port}) as made:
        process = made.start(RoleName.EFFECTS)
        (event,) = await tell(made, toy.sent_event(KEY))
        await eventually(lambda: results(made))
        await process.stop()
        assert (len(port.calls), len(results(made))) == (4, 1)
        assert row(made, event, "toy.once")["state"] == "confirmed"
