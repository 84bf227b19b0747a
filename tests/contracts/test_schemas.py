"""What every declaration of a table keeps to, and what is made from it."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.model import ServiceModel
from botocore.session import get_session
from botocore.validate import ParamValidator

from schemas import platform, registry
from schemas.render import create_table_request, documentation, iam_statements, main, stale_files, terraform_variables
from schemas.rights import operator_statements
from schemas.table import (
    KEYS_ONLY,
    Attribute,
    AttributeType,
    Index,
    InvalidDeclaration,
    Key,
    Owner,
    Sensitivity,
    Table,
    number,
    text,
)

ROOT = Path(__file__).resolve().parents[2]
ALL = tuple(registry.TABLES.values())
SERVICE_TABLES = tuple(table for table in ALL if table.owner is not Owner.PLATFORM)

# Tables and indexes as the requirements name them.
REQUIRED = {
    "auth-users": {"email-index"},
    "auth-sessions": set(),
    "user-profiles": set(),
    "user-preferences": set(),
    "client-companies": {"userId-index"},
    "client-invitations": {"token-index", "clientId-index"},
    "contractor-profiles": {"userId-index"},
    "contractor-bank-details": {"contractorId-index"},
    "kyc-sessions": {"contractorId-index", "status-index"},
    "kyc-documents": {"contractorId-index"},
    "contract-contracts": {"clientId-index", "contractorId-index", "status-index"},
    "contract-templates": {"type-index"},
    "payment-transactions": {"contractId-index", "contractorId-index", "status-index"},
    "payment-escrow": set(),
    "notification-notifications": {"userId-index", "read-index"},
    "notification-templates": {"type-index"},
    "website-blog-posts": {"slug-index", "status-index", "category-index"},
    "website-pages": {"slug-index", "status-index"},
    "website-media": {"type-index", "uploadedAt-index"},
    "website-contacts": {"email-index", "status-index", "createdAt-index"},
    "website-demo-requests": {"email-index", "status-index", "preferredDate-index"},
    "website-newsletter-subscriptions": {"email-index", "status-index"},
    "website-events": {"sessionId-index", "type-index", "timestamp-index"},
    "website-sessions": {"userId-index", "startTime-index"},
    "website-metrics": {"date-index", "metric-index"},
}
ADDED = {
    ("auth-sessions", "userId-index"),
    ("client-companies", "reviewState-index"),
    ("kyc-sessions", "veriffSessionId-index"),
    ("payment-transactions", "clientId-index"),
    ("payment-transactions", "stripePaymentId-index"),
}
WITH_TTL = {
    "auth-sessions",
    "client-invitations",
    "notification-notifications",
    "website-contacts",
    "website-demo-requests",
    "website-newsletter-subscriptions",
    "website-events",
    "website-sessions",
    "platform-receipts",
    "platform-timers",
}
SPARSE = {
    ("client-companies", "reviewState-index"),
    ("payment-transactions", "status-index"),
    ("notification-notifications", "read-index"),
    ("website-blog-posts", "slug-index"),
    ("website-blog-posts", "category-index"),
    ("website-pages", "slug-index"),
    ("website-events", "type-index"),
    ("website-sessions", "userId-index"),
    ("platform-parked", "due-index"),
    ("platform-effects", "open-index"),
    ("platform-effects", "service-index"),
    ("platform-timers", "due-index"),
}
PLATFORM_KEYS = {
    "platform-receipts": ("commandId",),
    "platform-parked": ("groupKey", "position"),
    "platform-failures": ("id",),
    "platform-effects": ("effectId",),
    "platform-timers": ("timerId",),
    "platform-audit": ("day", "entry"),
    "platform-subject-keys": ("subjectPurpose", "generation"),
}

every_table = pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)


def indexes(tables: tuple[Table, ...]) -> set[tuple[str, str]]:
    return {(table.name, index.name) for table in tables for index in table.indexes}


def test_counts() -> None:
    assert len(SERVICE_TABLES) == 25
    assert sum(len(table.indexes) for table in SERVICE_TABLES) == 46
    assert len(ALL) == 32


def test_the_requirements_names_are_all_there_and_only_the_named_ones_are_new() -> None:
    required = {(table, index) for table, names in REQUIRED.items() for index in names}
    assert {table.name for table in SERVICE_TABLES} == set(REQUIRED)
    assert len(required) == 41
    assert indexes(SERVICE_TABLES) == required | ADDED


def test_primary_keys_of_services_are_named_as_the_requirements_have_them() -> None:
    others = {"user-profiles": "userId", "user-preferences": "userId", "payment-escrow": "contractId"}
    for table in SERVICE_TABLES:
        assert table.key == Key(text(others.get(table.name, "id"))), table.name


def test_platform_keys() -> None:
    keys = {table.name: tuple(attribute.name for attribute in table.key.attributes) for table in platform.TABLES}
    assert keys == PLATFORM_KEYS
    assert platform.SUBJECT_KEYS.key.range == number("generation")


def test_ttl_and_sparse_indexes() -> None:
    assert {table.name for table in ALL if table.ttl} == WITH_TTL
    assert {table.ttl for table in ALL} == {None, "expiresAt"}
    assert {(table.name, index.name) for table in ALL for index in table.indexes if index.sparse} == SPARSE


def test_every_owner_has_tables_and_names_tell_the_owner() -> None:
    website = {Owner.CONTENT, Owner.LEAD, Owner.ANALYTICS}
    for owner in Owner:
        owned = registry.tables_of(owner)
        assert owned, owner
        prefix = "website-" if owner in website else f"{owner.value}-"
        assert all(table.name.startswith(prefix) for table in owned), owner
    assert sum(len(registry.tables_of(owner)) for owner in Owner) == len(ALL)


def test_registry_finds_by_name_and_refuses_a_second_table_of_one_name() -> None:
    assert registry.table("payment-escrow").owner is Owner.PAYMENT
    with pytest.raises(KeyError, match="payment-nothing"):
        registry.table("payment-nothing")
    with pytest.raises(InvalidDeclaration, match="auth-users is declared twice"):
        registry.by_name((ALL[0], ALL[0]))


@every_table
def test_no_index_shows_bookkeeping_secrets_or_everything(table: Table) -> None:
    secrets = {"passwordHash", "refreshToken", "prevRefreshToken", "accountNumber", "routingNumber", "sessionUrl", "message"}
    for index in table.indexes:
        assert index.projection is KEYS_ONLY or index.included
        assert not [name for name in index.included if name.startswith("_") or name in secrets]


@every_table
def test_create_table_request_is_what_the_client_library_accepts(table: Table) -> None:
    request = create_table_request(table, "dev")
    shape = ServiceModel(get_session().get_service_data("dynamodb")).operation_model("CreateTable").input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""


@every_table
def test_create_table_request_defines_exactly_the_key_attributes(table: Table) -> None:
    request = cast("dict[str, Any]", create_table_request(table, "dev"))
    keyed = [request, *request.get("GlobalSecondaryIndexes", [])]
    used = {element["AttributeName"] for entry in keyed for element in entry["KeySchema"]}
    defined = [definition["AttributeName"] for definition in request["AttributeDefinitions"]]
    assert sorted(defined) == sorted(used)
    assert request["TableName"] == f"dev-{table.name}"
    assert request["BillingMode"] == "PAY_PER_REQUEST"
    assert "StreamSpecification" not in request


def test_create_table_request_in_whole() -> None:
    request = create_table_request(registry.table("client-invitations"), "prod")
    assert request == {
        "TableName": "prod-client-invitations",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "token", "AttributeType": "S"},
            {"AttributeName": "clientId", "AttributeType": "S"},
            {"AttributeName": "createdAt", "AttributeType": "S"},
        ],
        "SSESpecification": {"Enabled": True, "SSEType": "KMS"},
        "DeletionProtectionEnabled": True,
        "Tags": [
            {"Key": "Service", "Value": "client"},
            {"Key": "Environment", "Value": "prod"},
            {"Key": "Sensitivity", "Value": "personal"},
            {"Key": "ManagedBy", "Value": "mindlinks"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "token-index",
                "KeySchema": [{"AttributeName": "token", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": "clientId-index",
                "KeySchema": [
                    {"AttributeName": "clientId", "KeyType": "HASH"},
                    {"AttributeName": "createdAt", "KeyType": "RANGE"},
                ],
                "Projection": {
                    "ProjectionType": "INCLUDE",
                    "NonKeyAttributes": ["contractorEmail", "status", "validUntil", "expiresAt"],
                },
            },
        ],
    }


def test_a_stream_is_asked_for_where_it_is_declared() -> None:
    request = create_table_request(dataclasses.replace(registry.table("contract-contracts"), stream=True), "dev")
    assert request["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_only_prod_is_protected_from_deletion() -> None:
    table = registry.table("auth-users")
    protected = {name: create_table_request(table, name)["DeletionProtectionEnabled"] for name in ("dev", "staging", "prod")}
    assert protected == {"dev": False, "staging": False, "prod": True}


@pytest.mark.parametrize("environment", ["", "Dev", "-dev", "dev_1", "d" * 42])
def test_an_environment_that_makes_no_table_name_is_refused(environment: str) -> None:
    with pytest.raises(InvalidDeclaration, match="can't start a table name"):
        registry.table("auth-users").name_in(environment)


@every_table
def test_rights_are_exact(table: Table) -> None:
    statements = cast("tuple[dict[str, Any], ...]", iam_statements(table, "dev", region="eu-west-1", account="123456789012"))
    arn = f"arn:aws:dynamodb:eu-west-1:123456789012:table/dev-{table.name}"
    actions = [action for statement in statements for action in statement["Action"]]
    assert not [action for action in actions if "*" in action or action.endswith(("Scan", "BatchWriteItem", "TransactWriteItems"))]
    assert statements[0]["Resource"] == [arn]
    assert ("dynamodb:Query" in statements[0]["Action"]) == (table.key.range is not None)
    if table.indexes:
        assert statements[1]["Action"] == ["dynamodb:Query"]
        assert statements[1]["Resource"] == [f"{arn}/index/{index.name}" for index in table.indexes]
    assert len(statements) == (2 if table.indexes else 1)


def test_operators_scan_only_where_a_reason_is_declared_and_write_nothing() -> None:
    found = {table.name: cast("tuple[dict[str, Any], ...]", operator_statements(table, "dev", account="1")) for table in ALL}
    scanning = {name: [action for each in statements for action in each["Action"]] for name, statements in found.items() if statements}
    assert {"payment-escrow", "payment-transactions"} <= set(scanning)
    assert all("dynamodb:Scan" in actions for actions in scanning.values())
    assert {action for actions in scanning.values() for action in actions} <= {
        f"dynamodb:{action}" for action in ("GetItem", "BatchGetItem", "Query", "Scan")
    }
    arn = "arn:aws:dynamodb:*:1:table/dev-payment-transactions"
    assert [each["Resource"][0] for each in found["payment-transactions"]] == [arn, f"{arn}/index/contractId-index"]


def test_rows_are_deleted_only_where_a_reason_is_declared() -> None:
    def may_delete(table: Table) -> bool:
        statements = cast("tuple[dict[str, Any], ...]", iam_statements(table, "dev"))
        deletes = {"dynamodb:DeleteItem", "dynamodb:PartiQLDelete"} & set(statements[0]["Action"])
        assert len(deletes) in {0, 2}
        return bool(deletes)

    assert {table.name for table in ALL if may_delete(table)} == {"auth-users", "website-events", "platform-parked"}


def test_terraform_variables_are_plain_json_and_define_exactly_the_keys() -> None:
    variables = json.loads(json.dumps(terraform_variables(ALL)))
    assert list(variables["tables"]) == list(registry.TABLES)
    for name, table in variables["tables"].items():
        used = {key for keyed in (table, *table["global_secondary_indexes"]) for key in (keyed["hash_key"], keyed["range_key"])}
        assert {attribute["name"] for attribute in table["attributes"]} == used - {None}, name
    # for_each over a map of objects needs every object to have the same fields
    assert len({tuple(sorted(table)) for table in variables["tables"].values()}) == 1


def test_documentation_names_every_table_and_index() -> None:
    page = documentation(ALL)
    for table in ALL:
        section = page.split(f"### {table.name}\n")[1].split("\n##")[0]
        assert table.purpose in section
        assert all(f"| `{index.name}` | `{index.hash.name}` |" in section for index in table.indexes)


def test_kept_files_are_fresh() -> None:
    assert stale_files(ROOT) == [], "run `python -m schemas.render`"


def test_check_fails_until_the_files_are_written_and_when_one_is_edited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = ["--check", "--root", str(tmp_path)]
    assert main(check) == 1
    assert main(["--root", str(tmp_path)]) == 0
    assert main(check) == 0
    page = tmp_path / "docs" / "tables.md"
    page.write_text(page.read_text(encoding="utf-8") + "edited\n", encoding="utf-8")
    assert main(check) == 1
    assert "tables.md does not match schemas/" in capsys.readouterr().err


def declared(**changes: Any) -> Table:
    plain = Table("auth-things", Owner.AUTH, "Things.", Sensitivity.INTERNAL, Key(text("id")))
    return dataclasses.replace(plain, **changes)


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "bookkeeping in a projection": (lambda: Index("a-index", text("a"), projection=("_version",)), "'_version' can't be declared"),
    "bookkeeping as index key": (lambda: Index("a-index", text("_seen")), "'_seen' can't be declared"),
    "bookkeeping as TTL": (lambda: declared(ttl="_expires"), "'_expires' can't be declared"),
    "empty projection": (lambda: Index("a-index", text("a"), projection=()), "say KEYS_ONLY"),
    "attribute projected twice": (lambda: Index("a-index", text("a"), projection=("b", "b")), "includes an attribute twice"),
    "index name": (lambda: Index("by-user", text("a")), "is not like"),
    "table name": (lambda: declared(name="Things"), "is not like"),
    "no purpose": (lambda: declared(purpose=""), "no purpose"),
    "two indexes of one name": (lambda: declared(indexes=(Index("a-index", text("a")),) * 2), "two indexes of one name"),
    "too many indexes": (
        lambda: declared(indexes=tuple(Index(f"a{n}-index", text("a")) for n in range(21))),
        "more than 20 indexes",
    ),
    "too wide": (
        lambda: declared(indexes=(Index("a-index", text("a"), projection=tuple(f"x{n}" for n in range(101))),)),
        "more than 100 attributes",
    ),
    "two types of one attribute": (
        lambda: declared(indexes=(Index("a-index", Attribute("id", AttributeType.BINARY)),)),
        "with two types",
    ),
    "key in a projection": (lambda: declared(indexes=(Index("a-index", text("a"), projection=("id",)),)), "always projected"),
    "TTL as key": (lambda: declared(ttl="a", indexes=(Index("a-index", number("a")),)), "TTL attribute as a key"),
    "list that can't be filtered by TTL": (
        lambda: declared(ttl="expiresAt", indexes=(Index("a-index", text("a"), projection=("b",)),)),
        "must include expiresAt",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_declaration_is_refused(wrong: str) -> None:
    declare, message = WRONG[wrong]
    with pytest.raises(InvalidDeclaration, match=message):
        declare()
