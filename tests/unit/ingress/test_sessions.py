"""POST /v1/sessions/rotate and /v1/sign-out against the application and the real auth service."""

import asyncio

import pytest

from contracts.auth import RotateSession
from tests.support.waiting import eventually
from tests.unit.ingress.doubles import client_key, reason_of
from tests.unit.ingress.signing_in import ADMIN, AMINA, COMMANDS, People, people
from workers.engine.runtime import RoleName
from workers.ingress.refresh_tokens import RefreshToken, RefreshTokens, new_secret

OLDER, NEWER = b"an older refresh key, with thirty-two bytes", b"a newer refresh key, with thirty-two bytes"


async def signed_in(those: People) -> str:
    await those.register()
    return await those.token()


async def rotated(those: People, token: str) -> str:
    answer = await those.rotate(token)
    assert answer.status_code == 200, answer.text
    following: str = answer.json()["refreshToken"]
    return following


def generation(token: str) -> int:
    return int(token.split(".")[1])


def row_of(those: People) -> dict[str, object]:
    (row,) = [item for ref, item in those.plant.store.items.items() if ref.table == "auth-sessions"]
    return dict(row)


# --- rotation ------------------------------------------------------------------------------------------------------


async def test_a_token_is_replaced_by_the_next() -> None:
    async with people() as those:
        first = await signed_in(those)
        those.plant.clock.advance(24 * 3600)
        answer = await those.rotate(first)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == {"userId", "role", "sessionId", "expiresAt", "refreshToken"}
        assert answer.headers["cache-control"] == "no-store"
        second = answer.json()["refreshToken"]
        third = await rotated(those, second)
        assert [generation(token) for token in (first, second, third)] == [1, 2, 3]
        assert len({first, second, third}) == 3
        assert those.events["SessionRotated"] == 2
        (session,) = {token.split(".")[0] for token in (first, second, third)}
        assert session == answer.json()["sessionId"]


async def test_who_lost_the_answer_gets_it_again_for_thirty_seconds() -> None:
    async with people() as those:
        first = await signed_in(those)
        second = await rotated(those, first)
        those.plant.clock.advance(30)
        assert await rotated(those, first) == second
        assert those.commands["RotateSession"] == 1
        assert generation(await rotated(those, second)) == 3


async def test_a_replaced_token_ends_the_session_and_is_not_told_the_current_one() -> None:
    """The next secret follows from the presented one; were it sent along here, the decision would see nothing to do."""
    async with people() as those:
        first = await signed_in(those)
        second = await rotated(those, first)
        those.plant.clock.advance(31)
        answer = await those.rotate(first)
        assert reason_of(answer) == (401, "refresh_token_reused")
        assert second not in answer.text
        assert those.events["SessionReuseDetected"] == 1
        assert reason_of(await those.rotate(second)) == (401, "session_revoked")


@pytest.mark.parametrize("age", [2, 3])
async def test_an_old_token_ends_the_session_however_soon_it_comes(age: int) -> None:
    async with people() as those:
        tokens = [await signed_in(those)]
        for _ in range(age):
            tokens.append(await rotated(those, tokens[-1]))
        assert reason_of(await those.rotate(tokens[0])) == (401, "refresh_token_reused")
        assert reason_of(await those.rotate(tokens[-1])) == (401, "session_revoked")
        assert row_of(those)["state"] == "revoked"


@pytest.mark.parametrize("at_once", [2, 5])
async def test_several_who_present_one_token_at_once_get_the_same_next_one(at_once: int) -> None:
    async with people() as those:
        first = await signed_in(those)
        following = set(await asyncio.gather(*(rotated(those, first) for _ in range(at_once))))
        assert len(following) == 1
        await those.settled()
        assert those.events["SessionRotated"] == 1
        assert generation(await rotated(those, following.pop())) == 3


async def test_rotations_that_were_published_at_once_end_as_one() -> None:
    """Nobody decides until both are on the log."""
    async with people(working=False) as those:
        process, receipts = those.plant.start(), those.plant.start(RoleName.PROJECTIONS)
        first = await signed_in(those)
        await process.stop()
        both = [asyncio.create_task(those.rotate(first)) for _ in range(2)]
        await eventually(lambda: those.commands["RotateSession"] == 2)
        those.plant.start()
        answers = [await each for each in both]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        await receipts.stop()
        one, other = [each for each in those.messages(COMMANDS) if isinstance(each, RotateSession)]
        assert one.new_hash == other.new_hash


async def test_while_nobody_decides_the_same_is_asked_again_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async with people(working=False) as those:
        process = those.plant.start()
        those.plant.start(RoleName.PROJECTIONS)
        first = await signed_in(those)
        await process.stop()
        monkeypatch.setattr("workers.ingress.account_commands.PAUSES", (0.0,))
        answer = await those.rotate(first)
        assert (reason_of(answer), answer.headers["retry-after"]) == ((503, "unsettled"), "2")
        monkeypatch.undo()
        those.plant.start()
        await those.settled()
        assert generation(await rotated(those, first)) == 2
        assert those.events["SessionReuseDetected"] == 0


# --- who no longer may ---------------------------------------------------------------------------------------------


async def test_a_suspended_person_is_told_so_and_stays_signed_out_when_reinstated() -> None:
    async with people() as those:
        token = await signed_in(those)
        those.plant.clock.advance(1)
        await those.send("SuspendUser", {"userId": AMINA, "reason": "Under investigation"}, ADMIN)
        assert reason_of(await those.rotate(token)) == (403, "user_not_active")
        assert those.commands["RotateSession"] == 0
        await those.send("ReinstateUser", {"userId": AMINA}, ADMIN)
        assert reason_of(await those.rotate(token)) == (401, "session_revoked")
        assert (await those.sign_in()).status_code == 200


async def test_who_is_suspended_meanwhile_is_told_so_too() -> None:
    """Both commands are on the log before anybody decides: the suspension first."""
    async with people(working=False) as those:
        process = those.plant.start()
        those.plant.start(RoleName.PROJECTIONS)
        token = await signed_in(those)
        await process.stop()
        event = {"specversion": "1.0", "id": ADMIN[6:], "source": "/t", "type": "mindlinks.auth.SuspendUser.v1"}
        await those.ingress.send({**event, "data": {"userId": AMINA, "reason": "x"}}, mindlinks_actor=ADMIN)
        rotating = asyncio.create_task(those.rotate(token))
        await eventually(lambda: those.commands["RotateSession"])
        those.plant.start()
        assert reason_of(await rotating) == (403, "user_not_active")
        assert those.events["SessionRotated"] == 0


async def test_a_lost_answer_is_not_given_again_to_who_was_suspended_meanwhile() -> None:
    async with people() as those:
        first = await signed_in(those)
        await rotated(those, first)
        await those.send("SuspendUser", {"userId": AMINA, "reason": "x"}, ADMIN)
        answer = await those.rotate(first)
        assert reason_of(answer) == (403, "user_not_active")
        assert "refreshToken" not in answer.json()


@pytest.mark.parametrize(("days", "gone"), [(7, False), (8, True)])
async def test_a_session_lapses(days: int, gone: bool) -> None:
    async with people() as those:
        token = await signed_in(those)
        those.plant.clock.advance(days * 24 * 3600)
        if gone:
            those.plant.store.items = {ref: item for ref, item in those.plant.store.items.items() if ref.table != "auth-sessions"}
        assert reason_of(await those.rotate(token)) == (401, "session_expired")


async def test_everywhere_else_signed_out_is_signed_out() -> None:
    async with people() as those:
        token = await signed_in(those)
        those.plant.clock.advance(1)
        await those.send("RevokeAllSessions", {"userId": AMINA}, f"company:{AMINA}")
        assert reason_of(await those.rotate(token)) == (401, "session_revoked")


# --- signing out ---------------------------------------------------------------------------------------------------


async def test_signing_out_revokes_the_session_once() -> None:
    async with people() as those:
        token = await signed_in(those)
        answer = await those.post("/v1/sign-out", {"refreshToken": token})
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/v1/commands/{answer.json()['id']}"
        await those.settled()
        assert (await those.post("/v1/sign-out", {"refreshToken": token})).status_code == 204
        assert those.events["SessionRevoked"] == 1
        assert reason_of(await those.rotate(token)) == (401, "session_revoked")
        receipt = await those.ingress.http.get(
            answer.headers["location"], headers={"authorization": "Bearer upstream.a secret. with a dot"}
        )
        assert receipt.json()["state"] == "applied"


async def test_an_old_token_signs_out_too() -> None:
    async with people() as those:
        first = await signed_in(those)
        await rotated(those, first)
        assert (await those.post("/v1/sign-out", {"refreshToken": first})).status_code == 202


# --- what is no token ----------------------------------------------------------------------------------------------


async def test_what_is_no_token_of_ours_is_read_for_nothing() -> None:
    async with people() as those:
        token = await signed_in(those)
        session, number, secret, mac = token.split(".")
        forged = [
            "",
            token[:-1],
            f"{token}.x",
            f"{session}.2.{secret}.{mac}",
            f"{session}.01.{secret}.{mac}",
            f"{AMINA}.{number}.{secret}.{mac}",
            f"{session}.{number}.{new_secret()}.{mac}",
            f"{session}.{number}.{secret}.{'A' * 43}",
            RefreshTokens((OLDER,)).write(RefreshToken(session, 1, secret)),  # type: ignore[arg-type]  # a text is one
        ]
        those.work.clear()
        for text in forged:
            for path in ("/v1/sessions/rotate", "/v1/sign-out"):
                answer = await those.post(path, {"refreshToken": text})
                assert reason_of(answer) == (401, "refresh_token_invalid"), text
        assert those.work == []
        assert reason_of(await those.post("/v1/sessions/rotate", {})) == (400, "invalid_payload")
        assert reason_of(await those.post("/v1/sessions/rotate", {"refreshToken": 5})) == (400, "invalid_payload")


async def test_a_session_is_tried_so_often_a_minute() -> None:
    async with people() as those:
        token = await signed_in(those)
        await those.post("/v1/sign-out", {"refreshToken": token})
        await those.settled()
        for _ in range(29):
            assert (await those.rotate(token)).status_code == 401
        assert reason_of(await those.rotate(token)) == (429, "rate_limited")


async def test_a_client_rotates_for_whom_it_may_act() -> None:
    web, shop = client_key(), client_key("shop", actors=["contractor:*"])
    async with people((web, shop)) as those:
        token = await signed_in(those)
        for path in ("/v1/sessions/rotate", "/v1/sign-out"):
            answer = await those.post(path, {"refreshToken": token}, authorization="Bearer shop.a secret. with a dot")
            assert reason_of(answer) == (403, "actor_not_allowed")
        assert those.commands["RotateSession"] == 0


async def test_tokens_of_an_older_key_go_on_under_the_newer() -> None:
    async with people(refresh_tokens=RefreshTokens((OLDER,))) as those:
        first = await signed_in(those)
        newer = People(those.plant, changes={"refresh_tokens": RefreshTokens((NEWER, OLDER))})
        last = People(those.plant, changes={"refresh_tokens": RefreshTokens((NEWER,))})
        async with newer.ingress.http, last.ingress.http:
            second = await rotated(newer, first)
            assert reason_of(await last.rotate(first)) == (401, "refresh_token_invalid")
            assert generation(await rotated(last, second)) == 3


def test_keys_are_long() -> None:
    assert RefreshTokens.parse(f" {OLDER.decode()[:40].replace(',', '-')} ,").keys == (OLDER[:40].replace(b",", b"-"),)
    with pytest.raises(ValueError, match="MINDLINKS_REFRESH_KEYS"):
        RefreshTokens.parse("short")


def test_a_token_and_its_keys_do_not_show_when_they_are_printed() -> None:
    tokens = RefreshTokens((OLDER,))
    secret = new_secret()
    token = RefreshToken(AMINA, 1, secret)  # type: ignore[arg-type]  # a text is one
    assert secret not in repr(token)
    assert "older" not in repr(tokens)
