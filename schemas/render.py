"""What is made from the declarations: CreateTable requests, the tables for Terraform, IAM statements, the page for people.

`python -m schemas.render` writes the two kept files, `--check` fails when they are stale.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from schemas.documentation import documentation
from schemas.registry import TABLES
from schemas.rights import iam_statements, index_actions, operator_actions, table_actions
from schemas.table import Attribute, Index, Key, KeysOnly, Table

__all__ = ["create_table_request", "documentation", "iam_statements", "rendered", "terraform_variables"]

# A table that holds real people's money is not dropped by a slip of the hand.
PROTECTED_ENVIRONMENTS: Final = frozenset({"prod"})
STREAM_VIEW: Final = "NEW_AND_OLD_IMAGES"

_TERRAFORM_FILE: Final = Path("deploy/generated/tables.json")
_DOCUMENTATION_FILE: Final = Path("docs/tables.md")


def create_table_request(table: Table, environment: str) -> dict[str, object]:
    """The arguments of CreateTable. TTL and point-in-time recovery can't be given there: they follow once it is active."""
    request: dict[str, object] = {
        "TableName": table.name_in(environment),
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(table.key),
        "AttributeDefinitions": attribute_definitions(table.key_attributes),
        "SSESpecification": {"Enabled": True, "SSEType": "KMS"},
        "DeletionProtectionEnabled": environment in PROTECTED_ENVIRONMENTS,
        "Tags": _tags(table, environment),
    }
    if table.indexes:
        request["GlobalSecondaryIndexes"] = [index_request(index) for index in table.indexes]
    if table.stream:
        request["StreamSpecification"] = stream_specification()
    return request


def index_request(index: Index) -> dict[str, object]:
    """One entry of GlobalSecondaryIndexes, also the body of its later creation."""
    return {"IndexName": index.name, "KeySchema": _key_schema(index.key), "Projection": _projection(index)}


def attribute_definitions(attributes: Iterable[Attribute]) -> list[dict[str, str]]:
    return [{"AttributeName": attribute.name, "AttributeType": attribute.type.value} for attribute in attributes]


def stream_specification() -> dict[str, object]:
    return {"StreamEnabled": True, "StreamViewType": STREAM_VIEW}


def terraform_variables(tables: Iterable[Table]) -> dict[str, object]:
    """What `jsondecode(file(...))` hands to `for_each`: environment-free, every field present, absent ones null."""
    return {"tables": {table.name: _terraform_table(table) for table in tables}}


def rendered(tables: Iterable[Table]) -> Mapping[Path, str]:
    """The kept files, by path from the repository's root."""
    declared = tuple(tables)
    variables = json.dumps(terraform_variables(declared), indent=2, ensure_ascii=False)
    return {_TERRAFORM_FILE: variables + "\n", _DOCUMENTATION_FILE: documentation(declared)}


def stale_files(root: Path) -> list[Path]:
    """Kept files that are missing or not what the declarations say."""
    files = rendered(TABLES.values())
    return [path for path, content in files.items() if _read(root / path) != content]


def write_files(root: Path) -> list[Path]:
    """Writes the kept files that are stale and returns them."""
    stale = stale_files(root)
    for path in stale:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(rendered(TABLES.values())[path], encoding="utf-8")
    return stale


def _key_schema(key: Key) -> list[dict[str, str]]:
    schema = [{"AttributeName": key.hash.name, "KeyType": "HASH"}]
    if key.range is not None:
        schema.append({"AttributeName": key.range.name, "KeyType": "RANGE"})
    return schema


def _projection(index: Index) -> dict[str, object]:
    if isinstance(index.projection, KeysOnly):
        return {"ProjectionType": "KEYS_ONLY"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(index.included)}


def _tags(table: Table, environment: str) -> list[dict[str, str]]:
    tags = {
        "Service": table.owner.value,
        "Environment": environment,
        "Sensitivity": table.sensitivity.value,
        "ManagedBy": "mindlinks",
    }
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _terraform_table(table: Table) -> dict[str, object]:
    return {
        "owner": table.owner.value,
        "purpose": table.purpose,
        "sensitivity": table.sensitivity.value,
        **_terraform_key(table.key),
        "attributes": [{"name": attribute.name, "type": attribute.type.value} for attribute in table.key_attributes],
        "global_secondary_indexes": [_terraform_index(index) for index in table.indexes],
        "ttl_attribute": table.ttl,
        "stream_view_type": STREAM_VIEW if table.stream else None,
        "point_in_time_recovery": table.point_in_time_recovery,
        "table_actions": list(table_actions(table)),
        "index_actions": list(index_actions(table)),
        "operator_actions": list(operator_actions(table)),
    }


def _terraform_index(index: Index) -> dict[str, object]:
    include = not isinstance(index.projection, KeysOnly)
    return {
        "name": index.name,
        **_terraform_key(index.key),
        "projection_type": "INCLUDE" if include else "KEYS_ONLY",
        "non_key_attributes": list(index.included) if include else None,
    }


def _terraform_key(key: Key) -> dict[str, object]:
    return {"hash_key": key.hash.name, "range_key": None if key.range is None else key.range.name}


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 when the files are (now) fresh, 1 when `--check` found stale ones."""
    parser = argparse.ArgumentParser(prog="python -m schemas.render", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a kept file is stale")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's root (default: here)")
    options = parser.parse_args(arguments)
    if not options.check:
        for path in write_files(options.root):
            print(f"written: {path}")
        return 0
    stale = stale_files(options.root)
    for path in stale:
        print(f"{path} does not match schemas/; run `python -m schemas.render` and commit it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
