"""What counts as one company's name, and what is left to people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.services.client.legal_names import same_company_name

SAME = [
    ("Example Trading Limited", "EXAMPLE TRADING LTD."),
    ("Example Trading", "Example Trading Ltd"),
    ("Acme Co., Ltd.", "ACME COMPANY LIMITED"),
    ("Nile Design L.L.C.", "Nile Design LLC"),
    ("Nile Design FZ-LLC", "Nile Design Limited Liability Company"),
    ("Müller Maschinenbau GmbH", "MÜLLER MASCHINENBAU GESELLSCHAFT MIT BESCHRÄNKTER HAFTUNG"),
    ("Straße und Söhne GmbH & Co. KG", "STRASSE UND SÖHNE GMBH & CO KG"),
    ("Dupont S.A.R.L.", "Dupont Société à responsabilité limitée"),
    ("Dupont S. A. S.", "DUPONT SAS"),
    ("Kowalski Sp. z o.o.", "KOWALSKI SPÓŁKA Z OGRANICZONĄ ODPOWIEDZIALNOŚCIĄ"),
    ("Maersk A/S", "MAERSK AS"),
    ("O'Neil & Sons, Inc.", "ONEIL  SONS INCORPORATED"),
    ("Foo-Bar PLC", "Foo Bar Public Limited Company"),
    ("Tata Pvt. Ltd.", "TATA PRIVATE LIMITED"),
    ("شركة النيل للتصميم ذ.م.م", "النيل للتصميم ش.ذ.م.م"),
    ("شركة النيل للتصميم", "النيل للتصميم"),
    ("ООО Ромашка", "РОМАШКА ООО"),
    ("Ｅｘａｍｐｌｅ\u200f Limited", "example ltd"),
]
DIFFERENT = [
    ("Example Trading Ltd", "Example Holding Ltd"),
    ("Example Trading Ltd", "Example Trading Inc."),
    ("Acme LLC", "Acme LLP"),
    ("Société Dupont", "Societe Dupont"),
    ("Limited", "Ltd Ltd"),
    ("...", "!!!"),
    ("C++ Ltd", "C Ltd"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_case_punctuation_and_legal_form_make_no_difference(one: str, other: str) -> None:
    assert same_company_name(one, other)
    assert same_company_name(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_everything_else_does(one: str, other: str) -> None:
    assert not same_company_name(one, other)
    assert not same_company_name(other, one)


def test_a_company_may_be_named_as_a_form_is() -> None:
    assert same_company_name("Limited", "LIMITED")
    assert same_company_name("AG", "ag.")


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_are_compared_the_same_from_both_sides(one: str, other: str) -> None:
    assert same_company_name(one, other) is same_company_name(other, one)
