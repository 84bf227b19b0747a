"""A marked field takes sealed texts alone, says what its clear value looks like, and never repeats what it refused."""

import json
import logging
from io import StringIO
from typing import Any

import orjson
import pytest
import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from contracts.catalogue import InvalidRecord, decode, kinds
from contracts.clear import Clear
from contracts.generate import examples
from contracts.json_schema import message_schema
from contracts.marks import marked_fields
from contracts.message import Value
from contracts.types import Address, BankNumber, Email, Legal, PasswordHash, Phone, Pii, Purpose, Sealed, Text40, Text200, Text2000

SUBJECT, LEGAL, READER = (f"s1.{purpose}.somebody.1.QUJD" for purpose in ("subject", "legal", "reader"))


class Inner(Value):
    phone: Pii[Phone]


class Everything(Value):
    email: Pii[Email]
    legal_name: Legal[Text200] | None = None
    account_number: Sealed[BankNumber] | None = None
    variables: dict[str, Legal[Text2000]] = {}
    inner: Inner | None = None
    address: Pii[Address] | None = None
    open_text: Text40 | None = None


FULL = Everything(email=SUBJECT, legal_name=LEGAL, account_number=READER, variables={"x": LEGAL}, inner=Inner(phone=SUBJECT))
CLEAR = {
    "email": "amina@nile-design.example",
    "legalName": "Nile Design",
    "accountNumber": "000123456789",
    "address": "+201001234567",
    "variables": {"x": "Nile Design"},
    "inner": {"phone": "+201001234567"},
}


def test_sealed_texts_pass_whatever_their_length() -> None:
    long = LEGAL + "A" * 5000
    assert Everything(email=SUBJECT, legal_name=long).legal_name == long
    assert Everything.model_validate(FULL.to_item()) == FULL


@pytest.mark.parametrize("field", CLEAR)
def test_a_clear_value_is_refused_and_not_repeated(field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Everything.model_validate({"email": SUBJECT} | {field: CLEAR[field]})
    said = str(refused.value) + repr(refused.value)
    assert not any(text in said for text in ("amina", "Nile", "0001234", "20100"))


@pytest.mark.parametrize(("field", "text"), [("email", LEGAL), ("legalName", SUBJECT), ("accountNumber", SUBJECT), ("email", READER)])
def test_a_text_sealed_for_something_else_is_refused(field: str, text: str) -> None:
    with pytest.raises(ValidationError):
        Everything.model_validate({"email": SUBJECT} | {field: text})


def test_the_shapes_stay_with_the_fields() -> None:
    marked = marked_fields(Everything)
    assert {name: field.purpose for name, field in marked.items()} == {
        "email": Purpose.SUBJECT,
        "legalName": Purpose.LEGAL,
        "accountNumber": Purpose.READER,
        "variables": Purpose.LEGAL,
        "inner.phone": Purpose.SUBJECT,
        "address": Purpose.SUBJECT,
    }
    assert marked["legalName"].shape.validate_python(" Nile Design ") == "Nile Design"
    assert marked["address"].shape.validate_python("+201001234567")
    for name, wrong in [("email", "amina"), ("legalName", "x" * 201), ("inner.phone", "0100"), ("address", "x"), ("variables", "x" * 2001)]:
        with pytest.raises(ValidationError):
            marked[name].shape.validate_python(wrong)


def test_schemas_show_both_sides() -> None:
    properties = message_schema(kinds()["mindlinks.client.RegisterCompany.v1"], "x")["properties"]
    assert properties["legalName"]["x-sealed"] == "subject"
    assert properties["legalName"]["x-clear"] == {"type": "string", "maxLength": 200}
    assert "maxLength" not in properties["legalName"]
    assert properties["taxId"]["anyOf"][0]["x-clear"] == {"type": "string", "maxLength": 40}


@pytest.mark.parametrize("kind", sorted(kind for kind, model in kinds().items() if marked_fields(model) and kind in examples()))
def test_no_kind_decodes_with_a_clear_value_in_a_marked_field(kind: str) -> None:
    example = examples()[kind]
    for path in marked_fields(kinds()[kind]):
        data = json.loads(json.dumps(example["data"]))
        _put(data, path, "Amina Farouk")
        headers = [(name, value.encode()) for name, value in example["headers"].items()]
        with pytest.raises(InvalidRecord) as refused:
            decode(example["key"].encode(), json.dumps(data).encode(), headers, 4_000_000_000_000)
        assert refused.value.code == "invalid_payload"
        assert "Amina" not in repr(refused.value)


def _put(data: dict[str, Any], path: str, text: str) -> None:
    *parents, field = path.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    data[field] = dict.fromkeys(data[field], text) if isinstance(data.get(field), dict) else text


def test_password_hashes_have_one_form() -> None:
    assert TypeAdapter(PasswordHash).validate_python("$2b$12$" + "a" * 53)
    with pytest.raises(ValidationError):
        TypeAdapter(PasswordHash).validate_python("correct horse")


def test_a_clear_value_put_into_a_message_by_force_does_not_come_out() -> None:
    forced = Everything.model_construct(email=Clear("Amina Farouk"))  # type: ignore[arg-type]  # what no checked code can do
    assert "Amina" not in repr(forced)
    for dump in (forced.to_item, forced.model_dump_json):
        with pytest.raises((TypeError, ValueError)) as raised:
            dump()
        assert "Amina" not in str(raised.value)
    with pytest.warns(UserWarning, match="Clear") as warned:
        assert "Amina" not in repr(forced.model_dump())
    assert "Amina" not in repr(warned.list)


def test_logs_and_errors_mask_a_clear_value() -> None:
    clear, written = Clear("Amina Farouk"), StringIO()
    log = structlog.wrap_logger(structlog.PrintLogger(written), processors=[structlog.processors.JSONRenderer()])
    log.error("refused", name=clear, several=[clear], nested={"name": clear})
    handler = logging.StreamHandler(written)
    old = logging.getLogger("tests.marks")
    old.addHandler(handler)
    old.error("refused %s %r", clear, {"name": clear})
    old.removeHandler(handler)
    assert written.getvalue().count("***") >= 3
    assert "Amina" not in written.getvalue() + str(ValueError(clear)) + repr(KeyError(clear))


def test_neither_orjson_nor_pydantic_reaches_into_a_clear_value() -> None:
    class Loose(BaseModel):
        anything: Any

    clear = Clear("Amina Farouk")
    for dump in (lambda: orjson.dumps([clear]), Loose(anything=clear).model_dump_json):
        with pytest.raises((TypeError, ValueError)) as raised:
            dump()
        assert "Amina" not in str(raised.value)
