"""The generated contracts: valid AsyncAPI 3.0.0, complete, fresh, and true to the examples."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import best_match

from contracts import asyncapi, generate
from contracts.catalogue import kinds
from contracts.message import CommandData
from contracts.topics import TOPICS

ASYNCAPI_SCHEMA = Path(__file__).parents[1] / "support" / "asyncapi" / "3.0.0.json"


@cache
def rendered() -> dict[str, bytes]:
    return generate.rendered()


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rendered()["asyncapi.json"])
    return found


@cache
def examples() -> dict[str, dict[str, Any]]:
    return generate.examples()


def validator(part: dict[str, Any]) -> Draft202012Validator:
    """References of ``part`` lie in the AsyncAPI document's components."""
    return Draft202012Validator({"allOf": [part], "components": {"schemas": document()["components"]["schemas"]}})


def resolves(reference: str) -> bool:
    part: Any = document()
    for step in reference.removeprefix("#/").split("/"):
        part = part.get(step) if isinstance(part, dict) else None
    return part is not None


def test_the_document_is_valid_asyncapi() -> None:
    error = best_match(Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text())).iter_errors(document()))
    assert error is None, f"{error.json_path}: {error.message[:500]}"


def test_a_broken_document_is_not() -> None:
    broken = document() | {"channels": {"mindlinks.contract.commands": {"address": 7}}}
    assert not Draft7Validator(json.loads(ASYNCAPI_SCHEMA.read_text())).is_valid(broken)


def test_every_reference_leads_somewhere() -> None:
    references = set(asyncapi.all_references(document()))
    assert len(references) > len(kinds())
    assert [reference for reference in sorted(references) if not resolves(reference)] == []


def test_every_topic_is_a_channel_and_every_kind_a_message_on_it() -> None:
    assert document()["channels"].keys() == TOPICS.keys()
    placed = [kind for channel in document()["channels"].values() for kind in channel["messages"]]
    assert sorted(placed) == sorted(kinds())
    for kind, model in kinds().items():
        topic = f"mindlinks.{kind.split('.')[1]}.{'commands' if issubclass(model, CommandData) else 'events'}"
        assert kind in document()["channels"][topic]["messages"]


def test_operations_name_every_message_once_for_senders_and_once_for_receivers() -> None:
    for action in ("send", "receive"):
        operations = [operation for operation in document()["operations"].values() if operation["action"] == action]
        named = [message["$ref"].rpartition("/")[2] for operation in operations for message in operation["messages"]]
        assert sorted(named) == sorted(kinds())


def test_sealed_fields_say_so() -> None:
    company = document()["components"]["messages"]["mindlinks.client.RegisterCompany.v1"]["payload"]["properties"]
    assert company["legalName"]["x-sealed"] == "subject"
    assert company["nameLegal"]["x-sealed"] == "legal"
    user = document()["components"]["messages"]["mindlinks.auth.RegisterUser.v1"]["payload"]["properties"]
    assert user["passwordHash"]["x-sealed"] == "reader"


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind in examples()])
def test_examples_fit_the_schemas_we_hand_out(kind: str) -> None:
    message, example = document()["components"]["messages"][kind], examples()[kind]
    validator(message["payload"]).validate(example["data"])
    validator(message["headers"]).validate(example["headers"])
    validator(message["bindings"]["kafka"]["key"]).validate(example["key"])
    alone = json.loads(rendered()[f"schemas/{kind}.json"])
    Draft202012Validator.check_schema(alone)
    Draft202012Validator(alone).validate(example["data"])


def test_the_same_models_give_the_same_bytes() -> None:
    assert generate.rendered() == rendered()


def test_the_repository_holds_what_the_models_say() -> None:
    assert generate.differences(rendered(), generate.GENERATED) == []


def test_the_check_tells_what_is_missing_stale_and_left_over(tmp_path: Path) -> None:
    wanted = {"asyncapi.json": b"new", "schemas/a.json": b"{}"}
    (tmp_path / "asyncapi.json").write_bytes(b"old")
    (tmp_path / "old.json").write_bytes(b"{}")
    assert generate.differences(wanted, tmp_path) == ["left over: old.json", "missing: schemas/a.json", "out of date: asyncapi.json"]
    generate.write(wanted, tmp_path)
    assert generate.differences(wanted, tmp_path) == []


def test_the_command_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(generate, "GENERATED", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "python -m contracts.generate" in capsys.readouterr().out
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr().out == ""
