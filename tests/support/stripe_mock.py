"""Stripe's own stand-in, stripe-mock: checks every parameter against Stripe's OpenAPI description and answers with its fixtures.

Built once by Go from its module, then kept beside the local stack's other servers. It is stateless, knows no idempotency, no faults and no
webhooks: those are our own fake's part. (github.com/stripe/stripe-mock)
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

VERSION: Final = "v0.203.0"
MODULE: Final = f"github.com/stripe/stripe-mock@{VERSION}"
KEPT: Final = Path(__file__).parents[2] / ".stack" / f"stripe-mock-{VERSION}"
BUILD_SECONDS: Final = 300.0
LISTENING: Final = re.compile(r"Listening for HTTP at address: (\S+)")


class NoStripeMock(Exception):
    """There is none on this machine, and none can be built here. Says why."""


@dataclass(frozen=True, slots=True)
class StripeMock:
    program: Path
    description: Path


def built() -> StripeMock:
    """Builds it the first time, which takes seconds to minutes; blocks. One process at a time builds. Raises NoStripeMock."""
    mock = StripeMock(KEPT / "stripe-mock", KEPT / "spec3.json")
    if KEPT.is_dir():
        return mock
    go = shutil.which("go")
    if go is None:
        raise NoStripeMock(f"{MODULE} is not built yet and no Go is on PATH to build it")
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with (KEPT.parent / "stripe-mock.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not KEPT.is_dir():
            _build(go)
    return mock


def _build(go: str) -> None:
    """Appears under its name whole, or not at all."""
    with tempfile.TemporaryDirectory(prefix="stripe-mock-", suffix=".partial", dir=KEPT.parent) as partial:
        folder = Path(partial) / KEPT.name
        folder.mkdir()
        _go([go, "install", MODULE], folder)
        module = Path(json.loads(_go([go, "mod", "download", "-json", MODULE], folder))["Dir"])
        shutil.copyfile(module / "embedded" / "openapi" / "spec3.json", folder / "spec3.json")
        folder.rename(KEPT)


def _go(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "GOBIN": str(folder)}
    try:
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoStripeMock(f"{' '.join(command)} did not end within {BUILD_SECONDS:g} s") from None
    if done.returncode:
        raise NoStripeMock(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _stricter(described: dict[str, Any]) -> dict[str, Any]:
    """The mock takes any field inside of a map, and no bank account given as one: Stripe marks that ``x-stripeBypassValidation``, taken by
    the API but described as a text. The same operation describes the map under another name; we are held against that."""
    operation = described["paths"]["/v1/accounts/{account}/external_accounts"]["post"]
    fields = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert fields["external_account"]["x-stripeBypassValidation"]
    fields["external_account"] = fields["bank_account"]
    for path in described["paths"].values():
        for each in path.values():
            _close(each.get("requestBody", {}))
    return described


def _close(schema: Any) -> None:
    """Maps of named fields have no others."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    if isinstance(schema, dict):
        if schema.get("type") == "object" and schema.get("properties"):
            schema.setdefault("additionalProperties", False)
        _close(list(schema.values()))


@contextmanager
def running() -> Iterator[str]:
    """Its address, on a port the system chose. Raises NoStripeMock."""
    mock = built()
    with tempfile.NamedTemporaryFile("w", prefix="stripe-openapi-", suffix=".json", encoding="utf-8") as description:
        json.dump(_stricter(json.loads(mock.description.read_text(encoding="utf-8"))), description)
        description.flush()
        command = [str(mock.program), "-http-addr", "127.0.0.1:", "-spec", description.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
            try:
                yield f"http://{_address(process)}"
            finally:
                process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        if found := LISTENING.search(line):
            return found[1]
        said.append(line)
    raise NoStripeMock(f"it ended before it listened: {''.join(said)[-500:]}")
