"""What is the same of every service there is."""

import pytest

from contracts.catalogue import command_models
from workers.engine.service import Service
from workers.main import SERVICES

# One without any handler only counts what the others tell.
JUDGING = [service for service in SERVICES if service.handlers]


@pytest.mark.parametrize("service", JUDGING, ids=lambda service: service.name)
def test_every_command_has_its_handler(service: Service) -> None:
    assert set(service.handler_of) == {model.kind() for model in command_models(service.name)}


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_effects_of_one_name_run_the_same_function(service: Service) -> None:
    """They share their rows in the ledger."""
    assert len({effect.name for effect in service.effects}) == len({(effect.name, effect.run) for effect in service.effects})
