"""A poisoned key on real servers: the others don't notice, and its line is applied in order. ``python -m tests.bench.poison`` measures it
at length."""

from tests.bench.ground import Ground
from tests.bench.poison import SICK_EVERY, Load, poisoning

LOAD = Load(rate=200, seconds=3, rounds=1)
FAR = 10.0
"""Were the others held up with it, they would wait as long as the key is sick: hundreds of times what they wait without."""


async def test_a_poisoned_key_waits_alone_and_is_drained_in_order(topics: str, dynamodb_endpoint: str, credentials: None) -> None:
    report = await poisoning(Ground(topics, dynamodb_endpoint), LOAD)
    report.show()
    commands = LOAD.rate * LOAD.seconds
    assert [(spell.poisoned, spell.commands) for spell in report.spells] == [(False, commands), (True, commands)] * LOAD.rounds
    assert [spell.parked for spell in report.spells] == [0, commands // SICK_EVERY] * LOAD.rounds
    assert report.ratios()[95] < FAR, report.to_json()
