"""The script reads the page whole, and what is said to be complete is complete."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.domain.__main__ import missing
from tests.domain.built import implemented, shown
from tests.domain.named import DOMAIN, Named, Sort, named
from workers.main import MindLinks

COMPLETE = ("auth", "user", "client", "contractor", "kyc", "contract", "payment", "notification", "lead")
"""Services of which nothing the domain names is missing, queries excepted: the read side is not built."""


def test_finds_as_many_as_the_page_says_it_has() -> None:
    said = re.search(r"(\d+) commands, 2 projections, (\d+) events, (\d+) effects, (\d+) timers, (\d+) queries", DOMAIN.read_text())
    assert said is not None
    counts = Counter(each.sort for each in named())
    found = [counts[sort] for sort in (Sort.COMMAND, Sort.EVENT, Sort.EFFECT, Sort.TIMER, Sort.QUERY)]
    assert found == [int(number) for number in said.groups()]


def test_a_reaction_is_one_pair_of_event_and_command() -> None:
    found = {(each.source, each.sends) for each in named() if each.service == "user" and each.sort is Sort.REACTION}
    assert found == {
        ("auth.UserRegistered", "CreateProfile"),
        ("auth.UserRegistered", "CreatePreferences"),
        ("auth.ErasureRequested", "EraseUserData"),
    }


@pytest.mark.parametrize("sort", [sort for sort in Sort if sort is not Sort.QUERY])
def test_what_nobody_built_is_missing(sort: Sort) -> None:
    invented = Named("contract", sort, "contract.conjure" if sort is Sort.EFFECT else "Conjured", "contract.Conjured", "Conjured")
    assert not implemented(invented, MindLinks.services)


def _of_erasure() -> Iterator[Named]:
    """The commands, events and effects that section 15 takes a person through."""
    section = DOMAIN.read_text(encoding="utf-8").partition("## 15. ")[2].partition("\n## ")[0]
    words = {word.rpartition(".")[2] for word in re.findall(r"`([\w.-]+)`", section)} | {"destroy-key", "purge-visitor"}
    sorts = (Sort.COMMAND, Sort.EVENT, Sort.EFFECT)
    yield from (each for each in named() if each.sort in sorts and each.name.rpartition(".")[2] in words)


def test_nothing_of_an_erasure_is_missing() -> None:
    found = list(_of_erasure())
    assert len(found) >= 25
    built = [each.name for each in found if implemented(each, MindLinks.services) and shown(each, MindLinks.services)]
    assert {each.name for each in found} - set(built) == set()


@pytest.mark.parametrize("service", COMPLETE)
def test_complete_services_miss_nothing(service: str) -> None:
    assert missing(named(), [service]) == []
