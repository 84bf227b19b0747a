"""What every command and event model has in common.

A message's kind on the wire is ``mindlinks.<service>.<Name>.v<N>``. Models are frozen, ignore unknown fields (tolerant reader) and use
camelCase on the wire and at rest. Names and field names are a storage format: renaming one is a new version.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Value(BaseModel):
    """A frozen value with camelCase names outside: parts of messages, and the states of aggregates."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True)

    def to_item(self) -> dict[str, Any]:
        """Plain data under wire names; absent optional values are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        return cls.model_validate(item)


class Message(Value):
    """The data of a command or an event."""

    service: ClassVar[str] = ""
    """Empty for the few messages that every service has (``contracts.platform``)."""
    version: ClassVar[int] = 1

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        parts = cls.__module__.split(".")
        if parts[0] == "contracts" and parts[1] not in ("message", "platform"):
            cls.service = parts[1]

    @classmethod
    def kind(cls, service: str | None = None) -> str:
        return f"mindlinks.{service or cls.service}.{cls.__name__}.v{cls.version}"

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class CommandData(Message):
    """Asks a service for something; may be refused. ``key`` is its aggregate's id and the record's Kafka key."""

    key_field: ClassVar[str] = ""

    @property
    def key(self) -> str:
        value: str = getattr(self, self.key_field)
        return value


class EventData(Message):
    """Says what happened; past tense."""
