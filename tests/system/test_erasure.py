"""A person is erased across all services, with a contract still open at first: and then nothing of the person can be read in any copy."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from contracts.analytics import VisitorErased
from contracts.auth import ErasurePart, ErasureRequested, RequestErasure, UserErased
from contracts.clear import Redacted
from contracts.contractor import ContractorErased, ContractorErasureDeferred
from contracts.kyc import KycSessionRestricted
from contracts.lead import LeadErased
from contracts.sealed import RAW, lead
from contracts.types import Purpose
from contracts.user import RecordAvatarDeleted, UpdateProfile, UserDataErased
from tests.support.clear_copies import found
from tests.support.rerun import differences, rerun
from tests.support.sealed_copies import opened, sealed_texts
from tests.support.waiting import eventually
from tests.system.erasing_story import ENDING, EVENTS_A_VISIT, Erasing, told_until_the_escrow_is_filled
from tests.system.test_privacy import PROJECTED, personal
from workers.adapters.blind_index import email_hash
from workers.adapters.raw_sealing import OperationsSealer
from workers.engine.decision import ItemRef
from workers.main import MindLinks
from workers.ops.demo.census import rows_of
from workers.ops.erasure_report import Fate, Report, Standing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story() -> AsyncIterator[Erasing]:
    async with told_until_the_escrow_is_filled() as told:
        yield told


def fates(told: Report, service: str) -> dict[str, Fate]:
    return {line.what: line.fate for line in told.lines if line.service == service}


async def test_before_anybody_asked_everything_is_present(story: Erasing) -> None:
    await story.pictured()
    assert [key for key in story.objects if key.startswith("avatars/")]
    for user in (story.person, story.stage.cast.client.user_id):
        await story.visited(user)
    told = await story.report()
    assert told.standing is Standing.NOT_REQUESTED
    assert {line.fate for line in told.lines} == {Fate.PRESENT}
    assert {line.service for line in told.lines} >= {
        "auth",
        "user",
        "contractor",
        "kyc",
        "contract",
        "payment",
        "notification",
        "analytics",
    }


async def test_with_a_contract_open_the_erasure_is_deferred(story: Erasing) -> None:
    asked = await story.send(RequestErasure, {"userId": story.person, "verifiedEpoch": 1}, story.stage.cast.contractor.actor)
    assert asked.status_code == 202, asked.text
    await story.stage.log.until(ErasureRequested, story.person)
    deferred = await story.stage.log.until(ContractorErasureDeferred, story.stage.cast.contractor_id)
    assert deferred.open_contracts == 1
    await story.stage.log.until(UserDataErased, story.person)
    visitor = await story.stage.log.until(VisitorErased, story.person)
    assert (visitor.visits, visitor.events) == (1, EVENTS_A_VISIT)
    await story.stage.log.until(LeadErased, hash_of(story))
    waits = {ErasurePart.CONTRACTOR, ErasurePart.NOTIFICATION}
    await eventually(lambda: set(answered(story)) == set(ErasurePart) - waits, what=lambda: answered(story))
    told = await story.report()
    assert (told.standing, set(told.waits_for)) == (Standing.DEFERRED, waits)
    assert fates(told, "contractor") == {"contractor": Fate.DEFERRED, "bank details": Fate.DEFERRED}
    assert fates(told, "user") == {"profile": Fate.ERASED, "preferences": Fate.ERASED}


async def test_sign_in_has_ended_at_once(story: Erasing) -> None:
    person = story.stage.cast.contractor
    refused = await story.post("/v1/sign-in", {"email": person.email, "password": person.password, "userAgent": person.device})
    assert (refused.status_code, refused.json()["reason"]) == (403, "user_not_active")


async def test_the_picture_is_gone(story: Erasing) -> None:
    await eventually(lambda: any(isinstance(seen.data, RecordAvatarDeleted) for seen in story.stage.log.commands.values()))
    assert not [key for key in story.objects if key.startswith("avatars/")]


async def test_the_last_escrow_closes_and_the_rest_is_erased_by_itself(story: Erasing) -> None:
    for scene in ENDING:
        await scene.play(story.stage)
    erased = await story.stage.log.until(ContractorErased, story.stage.cast.contractor_id)
    (session,) = erased.kyc_session_ids
    await story.stage.log.until(KycSessionRestricted, session)
    await eventually(lambda: ErasurePart.CONTRACTOR in answered(story))
    told = await story.report()
    assert (told.standing, told.waits_for) == (Standing.IN_PROGRESS, [ErasurePart.NOTIFICATION])
    assert not story.stage.log.all(UserErased)


async def test_a_day_later_the_key_is_destroyed_and_the_person_erased(story: Erasing) -> None:
    story.mindlinks.clock.move(hours=24.1)
    await story.stage.log.until(UserErased, story.person)
    told = await story.report()
    assert (told.standing, told.waits_for, told.left) == (Standing.DONE, [], [])
    assert {line.fate for line in told.lines} == {Fate.ERASED, Fate.KEPT}
    assert [(line.what, line.fate) for line in told.lines if line.what == "legal key"] == [("legal key", Fate.KEPT)]
    # The company's part was nobody's: it answered all the same.
    assert told.parts[ErasurePart.CLIENT]
    said = json.dumps(told.told())
    assert not [what for what, value in personal(story.stage.cast).items() if value in said]
    assert "s1." not in said


async def test_nothing_of_the_person_is_readable_in_any_copy_and_others_values_open(story: Erasing) -> None:
    story.mindlinks.flush()
    copies = story.copies()
    for read in ("topic mindlinks.contractor.events", "table platform-effects", "object kyc-raw/", "metrics", "spans", "answer"):
        assert any(copy.where.startswith(read) for copy in copies), f"{read} was not read"
    assert found(copies, personal(story.stage.cast)) == []
    sealer, counted, theirs = story.sealer(), Counter[tuple[str, bool]](), (story.person, lead(hash_of(story)))
    for sealed, places in (await sealed_texts(copies, OperationsSealer(sealer))).items():
        if sealed.purpose is Purpose.READER:
            continue
        body = any(place.startswith("object ") for place in places)
        answer = await (sealer.open_bytes(sealed, RAW) if body else opened(sealed, sealer, story.stage.cast.contractor_id))
        redacted = isinstance(answer, Redacted)
        assert redacted == (sealed.subject in theirs and sealed.purpose is Purpose.SUBJECT), sealed
        counted[f"{sealed.purpose} of {'the person' if sealed.subject in theirs else 'others'}", redacted] += 1
    print(f"{len(copies)} copies; texts by purpose and whether they are redacted: {dict(counted)}")
    assert {what for what, _ in counted} == {"subject of the person", "legal of the person", "subject of others", "legal of others"}


async def test_no_table_holds_a_value_that_was_sealed_for_a_reader_of_the_person(story: Erasing) -> None:
    """Their password and bank numbers; the ledger of effects keeps the events of calls, sealed for nobody but the call."""
    rows = await rows_of(story.store, story.standing.settings)
    own = {table: [row for row in found_ if about(row, story)] for table, found_ in rows.items() if not table.startswith("platform-")}
    assert any(own.values())
    assert [table for table, found_ in own.items() if "s1.reader." in json.dumps(found_, default=str)] == []


async def test_the_legal_copies_are_where_the_report_says(story: Erasing) -> None:
    """The identity check's bodies in S3, sealed under the legal key, and the contract that both signed."""
    told = await story.report()
    assert fates(told, "kyc") == {"identity check and its records": Fate.KEPT}
    assert fates(told, "contract") == {"contracts (1 completed)": Fate.KEPT}
    assert {key.partition("/")[0] for key in story.objects} == {"kyc-raw"}
    assert all(content.startswith(f"s1.legal.{story.person}.1.".encode()) for content in story.objects.values())


async def test_nothing_new_is_sealed_for_the_person(story: Erasing) -> None:
    refused = await story.send(UpdateProfile, {"userId": story.person, "firstName": "Zsófia"}, story.stage.cast.contractor.actor)
    assert (refused.status_code, refused.json()["reason"]) == (409, "erased")


async def test_the_command_log_run_again_gives_the_same_rows_with_redacted_values(story: Erasing) -> None:
    again = rerun(MindLinks().services.values(), story.records())
    rows = await rows_of(story.store, story.standing.settings)
    live = {
        table: [row for row in rows_ if row.get("id") not in story.visits]
        for table, rows_ in rows.items()
        if rows_ and not table.startswith(PROJECTED)
    }
    assert differences({table: rows_ for table, rows_ in live.items() if rows_}, again) == []


# --- of the story --------------------------------------------------------------------------------------------------


def hash_of(story: Erasing) -> str:
    return email_hash(story.standing.settings.blind_index_key.get_secret_value().encode(), story.stage.cast.contractor.email)


def answered(story: Erasing) -> dict[str, str]:
    parts: dict[str, str] = story.store.items[ItemRef("auth-users", story.person)]["erasure"].get("parts", {})
    return parts


def about(row: Any, story: Erasing) -> bool:
    said = json.dumps(row, default=str)
    return story.person in said or story.stage.cast.contractor_id in said
