"""What the owner of a table may do to it, and an operator's tool that reads the whole of it. Item actions are named one by one; no worker
may scan."""

from collections.abc import Mapping
from typing import Final

from schemas.table import Owner, Table

# A transaction needs the actions inside it; TransactWriteItems is no IAM action of its own.
_ITEM_ACTIONS: Final = (
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
# BatchExecuteStatement is authorised by what its statements do, apart from the item actions.
_PARTIQL_ACTIONS: Final = ("dynamodb:PartiQLSelect", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate")
_DELETE_ACTIONS: Final = ("dynamodb:DeleteItem", "dynamodb:PartiQLDelete")
_QUERY_ACTIONS: Final = ("dynamodb:Query",)
_SCAN_ACTIONS: Final = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Scan")


def table_actions(table: Table) -> tuple[str, ...]:
    """Actions on the table itself. Query only where rows form a list, delete only where the declaration gives a reason."""
    queries = _QUERY_ACTIONS if table.key.range is not None else ()
    deletes = _DELETE_ACTIONS if table.deletes else ()
    return (*_ITEM_ACTIONS, *queries, *_PARTIQL_ACTIONS, *deletes)


def index_actions(table: Table) -> tuple[str, ...]:
    """Actions on the table's indexes, each named in the statement's resources."""
    return _QUERY_ACTIONS if table.indexes else ()


def operator_actions(table: Table) -> tuple[str, ...]:
    """Of tools that read the whole table and write nothing: any service's is held against its log (`mindlinks rebuild`)."""
    return _SCAN_ACTIONS if table.scans or table.owner is not Owner.PLATFORM else ()


def operator_statements(table: Table, environment: str, *, region: str = "*", account: str = "*") -> tuple[Mapping[str, object], ...]:
    """The operators' IAM statements: none where nobody reads the whole table."""
    name = table.name_in(environment)
    arn = f"arn:aws:dynamodb:{region}:{account}:table/{name}"
    actions = operator_actions(table)
    if not actions:
        return ()
    whole = _statement(name, "Whole", actions, (arn,))
    indexes = tuple(f"{arn}/index/{index.name}" for index in table.indexes)
    return (whole, _statement(name, "WholeIndexes", _QUERY_ACTIONS, indexes)) if indexes else (whole,)


def iam_statements(table: Table, environment: str, *, region: str = "*", account: str = "*") -> tuple[Mapping[str, object], ...]:
    """The owner's IAM statements: one for the table, one for its indexes if it has any, since their actions differ."""
    name = table.name_in(environment)
    arn = f"arn:aws:dynamodb:{region}:{account}:table/{name}"
    statements = [_statement(name, "Items", table_actions(table), (arn,))]
    if table.indexes:
        indexes = tuple(f"{arn}/index/{index.name}" for index in table.indexes)
        statements.append(_statement(name, "Indexes", index_actions(table), indexes))
    return tuple(statements)


def _statement(name: str, part: str, actions: tuple[str, ...], resources: tuple[str, ...]) -> Mapping[str, object]:
    sid = "".join(word.capitalize() for word in name.split("-")) + part
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
