"""``mindlinks erasure`` over a store in memory that the services' own decisions have filled."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import typer
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner, Result

from contracts.analytics import EraseVisitor
from contracts.auth import ErasurePart, KeyScope, RecordErasurePart, RecordSubjectKeyDestroyed
from contracts.ids import derived
from contracts.types import KycSessionId, Purpose, UserId
from tests.support.keys import MASTER_KEY
from tests.support.oracle import START
from tests.support.process import QuickClock
from tests.support.service_story import USER
from tests.unit.services.analytics.test_erasure import Story as Analytics
from tests.unit.services.analytics.test_erasure import found, visit
from tests.unit.services.auth.story import ERASING, OWNER, SYSTEM
from tests.unit.services.auth.story import Story as Auth
from tests.unit.services.contractor.story import ERASING as ERASING_CONTRACTOR
from tests.unit.services.contractor.story import Story as Contractor
from tests.unit.services.contractor.story import adding, closing, opening
from tests.unit.services.user.story import ERASING as ERASING_USER
from tests.unit.services.user.story import Story as User
from workers.adapters.key_ring import KeyRing
from workers.adapters.key_wrapping import KeyOwner, LocalWrapping
from workers.adapters.subject_keys import SubjectKeys
from workers.engine.decision import ItemRef
from workers.engine.memory import MemoryLog, MemoryStore
from workers.engine.metrics import NoMetrics
from workers.engine.tracing import NoTracer
from workers.main import MindLinks
from workers.ops import erasure
from workers.ops.composition import Backbone
from workers.ops.erasure_judging import report
from workers.ops.erasure_reading import read
from workers.ops.erasure_report import Fate, Line, Standing
from workers.settings import Settings

PERSON = UserId(USER)


class World:
    """Tables and keys; as the command line sees them, its context."""

    def __init__(self, *filled: Any) -> None:
        self.store, self.clock = MemoryStore(), QuickClock()
        self.keys = KeyRing(SubjectKeys(self.store, self.clock), [LocalWrapping(MASTER_KEY)])
        self.composition = _Composition(self)
        for story in filled:
            self.store.items |= story.oracle.items

    def settings(self) -> Settings:
        return Settings()

    def put(self, table: str, key: str, **values: Any) -> None:
        row = {"createdAt": START, "updatedAt": START, **values}
        self.store.items[ItemRef(table, key)] = row if "id" in row else {"id": key, **row}

    def sealed(self, *purposes: Purpose) -> "World":
        for purpose in purposes:
            asyncio.run(self._make(KeyOwner(PERSON, purpose)))
        return self

    async def _make(self, owner: KeyOwner) -> None:
        await self.keys.for_sealing(owner)

    def without_key(self) -> "World":
        asyncio.run(self._destroy())
        return self

    async def _destroy(self) -> None:
        await self.keys.destroy(PERSON, Purpose.SUBJECT)

    def asked(self, *arguments: str) -> Result:
        app = typer.Typer()
        app.callback()(lambda: None)
        erasure.add(app, self)
        return CliRunner().invoke(app, ["erasure", *arguments])

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.asked(PERSON, "--json").stdout)
        return told

    def lines(self) -> dict[tuple[str, str], Line]:
        found_ = report(asyncio.run(read(self.store, self.keys.keys, PERSON)))
        return {(line.service, line.what): line for line in found_.lines}


class _Composition(MindLinks):
    def __init__(self, world: World) -> None:
        self._world = world

    @asynccontextmanager
    async def open_backbone(self, settings: Settings) -> AsyncIterator[Backbone]:
        world = self._world
        yield Backbone(MemoryLog({}), world.store, world.clock, CollectorRegistry(), NoMetrics(), NoTracer(), world.keys)


def answered(auth: Auth, parts: Iterable[ErasurePart]) -> Auth:
    for part in parts:
        auth.send(RecordErasurePart(user_id=USER, part=part), SYSTEM)
    return auth


def asking() -> Auth:
    auth = Auth().signed_in()
    auth.send(ERASING, OWNER)
    return auth


def erased_user() -> User:
    user = User().shown()
    user.send(ERASING_USER, "system:user")
    return user


def leaving_contractor() -> Contractor:
    contractor = Contractor().verified()
    contractor.send(adding())
    contractor.send(opening(), "system:contractor")
    contractor.send(ERASING_CONTRACTOR, "system:contractor")
    return contractor


def test_somebody_whose_erasure_nobody_asked_for() -> None:
    world = World(Auth().signed_in(), User().shown(), Contractor().verified()).sealed(Purpose.SUBJECT)
    answer = world.asked(PERSON, "--json")
    assert answer.exit_code == 3
    told = json.loads(answer.stdout)
    assert (told["standing"], told["parts"], told["requestedAt"]) == ("not requested", {}, None)
    assert {line["fate"] for line in told["lines"]} == {"present", "erased"}, "only the legal key is not there: there never was one"


def test_one_in_progress_says_whom_it_waits_for() -> None:
    world = World(answered(asking(), [ErasurePart.USER, ErasurePart.LEAD]), erased_user())
    world.put("notification-notifications", f"RECIPIENT#{PERSON}", eraseAt="2026-02-01T09:30:00.000Z", email="s1.subject.x.1.x")
    assert world.asked(PERSON).exit_code == 4
    told = world.told()
    assert told["standing"] == "in progress"
    assert told["waitsFor"] == ["client", "contractor", "notification", "analytics"]
    lines = world.lines()
    assert lines["user", "profile"].fate is Fate.ERASED
    assert lines["auth", "address and password"].fate is Fate.WAITING
    waiting = lines["notification", "addresses and wishes"]
    assert (waiting.fate, waiting.until) == (Fate.WAITING, "2026-02-01T09:30:00.000Z")


def test_one_deferred_says_by_how_many_contracts() -> None:
    contractor = leaving_contractor()
    world = World(asking(), contractor)
    assert world.asked(PERSON).exit_code == 5
    line = world.lines()["contractor", "contractor"]
    assert (line.fate, line.count) == (Fate.DEFERRED, 1)
    assert world.lines()["contractor", "bank details"].fate is Fate.DEFERRED
    contractor.send(closing(), "system:contractor")
    after = World(asking(), contractor)
    assert after.asked(PERSON).exit_code == 4
    assert after.lines()["contractor", "bank details"].fate is Fate.ERASED


def gone() -> World:
    auth = answered(asking(), ErasurePart)
    auth.send(RecordSubjectKeyDestroyed(user_id=USER, scope=KeyScope.SUBJECT), SYSTEM)
    analytics = Analytics()
    for command in (EraseVisitor(user_id=USER), found(2, 9)):
        analytics.send(command)
    return World(auth, erased_user(), analytics).sealed(Purpose.SUBJECT, Purpose.LEGAL).without_key()


def test_one_that_is_done_says_what_is_kept_and_why() -> None:
    world = gone()
    world.put("contract-contracts", derived("contract"), clientId=derived(f"company:{PERSON}"), status="completed")
    world.put("payment-transactions", derived("row"), contractorId=derived(f"contractor:{PERSON}"))
    session: dict[str, Any] = {"contractorId": derived(f"contractor:{PERSON}"), "retainUntil": "2031-02-01T09:30:00.000Z"}
    world.put("kyc-sessions", KycSessionId(derived("kyc")), restricted=True, status="verified", **session)
    assert world.asked(PERSON).exit_code == 0
    lines = world.lines()
    legal = lines["auth", "legal key"]
    assert (legal.fate, legal.why, legal.until) == (Fate.KEPT, "legal duty", "2036-02-01T09:30:00.000Z")
    assert lines["contract", "contracts (1 completed)"].fate is Fate.KEPT
    assert lines["payment", "ledger rows"].count == 1
    assert lines["kyc", "identity check and its records"].until == "2031-02-01T09:30:00.000Z"
    assert lines["analytics", "visits"].why == "2 visits, 9 events"
    assert {line.fate for line in lines.values()} == {Fate.ERASED, Fate.KEPT}


LEFT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "profile": ("user-profiles", PERSON, {"userId": PERSON, "firstName": "s1.subject.x.1.x"}),
    "company": ("client-companies", derived(f"company:{PERSON}"), {"legalName": "s1.subject.x.1.x"}),
    "identity check and its records": ("kyc-sessions", derived("kyc"), {"contractorId": derived(f"contractor:{PERSON}")}),
    "addresses and wishes": ("notification-notifications", f"RECIPIENT#{PERSON}", {"email": "s1.subject.x.1.x"}),
    "visits": ("website-sessions", visit(1)["id"], dict(visit(1))),
    "bank numbers on their way to Stripe": (
        "payment-escrow",
        f"PAYEE#{derived(f'contractor:{PERSON}')}",
        {"banks": {"1": {"accountNumber": "s1.reader.sync-bank.1.x"}}},
    ),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_should_be_gone_and_is_not_is_a_fault(what: str) -> None:
    world = gone()
    table, key, row = LEFT[what]
    world.put(table, key, **row)
    answer = world.asked(PERSON, "--json")
    assert answer.exit_code == 1
    assert [line["what"] for line in json.loads(answer.stdout)["lines"] if line["fate"] == "left"] == [what]


def test_a_key_that_is_still_there_is_a_fault() -> None:
    auth = answered(asking(), ErasurePart)
    auth.send(RecordSubjectKeyDestroyed(user_id=USER, scope=KeyScope.SUBJECT), SYSTEM)
    world = World(auth).sealed(Purpose.SUBJECT)
    assert world.asked(PERSON).exit_code == 1
    assert world.lines()["auth", "subject key"].fate is Fate.LEFT


def test_nobody_has_this_id() -> None:
    assert World().asked(PERSON).exit_code == 1
    assert World().told()["standing"] == Standing.UNKNOWN
    assert World().asked("Amina").exit_code == 2


def test_no_value_of_the_person_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for world in (World(Auth().signed_in(), User().shown(), leaving_contractor()), gone()):
        for arguments in ((PERSON,), (PERSON, "--json")):
            answer = world.asked(*arguments)
            said = answer.output + str(capsys.readouterr())
            for row in world.store.items.values():
                assert not [text for text in texts(row) if text.startswith("s1.") and text in said]


def texts(part: Any) -> Iterable[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for each in part.values():
            yield from texts(each)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from texts(each)


def test_the_help_says_what_each_exit_code_means() -> None:
    said = " ".join(World().asked("--help").output.replace("│", " ").split())
    for code in ("Exit code 0:", "3:", "4:", "5:", "1:", "Example: mindlinks erasure"):
        assert code in said
