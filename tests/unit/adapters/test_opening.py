"""Whoever opens or seals has declared it, and each port gets what its effects declare."""

import pytest

from contracts.clear import Clear
from contracts.sealed import KYC_LINK, PASSWORD_HASH, VALUE, FieldClass, MalformedSealError, Reader, audience, bank_number
from contracts.types import Purpose
from tests.support.keys import key_ring
from workers.adapters.opening import INGRESS, KeyRights, Opener, UndeclaredError, ValueReader, rights_by_provider
from workers.adapters.sealing import Sealer
from workers.main import SERVICES

USER = "11111111-1111-4111-8111-111111111111"
SEALER = Sealer(key_ring())
TEXTS = (
    (Purpose.SUBJECT, USER, VALUE),
    (Purpose.LEGAL, USER, VALUE),
    (Purpose.READER, Reader.BANK_SYNC, bank_number(USER)),
    (Purpose.READER, Reader.SIGN_IN, PASSWORD_HASH),
    (Purpose.READER, Reader.API, KYC_LINK),
)


@pytest.mark.parametrize(("purpose", "subject", "field_class"), TEXTS)
async def test_what_is_declared_opens_and_nothing_else(purpose: Purpose, subject: str, field_class: FieldClass) -> None:
    sealed = await SEALER.seal(purpose, subject, field_class, "clear")
    entitled = Opener(SEALER, KeyRights(opens=frozenset({audience(purpose, subject)})), "test")
    assert await entitled.open(sealed, field_class) == Clear("clear")
    others = frozenset(audience(each[0], each[1]) for each in TEXTS) - {audience(purpose, subject)}
    with pytest.raises(UndeclaredError) as raised:
        await Opener(SEALER, KeyRights(opens=others, seals=others | {audience(purpose, subject)}), "test").open(sealed, field_class)
    assert sealed not in str(raised.value)


async def test_who_opens_may_not_seal_for_that() -> None:
    opener = Opener(SEALER, KeyRights(opens=frozenset({"subject"})), "test")
    with pytest.raises(UndeclaredError, match="seal for subject"):
        await opener.seal(Purpose.SUBJECT, USER, VALUE, "clear")


async def test_the_ingress_seals_for_everybody_and_opens_nothing() -> None:
    ingress = Opener(SEALER, INGRESS, "ingress")
    for purpose, subject, field_class in TEXTS:
        sealed = await ingress.seal(purpose, subject, field_class, "clear")
        with pytest.raises(UndeclaredError):
            await ingress.open(sealed, field_class)


async def test_a_reader_of_values_reads_values() -> None:
    reader = ValueReader(Opener(SEALER, KeyRights(opens=frozenset({"legal"})), "documents"))
    assert await reader.open(await SEALER.seal(Purpose.LEGAL, USER, VALUE, "Nile Design")) == Clear("Nile Design")
    with pytest.raises(MalformedSealError):
        await reader.open("Nile Design")


def test_each_port_gets_what_its_effects_declare() -> None:
    identity = KeyRights(opens=frozenset({"subject"}), seals=frozenset({"legal", "reader:api"}))
    assert rights_by_provider(SERVICES) == {
        "avatars": KeyRights(),
        "lead-keys": KeyRights(),
        "visits": KeyRights(),
        "keys": KeyRights(),
        "kyc-records": KeyRights(),
        "onfido": identity,
        "veriff": identity,
        "opencorporates": KeyRights(opens=frozenset({"subject"})),
        "documents": KeyRights(opens=frozenset({"legal"})),
        "ses": KeyRights(opens=frozenset({"subject", "legal"})),
        "sms": KeyRights(opens=frozenset({"subject"})),
        "render": KeyRights(opens=frozenset({"subject", "legal"}), seals=frozenset({"subject"})),
        "stripe": KeyRights(opens=frozenset({"reader:sync-bank"})),
    }
