"""Who may send commands: client keys, stored as hashes, each with its kinds, its actors and its rate."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from contracts.message import Value
from contracts.types import Hash
from workers.ingress.problems import Problem

_ACTOR: Final = re.compile(
    r"(?:user|company|contractor|admin):[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|public|system:[a-z][a-z0-9._-]{0,63}"
)
_NOBODY: Final = "0" * 64


class Client(Value):
    """One client key. ``kinds`` and ``actors`` are patterns with ``*`` (``mindlinks.contract.*``, ``company:*``); a request without
    an actor acts as ``public``, which has to be allowed too."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    sha256: Hash
    kinds: tuple[str, ...]
    actors: tuple[str, ...] = ("public",)
    per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 600

    def require_kind(self, kind: str) -> None:
        if not any(fnmatchcase(kind, pattern) for pattern in self.kinds):
            raise Problem("kind_not_allowed", f"{kind} is not among the kinds of client {self.id}.", field="type")

    def require_actor(self, actor: str) -> None:
        if not _ACTOR.fullmatch(actor):
            raise Problem("invalid_actor", "The actor cannot be read.", field="Mindlinks-Actor")
        if not any(fnmatchcase(actor, pattern) for pattern in self.actors):
            raise Problem("actor_not_allowed", f"Client {self.id} may not act as this actor.", field="Mindlinks-Actor")


class InvalidClientKeys(ValueError):
    """The client keys file cannot be used; the message says where and why."""


class Clients:
    """Every client key of this process, read once at the start."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self._by_id: Mapping[str, Client] = {client.id: client for client in clients}

    def authenticate(self, authorization: str | None) -> Client:
        """Raises Problem ``unauthenticated``; takes as long for an unknown client as for a wrong secret."""
        scheme, _, credentials = (authorization or "").partition(" ")
        name, _, secret = credentials.strip().partition(".")
        client = self._by_id.get(name) if scheme.lower() == "bearer" else None
        given = hashlib.sha256(secret.encode()).hexdigest()
        if not hmac.compare_digest(given, client.sha256 if client else _NOBODY) or client is None:
            raise Problem("unauthenticated", "No client has this id and secret.")
        return client


def load_clients(path: Path) -> Clients:
    """``path``: a JSON array of ``{"id", "sha256", "kinds", "actors", "perMinute"}`` (or ``per_minute``). Raises InvalidClientKeys."""
    try:
        clients = TypeAdapter(tuple[Client, ...]).validate_python(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidClientKeys(
            f"The client keys file {path} cannot be read: {error.strerror}. Correct MINDLINKS_CLIENT_KEYS_FILE."
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidClientKeys(f"The client keys file {path} is wrong at {where or 'its top'}: {first['msg']}.") from error
    except ValueError as error:
        raise InvalidClientKeys(f"The client keys file {path} is not JSON.") from error
    if len({client.id for client in clients}) != len(clients):
        raise InvalidClientKeys(f"The client keys file {path} names a client twice.")
    return Clients(clients)
