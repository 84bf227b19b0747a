"""The secrets of one development environment: made up at its start, kept beside its data when those are kept."""

import hashlib
import json
import secrets
from pathlib import Path

from pydantic import Field

from contracts.message import Value

CLIENT = "demo"
COMMANDS_PER_MINUTE = 100_000
ACTORS = ("public", "user:*", "company:*", "contractor:*", "admin:*", "system:*")
LINK_KEY_ID = "k1"


class Keys(Value):
    """Two secrets per webhook endpoint, as while one is being rolled."""

    client_id: str
    client_secret: str = Field(repr=False)
    webhook_secrets: tuple[str, str] = Field(repr=False)
    connect_webhook_secrets: tuple[str, str] = Field(repr=False)
    blind_index_key: str = Field(repr=False)
    link_secret: str = Field(repr=False)
    refresh_key: str = Field(repr=False)
    master_key: str = Field(repr=False)

    def identity_secrets(self, provider: str) -> tuple[str, str]:
        """Of a provider of identity checks; they follow from the master key, so kept keys need hold no more."""
        seed = f"{self.master_key}\n{provider}"
        first, second = (hashlib.sha256(f"{seed}\n{number}".encode()).hexdigest() for number in (1, 2))
        return first, second

    @property
    def link_keys(self) -> str:
        return f"{LINK_KEY_ID}:{self.link_secret}"

    @property
    def bearer(self) -> str:
        return f"Bearer {self.client_id}.{self.client_secret}"

    def write_client_keys(self, file: Path) -> None:
        """The file that the ingress reads: one client that may do everything, its secret as a hash."""
        client = {
            "id": self.client_id,
            "sha256": hashlib.sha256(self.client_secret.encode()).hexdigest(),
            "kinds": ["mindlinks.*"],
            "actors": ACTORS,
            "perMinute": COMMANDS_PER_MINUTE,
        }
        _write_private(file, json.dumps([client], indent=2))


def random_keys() -> Keys:
    return Keys(
        client_id=CLIENT,
        client_secret=secrets.token_urlsafe(24),
        webhook_secrets=(_webhook_secret(), _webhook_secret()),
        connect_webhook_secrets=(_webhook_secret(), _webhook_secret()),
        blind_index_key=secrets.token_urlsafe(32),
        link_secret=secrets.token_urlsafe(32),
        refresh_key=secrets.token_urlsafe(48),
        master_key=secrets.token_urlsafe(48),
    )


def kept_keys(folder: Path) -> Keys:
    """The same at every start on this folder: what was sealed and hashed there can be read with no others."""
    file = folder / "keys.json"
    if file.exists():
        return Keys.model_validate_json(file.read_text(encoding="utf-8"))
    keys = random_keys()
    folder.mkdir(parents=True, exist_ok=True)
    _write_private(file, keys.model_dump_json(indent=2))
    return keys


def _webhook_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(24)}"


def _write_private(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
