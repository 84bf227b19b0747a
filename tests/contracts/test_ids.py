"""Derived ids are RFC 4122's version 5, spelled out for speed."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import within


@given(st.uuids(), st.text())
def test_an_id_within_another_is_uuid5(parent: UUID, name: str) -> None:
    assert within(str(parent), name) == str(uuid5(parent, name))
    assert within(str(parent).upper(), name) == within(str(parent), name)
