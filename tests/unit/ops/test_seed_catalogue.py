"""The seed commands: all accepted, in two stages, and harmless when loaded again."""

from contracts.contract.commands import PublishContractTemplate, SetDefaultContractTemplate
from contracts.ids import seed_command_id
from contracts.notification.commands import ActivateNotificationTemplate, PublishNotificationTemplate
from tests.support.oracle import START, Oracle
from workers.engine.decision import UNCHANGED, Accepted
from workers.ops.seed.catalogue import ACTOR, admins, stages
from workers.services.contract.service import SERVICE as CONTRACT
from workers.services.notification.recipient import ADMINS
from workers.services.notification.service import SERVICE as NOTIFICATION

ORACLES = {"contract": CONTRACT, "notification": NOTIFICATION}


def test_loading_is_accepted_once_and_nothing_the_second_time() -> None:
    oracles = {name: Oracle(service) for name, service in ORACLES.items()}
    for expected in (Accepted, type(UNCHANGED)):
        for stage in stages():
            for seed in stage:
                decision = oracles[seed.command.service].send(seed.command, actor=ACTOR, id=seed.id)
                assert isinstance(decision, expected), f"{seed.command}: {decision}"


def test_ids_are_those_of_the_seed_and_no_two_are_alike() -> None:
    published, chosen = stages()
    ids = [seed.id for seed in (*published, *chosen)]
    assert len(set(ids)) == len(ids)
    assert seed_command_id("escrow-opened", "email", "ar", 1) in ids
    assert seed_command_id("fixed-contract", "fixed", "en", 1) in ids


def test_what_is_chosen_was_published_in_the_stage_before() -> None:
    published, chosen = stages()
    there = {
        seed.command.template_id for seed in published if isinstance(seed.command, PublishNotificationTemplate | PublishContractTemplate)
    }
    wanted = {
        seed.command.template_id for seed in chosen if isinstance(seed.command, ActivateNotificationTemplate | SetDefaultContractTemplate)
    }
    assert len(wanted) == len(chosen)
    assert wanted <= there


def test_the_group_of_admins_gets_the_operations_address() -> None:
    seed = admins("s1.subject.ops.1.b3Bz", "ab" * 32, START)
    oracle = Oracle(NOTIFICATION)
    assert seed.command.key == ADMINS
    assert isinstance(oracle.send(seed.command, actor=ACTOR, id=seed.id), Accepted)
