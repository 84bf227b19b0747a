"""Passwords: salted, whatever their length, off the event loop and bounded."""

import asyncio
import re
import time

import pytest
from pydantic import TypeAdapter

from contracts.clear import Clear
from contracts.types import PasswordHash
from workers.adapters.passwords import LEAST_COST, BcryptPasswords, PasswordsBusy

PASSWORDS = BcryptPasswords(LEAST_COST)


@pytest.mark.parametrize("password", ["correct horse", "م" * 200, "x" * 256, "nul\0inside", " blanks "])
async def test_what_was_hashed_matches_and_nothing_else_does(password: str) -> None:
    hashed = await PASSWORDS.hash(Clear(password))
    assert TypeAdapter(PasswordHash).validate_python(hashed.reveal())
    assert await PASSWORDS.matches(Clear(password), hashed)
    for other in (password[:-1], password + "x", password.replace("\0", ""), password.swapcase()):
        assert other == password or not await PASSWORDS.matches(Clear(other), hashed)


async def test_accents_match_however_they_were_typed() -> None:
    hashed = await PASSWORDS.hash(Clear("caf\u00e9 caf\u00e9"))
    assert await PASSWORDS.matches(Clear("cafe\u0301 cafe\u0301"), hashed)


async def test_two_hashes_of_one_password_differ() -> None:
    assert await PASSWORDS.hash(Clear("correct horse")) != await PASSWORDS.hash(Clear("correct horse"))


async def test_a_hash_of_another_cost_still_matches() -> None:
    hashed = await BcryptPasswords(LEAST_COST + 1).hash(Clear("correct horse"))
    assert await PASSWORDS.matches(Clear("correct horse"), hashed)


async def test_the_loop_goes_on_while_passwords_are_hashed() -> None:
    hashing = asyncio.create_task(BcryptPasswords(LEAST_COST + 2).hash(Clear("correct horse")))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10


async def test_what_does_not_fit_is_refused_at_once_and_fits_later() -> None:
    narrow = BcryptPasswords(LEAST_COST, threads=1, waiting=2)
    results = await asyncio.gather(*(narrow.hash(Clear("correct horse")) for _ in range(4)), return_exceptions=True)
    assert [type(result) for result in results] == [Clear, Clear, PasswordsBusy, PasswordsBusy]
    assert await narrow.hash(Clear("correct horse"))
    narrow.close()


def test_a_cost_that_protects_nobody_stops_the_start() -> None:
    for cost in (4, 9, 32):
        with pytest.raises(ValueError, match="MINDLINKS_BCRYPT_COST"):
            BcryptPasswords(cost)


async def test_the_cost_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    began = time.perf_counter()
    hashed = await BcryptPasswords().hash(Clear("correct horse"))
    with capsys.disabled():
        print(f"\n  bcrypt at cost 12: {time.perf_counter() - began:.3f} s")
    assert re.match(r"\$2b\$12\$", hashed.reveal())
