"""Companies, contractors and identity checks side by side: what one of them says the others follow."""

from collections.abc import Sequence
from random import Random

from contracts.message import CommandData
from tests.simulation.draws_client import before_client, draw_client
from tests.simulation.draws_contractor import before_contractor, draw_contractor
from tests.simulation.draws_kyc import before_kyc, draw_kyc


def draw_people(random: Random) -> tuple[CommandData, str]:
    return random.choice((draw_client, draw_contractor, draw_kyc))(random)


def before_people() -> Sequence[CommandData]:
    return [*before_client(), *before_contractor(), *before_kyc()]
