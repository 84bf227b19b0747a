"""POST /v1/sign-in against the application and the real auth service."""

import asyncio
import hashlib
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.auth import OpenSession, RecordLoginFailure
from contracts.sealed import VALUE
from tests.support.waiting import eventually
from tests.unit.ingress.doubles import KEY, PASSWORDS, REFRESH_KEY, SEALER, FaultyLog, OpeningHashes, ReadableSealer, client_key, reason_of
from tests.unit.ingress.signing_in import ADMIN, AMINA, COMMANDS, EMAIL, PASSWORD, People, people
from workers.adapters.blind_index import email_hash
from workers.adapters.passwords import LEAST_COST, BcryptPasswords
from workers.engine.runtime import RoleName
from workers.ingress.attempts import Attempts, network, network_address
from workers.ingress.problems import Problem
from workers.ingress.refresh_tokens import RefreshTokens
from workers.ingress.sign_in import readable

WRONG = "something else entirely"
UNKNOWN = "nobody@example.com"


async def test_who_knows_the_password_gets_a_session_that_stands() -> None:
    async with people() as those:
        await those.register()
        answer = await those.sign_in(userAgent="Firefox on Linux", ip="203.0.113.77", newDevice=False)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert document.keys() == {"userId", "role", "sessionId", "expiresAt", "refreshToken", "emailVerified", "verifiedEpoch"}
        assert (document["userId"], document["role"], document["emailVerified"], document["verifiedEpoch"]) == (AMINA, "company", False, 1)
        assert answer.headers["cache-control"] == "no-store"
        session, generation, secret, _ = document["refreshToken"].split(".")
        assert (session, generation) == (document["sessionId"], "1")
        (opened,) = [each for each in those.messages(COMMANDS) if isinstance(each, OpenSession)]
        assert opened.refresh_token_hash == hashlib.sha256(secret.encode()).hexdigest()
        assert SEALER.open(opened.user_agent, VALUE) == "Firefox on Linux"
        assert (opened.new_device, opened.verified_epoch) == (False, 1)
        row = next(item for ref, item in those.plant.store.items.items() if ref.key == session)
        assert (row["refreshToken"], row["state"]) == (opened.refresh_token_hash, "open")


async def test_a_password_is_checked_by_bcrypt() -> None:
    async with people(passwords=PASSWORDS) as those:
        await those.register()
        assert reason_of(await those.sign_in(password=WRONG)) == (401, "sign_in_failed")
        assert reason_of(await those.sign_in(UNKNOWN)) == (401, "sign_in_failed")
        assert (await those.sign_in()).status_code == 200


async def test_an_address_is_found_however_it_is_spelled() -> None:
    async with people() as those:
        await those.register()
        assert (await those.sign_in(" Amina@EXAMPLE.com")).status_code == 200


async def test_the_browser_and_the_address_are_the_requests_own_by_default() -> None:
    async with people() as those:
        await those.register()
        body = {"email": EMAIL, "password": PASSWORD}
        await those.post("/v1/sign-in", body, user_agent="Mozilla/5.0")
        await those.post("/v1/sign-in", {**body, "ip": "203.0.113.9"}, user_agent="")
        first, second = [each for each in those.messages(COMMANDS) if isinstance(each, OpenSession)]
        assert [SEALER.open(each.user_agent, VALUE) for each in (first, second)] == ["Mozilla/5.0", "unknown"]
        assert first.ip_hash == second.ip_hash
        assert first.new_device


async def work_for(those: People, email: str, password: str) -> tuple[list[str], tuple[int, str]]:
    those.work.clear()
    answer = await those.sign_in(email, password)
    return list(those.work), reason_of(answer)


async def test_an_unknown_address_takes_the_same_work_and_the_same_answer() -> None:
    async with people() as those:
        await those.register()
        await those.sign_in(UNKNOWN, WRONG)  # the hash of nobody's password is made once
        known, unknown = await work_for(those, EMAIL, WRONG), await work_for(those, UNKNOWN, WRONG)
        assert known == unknown
        assert known == (["read auth-users/EMAIL#", "read auth-users", "open", f"check $2b${LEAST_COST}$"], (401, "sign_in_failed"))
        documents = [(await those.sign_in(email, WRONG)).text for email in (EMAIL, UNKNOWN)]
        assert documents[0] == documents[1]
        await those.until_commands("RecordLoginFailure", 2)
        assert {each.user_id for each in those.messages(COMMANDS) if isinstance(each, RecordLoginFailure)} == {AMINA}


async def test_a_locked_account_answers_as_a_wrong_password_does() -> None:
    async with people() as those:
        await those.register()
        for _ in range(10):
            assert reason_of(await those.sign_in(password=WRONG)) == (401, "sign_in_failed")
        await those.until_commands("RecordLoginFailure", 10)
        assert those.events["LoginLocked"] == 1
        wrong, right = await those.sign_in(password=WRONG), await those.sign_in()
        assert (wrong.status_code, wrong.text) == (right.status_code, right.text)
        assert those.events["SessionOpened"] == 0
        those.plant.clock.advance(15 * 60)
        assert (await those.sign_in()).status_code == 200


async def test_nine_failures_are_forgotten_by_a_sign_in() -> None:
    async with people() as those:
        await those.register()
        for _ in range(2):
            for _ in range(9):
                await those.sign_in(password=WRONG)
            await those.settled()
            assert (await those.sign_in()).status_code == 200
            those.plant.clock.advance(60)
        assert those.events["LoginLocked"] == 0


async def test_a_suspended_person_is_told_so_who_knows_the_password_and_nobody_else() -> None:
    async with people() as those:
        await those.register()
        await those.send("SuspendUser", {"userId": AMINA, "reason": "Under investigation"}, ADMIN)
        assert reason_of(await those.sign_in()) == (403, "user_not_active")
        assert reason_of(await those.sign_in(password=WRONG)) == (401, "sign_in_failed")


@pytest.mark.parametrize(
    ("kind", "data", "actor", "answered"),
    [
        ("SuspendUser", {"userId": AMINA, "reason": "x"}, ADMIN, (403, "user_not_active")),
        ("SetPassword", {"userId": AMINA, "password": "another password", "verifiedEpoch": 1}, f"company:{AMINA}", (401, "sign_in_failed")),
    ],
)
async def test_what_came_between_the_check_and_the_decision_is_told(
    kind: str, data: dict[str, Any], actor: str, answered: tuple[int, str]
) -> None:
    """Nobody decides until both commands are on the log, that of the sign-in second."""
    async with people(working=False) as those:
        process = those.plant.start()
        await those.register()
        await process.stop()
        response = await those.ingress.send(
            {"specversion": "1.0", "id": ADMIN[6:], "source": "/t", "type": f"mindlinks.auth.{kind}.v1", "data": data},
            mindlinks_actor=actor,
        )
        assert response.status_code == 202
        signing_in = asyncio.create_task(those.sign_in())
        await eventually(lambda: those.commands["OpenSession"])
        those.plant.start()
        those.plant.start(RoleName.PROJECTIONS)
        assert reason_of(await signing_in) == answered
        assert those.events["SessionOpened"] == 0


async def test_while_nobody_decides_the_person_is_asked_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.ingress.account_commands.PAUSES", (0.0,))
    async with people(working=False) as those:
        process = those.plant.start()
        await those.register()
        await process.stop()
        answer = await those.sign_in()
        assert (reason_of(answer), answer.headers["retry-after"]) == ((503, "unsettled"), "2")
        assert "refreshToken" not in answer.text


# --- who may, how often --------------------------------------------------------------------------------------------


async def test_a_client_signs_in_whom_it_may_act_as() -> None:
    shop = client_key(actors=["public", "contractor:*"])
    async with people((shop,)) as those:
        await those.register()
        assert reason_of(await those.sign_in()) == (403, "actor_not_allowed")
        assert those.commands["OpenSession"] == 0
    async with people((client_key(kinds=["mindlinks.contract.*"]),)) as those:
        assert reason_of(await those.sign_in()) == (403, "kind_not_allowed")
    async with people((client_key(actors=["company:*"]),)) as those:
        assert reason_of(await those.sign_in()) == (403, "actor_not_allowed")
        assert reason_of(await those.post("/v1/sign-in", {}, authorization="Bearer upstream.wrong")) == (401, "unauthenticated")


async def test_an_address_is_tried_so_often_a_minute_whether_it_is_known_or_not() -> None:
    async with people(working=False) as those:
        for _ in range(20):
            assert reason_of(await those.sign_in(UNKNOWN, WRONG, ip="2001:db8::1")) == (401, "sign_in_failed")
        refused = await those.sign_in(UNKNOWN, WRONG, ip="2001:db8::1")
        assert (reason_of(refused), refused.headers["retry-after"]) == ((429, "rate_limited"), "3")
        assert reason_of(await those.sign_in("other@example.com", WRONG)) == (401, "sign_in_failed")
        those.plant.clock.advance(3)
        assert reason_of(await those.sign_in(UNKNOWN, WRONG)) == (401, "sign_in_failed")


async def test_a_network_tries_so_many_addresses_a_minute() -> None:
    async with people(working=False) as those:
        for number in range(60):
            assert reason_of(await those.sign_in(f"p{number}@example.com", WRONG, ip=f"2001:db8::{number + 1:x}"))[0] == 401
        assert reason_of(await those.sign_in("last@example.com", WRONG, ip="2001:db8::ffff")) == (429, "rate_limited")
        assert reason_of(await those.sign_in("last@example.com", WRONG, ip="2001:db8:0:1::1")) == (401, "sign_in_failed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"password": PASSWORD}, "email"),
        ({"email": "no address", "password": PASSWORD}, "email"),
        ({"email": "a b@example.com", "password": PASSWORD}, "email"),
        ({"email": EMAIL, "password": ""}, "password"),
        ({"email": EMAIL, "password": "x" * 257}, "password"),
        ({"email": EMAIL, "password": PASSWORD, "ip": "somewhere"}, "ip"),
        ({"email": EMAIL, "password": PASSWORD, "newDevice": "no"}, "newDevice"),
        ([], "body"),
    ],
)
async def test_what_cannot_be_read_is_told_by_its_name(body: Any, field: str) -> None:
    async with people(working=False) as those:
        answer = await those.post("/v1/sign-in", body)
        assert (reason_of(answer), answer.json()["field"]) == ((400, "invalid_payload"), field)
        assert PASSWORD not in answer.text
        assert "x" * 257 not in answer.text


async def test_bodies_are_small_and_json() -> None:
    async with people(working=False) as those:
        assert reason_of(await those.post("/v1/sign-in", "x" * 20_000)) == (413, "body_too_large")
        assert reason_of(await those.post("/v1/sign-in", {}, content_type="text/plain")) == (415, "unsupported_media_type")


# --- what is missing -----------------------------------------------------------------------------------------------


async def test_while_failures_cannot_be_counted_nobody_guesses() -> None:
    log = FaultyLog()
    async with people(working=False) as those:
        process = those.plant.start()
        await those.register()
        guesser = People(those.plant, changes={"log": log})
        log.away = True
        async with guesser.ingress.http:
            assert reason_of(await guesser.sign_in(password=WRONG)) == (401, "sign_in_failed")
            for email in (EMAIL, UNKNOWN):
                await asyncio.sleep(0)
                assert reason_of(await guesser.sign_in(email, WRONG)) == (503, "log_unavailable")
            guesser.work.clear()
            assert reason_of(await guesser.sign_in()) == (503, "log_unavailable")
            assert guesser.work == []
            log.away = False
            assert reason_of(await guesser.sign_in(UNKNOWN, WRONG)) == (401, "sign_in_failed")
        (counted,) = [record for partition in log.records.values() for record in partition]
        assert b"ipHash" in (counted.value or b"")
        await process.stop()


async def test_without_a_refresh_key_nobody_signs_in() -> None:
    async with people(refresh_tokens=RefreshTokens(()), working=False) as those:
        assert reason_of(await those.sign_in()) == (503, "not_configured")
        assert reason_of(await those.rotate("x")) == (503, "not_configured")


async def test_too_many_passwords_at_once_are_put_off() -> None:
    async with people(passwords=BcryptPasswords(LEAST_COST, waiting=0), working=False) as those:
        answer = await those.sign_in()
        assert (reason_of(answer), answer.headers["retry-after"]) == ((503, "busy"), "5")


async def test_without_keys_nobody_is_let_in() -> None:
    sealer = ReadableSealer()
    async with people(sealer=sealer, password_hashes=OpeningHashes(sealer)) as those:
        await those.register()
        sealer.away = True
        assert reason_of(await those.sign_in()) == (503, "keys_unavailable")
        assert those.commands["OpenSession"] == 0


async def test_no_secret_stays_anywhere() -> None:
    with capture_logs() as logged:
        async with people() as those:
            await those.register()
            answer = await those.sign_in(ip="203.0.113.77")
            failed = await those.sign_in(password=WRONG)
            secret = answer.json()["refreshToken"].split(".")[2]
            kept = those.bytes + repr(logged).encode() + failed.content
    for value in (secret, PASSWORD, WRONG, EMAIL, "203.0.113.77", REFRESH_KEY.decode()):
        assert value.encode() not in kept
    assert email_hash(KEY, EMAIL).encode() in kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, "unknown"), (" \t ", "unknown"), ("Moz\x00illa\n", "Mozilla"), ("x" * 300, "x" * 256), ("متصفح", "متصفح")],
)
def test_a_browsers_name_is_cut_to_what_is_kept(given: str | None, kept: str) -> None:
    assert readable(given) == kept


@pytest.mark.parametrize(
    ("given", "known", "counted"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("2001:DB8:0::1", "2001:db8::1", "2001:db8::/64"),
    ],
)
def test_network_addresses_have_one_spelling(given: str, known: str, counted: str) -> None:
    assert network_address(given) == known
    assert network(known) == counted


def test_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.ingress.attempts.KEPT", 2)
    attempts = Attempts(1, "An address")
    for key in ("a", "b", "c", "a"):
        attempts.take(key, 0)
    with pytest.raises(Problem):
        attempts.take("c", 0)
