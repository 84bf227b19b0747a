"""One story on real servers, and then: what of its people can be read anywhere, with keys, without them, and while KMS is away."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import pytest_asyncio

from contracts.clear import Redacted
from contracts.contract.commands import CreateContractDraft
from contracts.envelope import Envelope
from contracts.payment.commands import PostAdjustment
from contracts.sealed import VALUE, Reader
from contracts.timestamps import from_milliseconds
from contracts.topics import commands_topic
from contracts.types import Purpose
from contracts.user import UpdateProfile
from tests.support.clear_copies import Copy, found
from tests.support.rerun import differences, rerun
from tests.support.sealed_copies import opened, sealed_texts
from tests.support.unsealed_ingress import UNSEALED
from tests.support.waiting import eventually, eventually_async
from tests.system.standing_story import Story, told_story, variables
from workers.adapters.raw_sealing import OperationsSealer
from workers.adapters.sealing import Sealer
from workers.engine.decision import Item
from workers.engine.record import Outgoing
from workers.main import MindLinks
from workers.ops.demo.agreement import VARIABLES, draft_of
from workers.ops.demo.cast import Cast
from workers.ops.demo.census import rows_of
from workers.ops.demo.stage import CURRENCY
from workers.ops.dev.processes import IngressProcess
from workers.ops.rebuild.comparing import Comparison
from workers.ops.rebuild.judging import Rebuilding
from workers.ops.rebuild.rerun import Rerun
from workers.ops.rebuild.shadow import Shadow
from workers.ops.rebuild.standing import Standing

LEAKED = str(uuid4())
"""Somebody whose first name is written unsealed, by a planted fault."""
MISTAKEN = "Bartholomea"
"""A first name that a publisher sends in the clear."""
OPERATORS = f"{Purpose.READER}:{Reader.OPS}"
PROJECTED = ("platform-", "website-metrics")
"""Tables that no command's decision writes."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(local_stack: str) -> AsyncIterator[Story]:
    async with told_story() as told:
        yield told


class LeakingIngress(IngressProcess):
    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.support.unsealed_ingress", "ingress", "--port", str(self.port)]


def personal(cast: Cast) -> dict[str, str]:
    """Whatever the story sent in the clear about its people, by what it is."""
    people = {"client": cast.client, "contractor": cast.contractor}
    values = {f"{who}'s {what}": value for who, person in people.items() for what, value in person.personal.items()}
    numbers = {f"{who}'s phone, digits": person.phone[1:] for who, person in people.items()}
    bank = {"account number": cast.account_number, "other account number": cast.other_account_number}
    company = {"company's name": cast.legal_name, "tax id": cast.tax_id}
    terms = {f"term {name}": text for name, text in VARIABLES.items() if len(text) > 20}
    return values | numbers | bank | company | terms


async def refused(story: Story) -> None:
    """Every value once in a request that the ingress refuses, so that problem documents and logs had a chance to repeat it."""
    person = story.cast.client
    for value in personal(story.cast).values():
        for kind, data in {
            "mindlinks.user.UpdateProfile.v1": {"userId": person.user_id, "phone": f"call {value}"},
            "mindlinks.auth.RegisterUser.v1": {"userId": person.user_id, "email": value * 40, "password": value, "role": value},
            "mindlinks.contractor.AddBankDetails.v1": {"contractorId": value, "accountNumber": value, "country": value},
            "mindlinks.contract.SendContract.v1": {value: value},
        }.items():
            assert (await story.send(kind, data, person.actor)).status_code in (400, 404), kind
        assert (await story.send(UpdateProfile, {"userId": person.user_id, "firstName": value}, f"user:{quote(value)}")).status_code in (
            400,
            403,
        )


async def test_nothing_personal_is_in_any_byte_that_was_written(story: Story) -> None:
    await refused(story)
    values = personal(story.cast)
    await eventually(lambda: story.traces.bodies)
    copies = await story.copies()
    for read in ("/mindlinks.user.commands-", "file ingress.log", "file workers.log", "table demo-user-profiles", "metrics", "spans"):
        assert any(read in copy.where and copy.content for copy in copies), f"{read} was not read"
    sizes = Counter[str]()
    for copy in copies:
        sizes[copy.where.partition(" ")[0]] += len(copy.content)
    print(f"{len(values)} values, {len(copies)} copies, bytes: {dict(sizes)}")
    assert found(copies, values) == []


async def test_whoever_operates_it_finds_it_well_and_reads_the_story_without_a_personal_value(story: Story) -> None:
    code, health = await asked(story, "doctor", "--deep")
    assert (code, health["findings"]) == (0, [])
    assert len(health["checks"]) > 10
    code, told = await asked(story, "story", story.cast.contract_id)
    assert (code, told["is"]) == (0, "key")
    kinds = Counter(node["what"] for root in told["stories"] for node in nodes(root))
    print(f"{told['records']} records read, {dict(kinds)}")
    assert {"webhook", "command", "event", "effect", "timer", "notification"} <= set(kinds)
    assert any("(sealed)" in each for root in told["stories"] for node in nodes(root) for each in node.get("fields", []))
    assert found([Copy("doctor and story", json.dumps([health, told]).encode())], personal(story.cast)) == []


async def asked(story: Story, *arguments: str) -> tuple[int | None, Any]:
    """Exit code and document of ``mindlinks``, as an operator runs it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *("-m", "workers.main", *arguments, "--json"), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert output, errors.decode()[-3000:]
    return process.returncode, json.loads(output)


def nodes(root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield root
    for child in root.get("children", []):
        yield from nodes(child)


async def test_the_same_search_finds_one_text_whose_sealing_is_switched_off(story: Story) -> None:
    """Through an ingress of its own, whose sealer leaves this one first name as it is."""
    somebody, name = LEAKED, "Theophania"
    with variables(**{UNSEALED: name}):
        leaking = LeakingIngress(story.folder / "leaking", None, story.folder)
        await asyncio.to_thread(leaking.start)
    try:
        taken = await story.send(UpdateProfile, {"userId": somebody, "firstName": name}, f"user:{somebody}", to=f"http://{leaking.address}")
        assert taken.status_code == 202, taken.text
        assert await story.outcome(taken) == "applied"
        where = {each.where for each in found(await story.copies(), {"first name": name})}
    finally:
        await asyncio.to_thread(leaking.stop)
    places = ("/mindlinks.user.commands-", "/mindlinks.user.events-", "table demo-user-profiles")
    assert [place for place in places if not any(place in each for each in where)] == [], where


async def test_a_clear_value_published_straight_to_the_log_is_put_aside_sealed(story: Story) -> None:
    failure = await mistaken(story)
    assert (failure["reason"], failure["detail"].partition(":")[0]) == ("invalid_payload", "firstName")
    where = {each.where for each in found(await story.copies(), {"first name": MISTAKEN})}
    assert [place for place in where if "/mindlinks.user.commands-" not in place] == [], "beyond the record that its publisher wrote"
    assert len(where) == 1


async def mistaken(story: Story) -> Item:
    """A profile with one name sealed and the other in the clear, by a publisher who goes past the ingress; its row in quarantine."""
    person, backbone = story.cast.contractor.user_id, story.standing.backbone
    sealed = await Sealer(backbone.keys).seal(Purpose.SUBJECT, person, VALUE, story.cast.contractor.last_name)
    value = json.dumps({"userId": person, "firstName": MISTAKEN, "lastName": sealed}).encode()
    now, command = from_milliseconds(backbone.clock.now()), str(uuid4())
    headers = Envelope(command, UpdateProfile.kind(), "/elsewhere", person, now, command, command, "system:test").headers()
    await backbone.log.append_keyed(commands_topic("user"), [Outgoing(person.encode(), value, headers)])
    rows: list[Item] = []

    async def put_aside() -> bool:
        rows[:] = (await rows_of(backbone.store, story.standing.settings, ["platform-failures"]))["platform-failures"]
        return any(row["key"] == person for row in rows)

    await eventually_async(put_aside)
    return next(row for row in rows if row["key"] == person)


async def test_while_kms_is_away_known_people_go_on_and_new_ones_are_put_off(story: Story) -> None:
    client, somebody = story.cast.client, str(uuid4())
    another = replace(story.cast, contract_id=str(uuid4()))
    await story.kms.shut()
    try:
        put_off = await story.send(UpdateProfile, {"userId": somebody, "firstName": "Eulalia"}, f"user:{somebody}")
        assert (put_off.status_code, put_off.json()["reason"], put_off.headers["Retry-After"]) == (503, "keys_unavailable", "5")
        renamed = await story.send(UpdateProfile, {"userId": client.user_id, "lastName": client.last_name + "-Vane"}, client.actor)
        drafted = await story.send(CreateContractDraft, draft_of(another, story.standing.backbone.clock.now()), client.actor)
        adjustment = {"contractId": story.cast.contract_id, "transactionId": str(uuid4()), "amount": 100, "currency": CURRENCY}
        approved = {**adjustment, "reason": "rounding", "approvedBy": f"admin:{uuid4()}"}
        adjusted = await story.send(PostAdjustment, approved, f"admin:{uuid4()}")
        assert [taken.status_code for taken in (renamed, drafted, adjusted)] == [202] * 3
        assert [await story.outcome(taken) for taken in (renamed, drafted, adjusted)] == ["applied"] * 3
        assert await story.standing.trouble() == ""
    finally:
        await story.kms.open()
    again = await story.send(UpdateProfile, {"userId": somebody, "firstName": "Eulalia"}, f"user:{somebody}")
    assert again.status_code == 202


async def test_what_was_sealed_for_somebody_opens_nowhere_once_the_keys_are_destroyed(story: Story) -> None:
    person = story.cast.contractor.user_id
    gone: set[str] = set()
    for purpose in (None, Purpose.SUBJECT, Purpose.LEGAL):
        if purpose:
            await destroyed(person, purpose)
            gone.add(purpose)
        counted = Counter[tuple[str, bool]]()
        async with story.sealer() as sealer:
            texts = await sealed_texts(await story.copies(), OperationsSealer(sealer), leaving_out=LEAKED)
            for sealed in texts:
                if sealed.audience != OPERATORS:
                    redacted = isinstance(await opened(sealed, sealer, story.cast.contractor_id), Redacted)
                    assert redacted == (sealed.subject == person and sealed.purpose in gone), sealed
                    counted[f"{sealed.purpose}{' of the person' if sealed.subject == person else ''}", redacted] += 1
        where = Counter(place.partition(" ")[0] for sealed, places in texts.items() if sealed.subject == person for place in places)
        print(f"destroyed {sorted(gone)}: texts by purpose and redacted: {dict(counted)}; the person's in {dict(where)}")
        assert {"file", "table"} <= set(where)


async def destroyed(person: str, purpose: Purpose) -> None:
    arguments = ["keys", "destroy", person, "--yes", "--why", "asked by mail, case 812", "--purpose", purpose]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "workers.main", *arguments)
    assert await process.wait() == 0


async def test_the_command_log_run_again_gives_the_same_rows(story: Story) -> None:
    services = MindLinks().services.values()
    again = rerun(services, await story.records())
    rows = await rows_of(story.standing.backbone.store, story.standing.settings)
    live = {table: found for table, found in rows.items() if found and not table.startswith(PROJECTED)}
    print(f"{sum(map(len, live.values()))} rows of {len(live)} tables")
    assert differences(live, again) == []


async def test_a_rebuild_finds_the_rows_of_every_service_as_its_log_makes_them(story: Story, tmp_path: Path) -> None:
    backbone = story.standing.backbone
    services = [each for each in MindLinks().services.values() if each.handlers]
    for service in services:
        with Shadow(tmp_path / service.name) as shadow:
            rebuilding = Rebuilding(service, shadow)
            standing = Standing(service.name, backbone.reader, backbone.store, shadow)
            log = Rerun(backbone.reader, service.name, shadow, rebuilding, standing)
            await log.catch_up()
            drifts = await Comparison(service, backbone.store, backbone.clock, shadow, log).drifts()
            print(f"{service.name}: {shadow.count()} rows, {dict(rebuilding.counts)}")
            assert (drifts, shadow.differing_roots()) == ([], [])
    assert len(services) == len(MindLinks().services)
