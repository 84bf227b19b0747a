"""Sealed values are opened by those alone who declared it: effects in their service's declaration, the ingress below."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from contracts.clear import Clear, Redacted
from contracts.sealed import VALUE, FieldClass, Reader, SealedText, audience
from contracts.types import Purpose
from workers.adapters.sealing import Sealer
from workers.engine.service import Effect, Service


class UndeclaredError(Exception):
    """A sealed text was to be opened, or a value sealed, by somebody who never declared that: a bug, and the text stays closed.
    What an effect opens and seals stands in its declaration (``opens``, ``seals``)."""

    def __init__(self, who: str, wanted: str) -> None:
        super().__init__(f"{' '.join((self.__doc__ or '').split())} ({who}: {wanted})")


@dataclass(frozen=True, slots=True)
class KeyRights:
    """Audiences (``contracts.sealed.audience``) whose texts may be opened, and for whom values may be sealed."""

    opens: frozenset[str] = frozenset()
    seals: frozenset[str] = frozenset()

    @classmethod
    def of(cls, effects: Iterable[Effect[Any]]) -> Self:
        """What several effects declare together."""
        declared = tuple(effects)
        return cls(
            frozenset(each for effect in declared for each in effect.opens), frozenset(each for effect in declared for each in effect.seals)
        )

    def __or__(self, other: "KeyRights") -> "KeyRights":
        return KeyRights(self.opens | other.opens, self.seals | other.seals)


INGRESS: Final = KeyRights(seals=frozenset({"subject", "legal", *(audience(Purpose.READER, reader) for reader in Reader)}))
"""Seals whatever comes in, opens nothing. Its sign-in has rights of its own."""
SIGN_IN: Final = KeyRights(
    opens=frozenset({audience(Purpose.READER, Reader.SIGN_IN)}), seals=frozenset({audience(Purpose.READER, Reader.SIGN_IN)})
)
"""Of the ingress too, but of its sign-in alone: opens the hash that a password is checked against."""
QUARANTINE: Final = KeyRights(seals=frozenset({audience(Purpose.READER, Reader.OPS)}))
"""Of every role: a record that can't be applied is put aside sealed for operations."""
OPERATIONS: Final = KeyRights(opens=frozenset({audience(Purpose.READER, Reader.OPS)}))
"""Of people who look into a failure."""


class Opener:
    """A sealer that does what was declared and raises UndeclaredError for anything else."""

    def __init__(self, sealer: Sealer, rights: KeyRights, who: str) -> None:
        self._sealer, self._rights, self._who = sealer, rights, who

    async def seal(self, purpose: Purpose, subject: str, field_class: FieldClass, text: str) -> str:
        """As ``Sealer.seal``."""
        self._require(audience(purpose, subject), self._rights.seals, "seal for")
        return await self._sealer.seal(purpose, subject, field_class, text)

    async def seal_bytes(self, purpose: Purpose, subject: str, field_class: FieldClass, raw: bytes) -> str:
        """As ``Sealer.seal_bytes``."""
        self._require(audience(purpose, subject), self._rights.seals, "seal for")
        return await self._sealer.seal_bytes(purpose, subject, field_class, raw)

    async def open(self, sealed: str, field_class: FieldClass) -> Clear | Redacted:
        """As ``Sealer.open``."""
        parsed = SealedText.parse(sealed)
        self._require(parsed.audience, self._rights.opens, "open texts for")
        return await self._sealer.open_parsed(parsed, field_class)

    def _require(self, wanted: str, declared: frozenset[str], doing: str) -> None:
        if wanted not in declared:
            raise UndeclaredError(self._who, f"{doing} {wanted}")


class ValueReader:
    """Reads a person's values (purposes subject and legal)."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    async def open(self, sealed: str) -> Clear | Redacted:
        """Redacted once the key is destroyed. Raises KeysUnavailable, and ForgedSealError for what nobody sealed."""
        return await self._opener.open(sealed, VALUE)


def rights_by_provider(services: Iterable[Service]) -> Mapping[str, KeyRights]:
    """What the effects of each provider declare together: the rights of the port they share."""
    effects = [effect for service in services for effect in service.effects]
    return {name: KeyRights.of(each for each in effects if each.provider == name) for name in {each.provider for each in effects}}
