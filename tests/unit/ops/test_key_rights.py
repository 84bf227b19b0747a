"""The generated rights are what the declarations say, and no more than KMS needs to hold them."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.key_rights import opening_statements
from workers.engine.runtime import roles_of
from workers.main import SERVICES
from workers.ops.key_rights import rights_document

ROOT = Path(__file__).parents[3]


def roles() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rights_document(SERVICES))["roles"]
    return found


def test_the_kept_file_is_what_the_declarations_say() -> None:
    assert (ROOT / "deploy/generated/key-rights.json").read_text(encoding="utf-8") == rights_document(SERVICES), "run make generate"


def test_only_who_declares_it_may_decrypt() -> None:
    assert {name: role["opens"] for name, role in roles().items() if role["opens"]} == {
        "client-effects": ["subject"],
        "contract-effects": ["legal"],
        "ingress": ["reader:sign-in"],
        "kyc-effects": ["subject"],
        "notification-effects": ["legal", "subject"],
        "payment-effects": ["reader:sync-bank"],
        "mindlinks-failures": ["reader:ops"],
    }


def test_every_role_may_put_a_record_aside_sealed() -> None:
    for service in SERVICES:
        for role in roles_of(service):
            assert "reader:ops" in roles()[f"{service.name}-{role}"]["seals"]
    assert roles()["notification-effects"]["seals"] == ["reader:ops", "subject"]
    assert roles()["payment-commands"]["seals"] == ["reader:ops"]


@pytest.mark.parametrize("role", ["auth-effects", "lead-effects"])
def test_who_destroys_keys_needs_no_right_at_kms_for_it(role: str) -> None:
    [destroying] = [statement for statement in roles()[role]["statements"] if statement["Sid"] == "DestroyKeys"]
    assert "kms:" not in json.dumps(destroying)
    assert "dynamodb:PartiQLUpdate" in destroying["Action"]


@pytest.mark.parametrize(
    ("opens", "seals", "allowed"),
    [
        (["legal"], [], [("kms:Decrypt", {"purpose": ["legal"]})]),
        (["reader:sync-bank"], [], [("kms:Decrypt", {"purpose": ["reader"], "subject": ["sync-bank"]})]),
        (
            ["legal", "subject"],
            ["subject"],
            [
                ("kms:Decrypt", {"purpose": ["legal"]}),
                ("kms:Decrypt", {"purpose": ["subject"]}),
                ("kms:GenerateDataKey", {"purpose": ["subject"]}),
            ],
        ),
        ([], [], []),
    ],
)
def test_rights_go_by_encryption_context(opens: list[str], seals: list[str], allowed: list[tuple[str, dict[str, list[str]]]]) -> None:
    found = []
    for statement in opening_statements(opens, seals):
        condition: Any = statement.get("Condition", {"StringEquals": {}})
        context = {name.removeprefix("kms:EncryptionContext:"): value for name, value in condition["StringEquals"].items()}
        actions: Any = statement["Action"]
        found += [(action, context) for action in actions if action.startswith("kms:")]
    assert found == allowed


def test_who_seals_nothing_writes_no_key() -> None:
    assert "Insert" not in json.dumps(opening_statements(["legal"], []))
    assert "Insert" in json.dumps(opening_statements([], ["legal"]))
