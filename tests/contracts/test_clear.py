"""A personal value in the clear leaves by ``reveal`` alone."""

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass

import orjson
import pytest
from pydantic import BaseModel, TypeAdapter

from contracts.clear import Clear, ClearValueError, Redacted

CLEAR = Clear("Amira Farouk")


@pytest.mark.parametrize("shown", [repr, str, format, lambda each: f"{each}", lambda each: f"{each!r:>30}", lambda each: "%s" % each])  # noqa: UP031
def test_whatever_prints_it_masks_it(shown: Callable[[object], str]) -> None:
    assert "Amira" not in shown(CLEAR)
    assert "Amira" not in shown([CLEAR]) if shown is not format else True
    assert CLEAR.reveal() == "Amira Farouk"


@pytest.mark.parametrize(
    "kept",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, orjson.dumps, TypeAdapter(object).dump_json, hash, vars],
    ids=lambda each: getattr(each, "__qualname__", str(each)),
)
def test_whatever_would_keep_it_raises(kept: Callable[[object], object]) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        kept(CLEAR)
    assert "Amira" not in str(raised.value)


def test_no_message_has_a_field_for_it() -> None:
    with pytest.raises(ClearValueError):

        class _Message(BaseModel):
            name: Clear


def test_a_dataclass_that_holds_one_is_not_taken_apart() -> None:
    @dataclass
    class Holder:
        name: Clear

    with pytest.raises(ClearValueError):
        asdict(Holder(CLEAR))
    assert "Amira" not in repr(Holder(CLEAR))


def test_equal_values_are_equal_and_text_is_none() -> None:
    assert Clear("Amira Farouk") == CLEAR
    assert Clear("Amira") != CLEAR
    assert CLEAR != "Amira Farouk"
    assert Redacted.ERASED != CLEAR


def test_what_is_redacted_says_so() -> None:
    assert f"{Redacted.ERASED}" == "[redacted]"
