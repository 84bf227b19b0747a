"""``mindlinks keys`` over a store in memory."""

import asyncio
import json
from typing import Any

import pytest

from contracts.clear import Clear, Redacted
from contracts.sealed import VALUE, SubjectErased, lead
from contracts.types import Purpose
from tests.support.command_context import CommandContext, invoked
from tests.support.keys import MASTER_KEY, key_ring
from workers.adapters.key_wrapping import LocalWrapping
from workers.adapters.sealing import Sealer
from workers.engine.decision import Item
from workers.engine.memory import MemoryStore
from workers.ops import keys

USER, LEAD = "11111111-1111-4111-8111-111111111111", lead("ab" * 32)
PRESENT = LocalWrapping(b"another master key, also of thirty-two bytes or more")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def run(store: MemoryStore, *arguments: str, answer: str = "") -> Any:
    ring = key_ring(store, None, PRESENT, LocalWrapping(MASTER_KEY))
    return invoked(keys.add, CommandContext(store, keys=ring), "keys", *arguments, answer=answer)


def seal(store: MemoryStore, subject: str = USER, purpose: Purpose = Purpose.SUBJECT) -> str:
    return asyncio.run(Sealer(key_ring(store)).seal(purpose, subject, VALUE, "Amira"))


def opened(store: MemoryStore, sealed: str) -> Clear | Redacted:
    return asyncio.run(Sealer(key_ring(store)).open(sealed, VALUE))


def trail(store: MemoryStore) -> list[Item]:
    return [item for ref, item in store.items.items() if ref.table == "platform-audit" and "what" in item]


def test_a_destroyed_key_opens_nothing_and_the_trail_says_who_and_why(store: MemoryStore) -> None:
    sealed, legal = seal(store), seal(store, purpose=Purpose.LEGAL)
    answer = run(store, "destroy", USER, "--why", "asked by mail", "--yes")
    assert answer.exit_code == 0
    assert (opened(store, sealed), opened(store, legal)) == (Redacted.ERASED, Clear("Amira"))
    [row] = trail(store)
    assert {name: row[name] for name in ("what", "why", "subject", "purpose")} == {
        "what": "keys-destroy",
        "why": "asked by mail",
        "subject": USER,
        "purpose": "subject",
    }
    assert row["who"]


def test_the_legal_key_is_destroyed_only_when_named(store: MemoryStore) -> None:
    legal = seal(store, purpose=Purpose.LEGAL)
    assert run(store, "destroy", USER, "--purpose", "legal", "--why", "ten years", "--yes").exit_code == 0
    assert opened(store, legal) is Redacted.ERASED


@pytest.mark.parametrize("answer", ["n\n", "", "\n"])
def test_without_a_yes_nothing_happens(store: MemoryStore, answer: str) -> None:
    sealed = seal(store)
    assert run(store, "destroy", USER, "--why", "x", answer=answer).exit_code == 1
    assert opened(store, sealed) == Clear("Amira")
    assert trail(store) == []


def test_a_yes_is_enough(store: MemoryStore) -> None:
    sealed = seal(store)
    assert run(store, "destroy", USER, "--why", "x", answer="y\n").exit_code == 0
    assert opened(store, sealed) is Redacted.ERASED


@pytest.mark.parametrize("subject", ["sync-bank", USER[:-1], "lead:abc", f"{USER}#legal", "Amira Farouk", f"{USER}\n"])
def test_what_is_no_person_is_wrong_use(store: MemoryStore, subject: str) -> None:
    assert run(store, "destroy", subject, "--why", "x", "--yes").exit_code == 2
    assert store.items == {}


def test_destroying_needs_a_reason(store: MemoryStore) -> None:
    assert run(store, "destroy", USER, "--yes").exit_code == 2


def test_somebody_without_a_key_is_kept_from_getting_one(store: MemoryStore) -> None:
    assert run(store, "destroy", USER, "--why", "x", "--yes").exit_code == 0
    with pytest.raises(SubjectErased):
        seal(store)


def test_the_generations_of_an_address_are_shown(store: MemoryStore) -> None:
    seal(store, LEAD)
    run(store, "destroy", LEAD, "--why", "asked", "--yes")
    seal(store, LEAD)
    answer = run(store, "show", LEAD, "--json")
    shown = [(row["generation"], row["state"], row["why"]) for row in json.loads(answer.stdout)]
    assert shown == [(1, "destroyed", "asked"), (2, "active", None)]
    assert "wrappedKey" not in answer.stdout


def test_somebody_never_seen_has_no_keys(store: MemoryStore) -> None:
    assert json.loads(run(store, "show", USER, "--json").stdout) == []
    assert run(store, "show", USER).exit_code == 0


def test_status_is_red_until_all_are_rewrapped(store: MemoryStore) -> None:
    sealed = seal(store)
    before = run(store, "status", "--json")
    assert before.exit_code == 1
    assert json.loads(before.stdout)["elsewhere"] == 1
    assert json.loads(run(store, "rewrap", "--json").stdout) == {"under": PRESENT.key_id, "rewrapped": 1, "already": 0, "destroyed": 0}
    after = run(store, "status", "--json")
    assert (after.exit_code, json.loads(after.stdout)["under"]) == (0, {PRESENT.key_id: 1})
    assert asyncio.run(Sealer(key_ring(store, None, PRESENT)).open(sealed, VALUE)) == Clear("Amira")
    assert [row["what"] for row in trail(store)] == ["keys-rewrap"]


def test_people_read_tables(store: MemoryStore) -> None:
    seal(store)
    for arguments in (["show", USER], ["status"], ["rewrap"], ["rights"]):
        assert run(store, *arguments).exit_code in (0, 1)


@pytest.mark.parametrize("command", ["destroy", "show", "status", "rewrap", "rights"])
def test_each_help_has_an_example(store: MemoryStore, command: str) -> None:
    assert f"mindlinks keys {command}" in " ".join(run(store, command, "--help").stdout.split())
