"""Sealing: what was sealed opens, what was moved or changed does not, and nothing of it is random."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clear import Clear
from contracts.sealed import KYC_LINK, PASSWORD_HASH, VALUE, FieldClass, MalformedSealError, Reader, SealedText, bank_number, lead
from contracts.types import SEALED_PATTERN, Purpose
from tests.support.keys import MASTER_KEY, key_ring, sealer
from workers.adapters.key_wrapping import KeyOwner, LocalWrapping, NewKey
from workers.adapters.sealing import ForgedSealError, Sealer

USER, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
SEALER = sealer()

SUBJECTS = st.one_of(
    st.uuids().map(str), st.binary(min_size=32, max_size=32).map(lambda digest: lead(digest.hex())), st.sampled_from(Reader)
)
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
CLASSES = st.sampled_from([VALUE, PASSWORD_HASH, KYC_LINK, bank_number(USER)])


@given(st.sampled_from(Purpose), SUBJECTS, CLASSES, TEXTS)
async def test_what_is_sealed_opens_and_fits_the_wire(purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> None:
    sealed = await SEALER.seal(purpose, subject, field_class, text)
    assert await SEALER.open(sealed, field_class) == Clear(text)
    assert re.fullmatch(SEALED_PATTERN, sealed)
    assert str(SealedText.parse(sealed)) == sealed


@given(TEXTS, TEXTS)
async def test_sealed_texts_are_equal_exactly_when_the_texts_are(one: str, other: str) -> None:
    sealed = [await SEALER.seal(Purpose.SUBJECT, USER, VALUE, text) for text in (one, other)]
    assert (sealed[0] == sealed[1]) == (one == other)


@given(TEXTS, st.integers(min_value=0), st.integers(min_value=1, max_value=255))
async def test_a_changed_byte_does_not_open(text: str, place: int, change: int) -> None:
    parsed = SealedText.parse(await SEALER.seal(Purpose.SUBJECT, USER, VALUE, text))
    changed = bytearray(parsed.ciphertext)
    changed[place % len(changed)] ^= change
    forged = SealedText(parsed.purpose, parsed.subject, parsed.generation, bytes(changed))
    with pytest.raises(ForgedSealError):
        await SEALER.open(str(forged), VALUE)


MOVES: dict[str, Callable[[str], str]] = {
    "another subject": lambda sealed: sealed.replace(USER, OTHER),
    "another purpose": lambda sealed: sealed.replace("s1.subject.", "s1.legal."),
    "cut short": lambda sealed: str(SealedText(Purpose.SUBJECT, USER, 1, SealedText.parse(sealed).ciphertext[:8])),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
async def test_a_moved_text_does_not_open(move: Callable[[str], str]) -> None:
    sealed = await SEALER.seal(Purpose.SUBJECT, USER, VALUE, "Amira")
    with pytest.raises(ForgedSealError) as raised:
        await SEALER.open(move(sealed), VALUE)
    assert "another environment" in str(raised.value)
    assert "Amira" not in str(raised.value)


async def test_a_bank_number_opens_for_its_contractor_only() -> None:
    sealed = await SEALER.seal(Purpose.READER, Reader.BANK_SYNC, bank_number(USER), "000123456789")
    assert await SEALER.open(sealed, bank_number(USER)) == Clear("000123456789")
    with pytest.raises(ForgedSealError):
        await SEALER.open(sealed, bank_number(OTHER))


async def test_a_text_of_another_environment_does_not_open() -> None:
    await SEALER.seal(Purpose.SUBJECT, USER, VALUE, "Amira")
    with pytest.raises(ForgedSealError):
        await SEALER.open(await sealer().seal(Purpose.SUBJECT, USER, VALUE, "Amira"), VALUE)


async def test_a_key_that_was_never_made_sealed_nothing() -> None:
    sealed = await SEALER.seal(Purpose.SUBJECT, USER, VALUE, "Amira")
    for forged in (sealed.replace(f"{USER}.1.", f"{USER}.2."), sealed.replace(USER, str(UUID(int=7)))):
        with pytest.raises(ForgedSealError):
            await SEALER.open(forged, VALUE)


class _KnownKey(LocalWrapping):
    """Makes one and the same key for everybody."""

    async def generate(self, owner: KeyOwner) -> NewKey:
        key = bytes(range(64))
        return NewKey(key, await self.wrap(owner, key))


async def test_the_sealed_form_never_changes() -> None:
    """Golden: rows and topics are full of these; another text here means that they no longer open."""
    known = Sealer(key_ring(None, None, _KnownKey(MASTER_KEY)))
    sealed = await known.seal(Purpose.LEGAL, USER, VALUE, "Nile Design LLC")
    assert sealed == f"s1.legal.{USER}.1.CPsriJS98BEDT90zPBfCyYs6ruRQlYKwllOdhByNEQ"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Amira",
        f"s2.subject.{USER}.1.AAAA",
        f"s1.secret.{USER}.1.AAAA",
        f"s1.subject.{USER}.0.AAAA",
        f"s1.subject.{USER}.1.",
        f"s1.subject.{USER}.1.AAAA\n",
        f"s1.subject.{USER}.1.A",
        f"s1.subject.{USER}.1.AB",
        f"s1.subject.{USER}.1.AA=",
        f"s1.subject.{USER}.\u0661.AAAA",
        f"s1.subject.{'x' * 129}.1.AAAA",
        "s1.subject.a b.1.AAAA",
    ],
)
async def test_what_is_no_sealed_text_is_told_so_without_repeating_it(text: str) -> None:
    with pytest.raises(MalformedSealError) as raised:
        await SEALER.open(text, VALUE)
    assert not text or text not in str(raised.value)


@pytest.mark.parametrize("subject", ["", "with.dot", "with space", "x" * 129])
async def test_a_subject_that_cannot_be_written_is_refused(subject: str) -> None:
    with pytest.raises(MalformedSealError):
        await SEALER.seal(Purpose.SUBJECT, subject, VALUE, "Amira")


async def test_an_empty_text_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="left out"):
        await SEALER.seal(Purpose.SUBJECT, USER, VALUE, "")
