"""Wrapping under a local master key."""

import pytest

from contracts.types import Purpose
from tests.support.keys import MASTER_KEY
from workers.adapters.key_wrapping import DEVELOPMENT_MASTER_KEY, KeyOwner, LocalWrapping, UnwrappableKey

OWNER = KeyOwner("11111111-1111-4111-8111-111111111111", Purpose.SUBJECT)


async def test_every_key_is_new_and_unwraps_for_its_owner() -> None:
    wrapping = LocalWrapping(MASTER_KEY)
    one, other = await wrapping.generate(OWNER), await wrapping.generate(OWNER)
    assert one.key != other.key
    assert await LocalWrapping(MASTER_KEY).unwrap(OWNER, one.wrapped) == one.key
    assert one.key not in one.wrapped.ciphertext


@pytest.mark.parametrize("owner", [KeyOwner(OWNER.subject, Purpose.LEGAL), KeyOwner("somebody else", Purpose.SUBJECT)])
async def test_a_wrapped_key_is_bound_to_subject_and_purpose(owner: KeyOwner) -> None:
    wrapping = LocalWrapping(MASTER_KEY)
    with pytest.raises(UnwrappableKey):
        await wrapping.unwrap(owner, (await wrapping.generate(OWNER)).wrapped)


async def test_a_wrapping_knows_its_own_and_no_others() -> None:
    one, other = LocalWrapping(MASTER_KEY), LocalWrapping(MASTER_KEY[::-1])
    wrapped = (await one.generate(OWNER)).wrapped
    assert one.unwraps(wrapped.wrapped_under)
    assert not other.unwraps(wrapped.wrapped_under)
    assert MASTER_KEY.decode() not in wrapped.wrapped_under
    with pytest.raises(UnwrappableKey):
        await other.unwrap(OWNER, wrapped)


async def test_no_key_is_shown() -> None:
    new = await LocalWrapping(MASTER_KEY).generate(OWNER)
    assert new.key.hex() not in repr(new)
    assert repr(new.key)[2:10] not in repr(new)


def test_a_short_master_key_stops_the_start() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        LocalWrapping(b"secret")


def test_the_development_key_is_said_loudly(caplog: pytest.LogCaptureFixture) -> None:
    LocalWrapping(DEVELOPMENT_MASTER_KEY)
    assert "MINDLINKS_MASTER_KEY" in caplog.text
    caplog.clear()
    LocalWrapping(MASTER_KEY)
    assert caplog.text == ""
