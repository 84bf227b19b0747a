"""Writes ``contracts/generated``: the AsyncAPI document and one JSON Schema per kind. ``python -m contracts.generate [--check]``.

The same models always give the same bytes. ``--check`` writes nothing and ends with 1 when the folder is not what would be written.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts import asyncapi, json_schema
from contracts.catalogue import kinds
from contracts.json_schema import JsonObject
from contracts.platform import SHARED

HERE = Path(__file__).parent
GENERATED = HERE / "generated"
EXAMPLES = HERE / "examples"
PLATFORM = "platform"
"""Folder of the examples of kinds that every service has."""


def rendered() -> dict[str, bytes]:
    """File contents by path below ``contracts/generated``."""
    files = {"asyncapi.json": asyncapi.document(examples())}
    files |= {f"schemas/{kind}.json": json_schema.document(model, kind) for kind, model in kinds().items()}
    return {path: _to_bytes(content) for path, content in files.items()}


def examples() -> dict[str, JsonObject]:
    """By kind; kinds without one are left out. Those of shared kinds stand for the one service they name."""
    found = {}
    for path in sorted(EXAMPLES.glob("*/*.json")):
        example: JsonObject = json.loads(path.read_text(encoding="utf-8"))
        found[example["headers"]["ce_type"]] = example
    return found


def example_path(kind: str) -> Path:
    """Where the example of ``kind`` belongs."""
    _, service, name = kind.split(".", 2)
    shared = kinds()[kind] in SHARED
    return EXAMPLES / (PLATFORM if shared else service) / f"{name}.json"


def differences(wanted: Mapping[str, bytes], folder: Path) -> list[str]:
    """What is missing, out of date or left over in ``folder``; empty when it is as wanted."""
    there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    missing = [f"missing: {path}" for path in wanted.keys() - there.keys()]
    stale = [f"out of date: {path}" for path in wanted.keys() & there.keys() if wanted[path] != there[path]]
    return sorted(missing + stale + [f"left over: {path}" for path in there.keys() - wanted.keys()])


def write(wanted: Mapping[str, bytes], folder: Path) -> None:
    """Afterwards ``folder`` holds exactly what is wanted."""
    for path, content in wanted.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        if file.relative_to(folder).as_posix() not in wanted:
            file.unlink()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m contracts.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 when something is out of date")
    wanted = rendered()
    if not parser.parse_args(arguments).check:
        write(wanted, GENERATED)
        return 0
    found = differences(wanted, GENERATED)
    if found:
        print("The generated contracts are not those of the models. Run `python -m contracts.generate` and commit what it writes.")
        print("\n".join(found))
    return 1 if found else 0


def _to_bytes(content: JsonObject) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
