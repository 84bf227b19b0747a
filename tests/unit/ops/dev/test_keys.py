"""Keys of a development environment: new each time, or the same for one folder."""

import hashlib
import json
import stat
from pathlib import Path

from workers.ingress.clients import load_clients
from workers.ops.dev.keys import kept_keys, random_keys


def test_keys_are_made_up_anew() -> None:
    assert random_keys() != random_keys()


def test_kept_keys_stay_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    assert kept_keys(folder) == kept_keys(folder)
    assert stat.S_IMODE((folder / "keys.json").stat().st_mode) == 0o600


def test_the_ingress_takes_the_client_and_the_file_holds_no_secret(tmp_path: Path) -> None:
    keys, file = random_keys(), tmp_path / "clients.json"
    keys.write_client_keys(file)
    client = load_clients(file).authenticate(keys.bearer)
    client.require_kind("mindlinks.contract.SignContract.v1")
    client.require_actor("system:kyc")
    assert keys.client_secret not in file.read_text()
    assert json.loads(file.read_text())[0]["sha256"] == hashlib.sha256(keys.client_secret.encode()).hexdigest()
