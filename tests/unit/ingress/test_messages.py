"""Wire data -> record: refusals never repeat a value, and a record fits the log."""

from typing import ClassVar

import pytest
from pydantic import field_validator

from contracts.catalogue import MAXIMUM_RECORD
from contracts.envelope import Envelope
from contracts.message import CommandData
from contracts.types import Timestamp
from workers.ingress.messages import command_data, outgoing
from workers.ingress.problems import Problem

ENVELOPE = Envelope(
    id="1", kind="k", source="/s", subject="a", time=Timestamp("t"), correlation_id="1", causation_id="1", actor="public", traceparent=None
)


class Noted(CommandData):
    key_field: ClassVar[str] = "key_text"
    key_text: str
    note: str

    @field_validator("note")
    @classmethod
    def _echo(cls, value: str) -> str:
        if value.startswith("clear"):
            raise ValueError(f"{value} is wrong")
        if value == "brief":
            raise ValueError("it is too short")
        return value


@pytest.mark.parametrize(("note", "detail"), [("clear text", "note: is not valid."), ("brief", "note: Value error, it is too short.")])
def test_messages_of_validators_do_not_repeat_the_value(note: str, detail: str) -> None:
    with pytest.raises(Problem) as refused:
        command_data(Noted, {"keyText": "a", "note": note})
    assert (refused.value.detail, refused.value.field) == (detail, "note")
    assert refused.value.__cause__ is None


def test_a_record_fits_the_log_to_the_byte() -> None:
    empty = outgoing(ENVELOPE, Noted(key_text="a", note=""))
    used = len(empty.key) + len(empty.value) + sum(len(name) + len(text) for name, text in empty.headers)
    outgoing(ENVELOPE, Noted(key_text="a", note="x" * (MAXIMUM_RECORD - used)))
    with pytest.raises(Problem) as refused:
        outgoing(ENVELOPE, Noted(key_text="a", note="x" * (MAXIMUM_RECORD - used + 1)))
    assert refused.value.reason == "record_too_large"
