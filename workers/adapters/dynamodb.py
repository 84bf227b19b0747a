"""The store on DynamoDB: a thin transport (aiohttp, a signer of its own, orjson), because botocore's client costs 1.5 ms of CPU a request
and this is the hot path (docs/decisions)."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson
from botocore.session import Session

from schemas.registry import table as declared
from workers.adapters.dynamodb_statements import key_value, primary_key, statement
from workers.adapters.dynamodb_values import item_from_wire, item_to_wire, to_wire
from workers.adapters.signing import Signer
from workers.engine.decision import Item, ItemRef
from workers.engine.ports import Fate, Page, StoreMisconfigured, StoreUnavailable, Transacted, Write, Written

KEYS_A_READ = 100
STATEMENTS = 25
ACTIONS = 100
RETRIED_READS = 6
BUSY = frozenset(
    {
        "ThrottlingError",
        "ThrottlingException",
        "Throttling",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "LimitExceededException",
    }
)
CONFLICT = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException", "DuplicateItem", "DuplicateItemException"})
MISCONFIGURED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "MissingAuthenticationTokenException",
        "InvalidSignatureException",
        "ExpiredTokenException",
    }
)
VALIDATION = "ValidationException"
DUPLICATE = "Duplicate primary key"
"""What DynamoDB Local says of a refused INSERT in a transaction, under the code of malformed values."""
UNKNOWN = frozenset({"InternalServerError", "InternalServerErrorException", "ServiceUnavailable", "ServiceUnavailableException"})


class RefusedRequest(Exception):
    """DynamoDB refused a whole request as malformed: a bug of this adapter."""


class _Answer(Exception):
    """An error of a whole request."""

    def __init__(self, code: str, body: Mapping[str, Any]) -> None:
        super().__init__(code, body.get("message") or body.get("Message"))
        self.code, self.body = code, body


class _Silence(Exception):
    """The request was sent and no answer came."""


class DynamoStore:
    """One per process. ``endpoint`` None: the region's own. Credentials come from botocore's chain and are refreshed by it."""

    def __init__(self, environment: str, *, endpoint: str | None, region: str, timeout: float = 10.0, connections: int = 64) -> None:
        self._environment = environment
        self._url = endpoint or f"https://dynamodb.{region}.amazonaws.com"
        self._signer = Signer(self._url, region)
        credentials = Session().get_credentials()
        if credentials is None:
            raise StoreMisconfigured("no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the task a role")
        self._credentials = credentials
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._connections = connections
        self._http: aiohttp.ClientSession | None = None

    # --- reads -----------------------------------------------------------------------------------------------------

    async def get(self, refs: Sequence[ItemRef]) -> Mapping[ItemRef, Item]:
        unique = list(dict.fromkeys(refs))
        chunks = [unique[i : i + KEYS_A_READ] for i in range(0, len(unique), KEYS_A_READ)]
        found: dict[ItemRef, Item] = {}
        for part in await asyncio.gather(*(self._get(chunk) for chunk in chunks)):
            found |= part
        return found

    async def _get(self, refs: Sequence[ItemRef]) -> dict[ItemRef, Item]:
        request: dict[str, Any] = {}
        for ref in refs:
            keys = request.setdefault(f"{self._environment}-{ref.table}", {"ConsistentRead": True, "Keys": []})
            keys["Keys"].append(item_to_wire(primary_key(ref)))
        found: dict[ItemRef, Item] = {}
        for attempt in range(RETRIED_READS):
            answer = await self._read("BatchGetItem", {"RequestItems": request})
            for name, rows in answer["Responses"].items():
                for row in rows:
                    item = item_from_wire(row)
                    found[_ref(name.removeprefix(f"{self._environment}-"), item)] = item
            request = answer.get("UnprocessedKeys") or {}
            if not request:
                return found
            await asyncio.sleep(0.05 * 2**attempt)
        raise StoreUnavailable("keys stayed unprocessed: the tables are throttled")

    async def query(
        self,
        table: str,
        index: str | None,
        value: str,
        *,
        up_to: str | None = None,
        start: Mapping[str, Any] | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> Page:
        request = self._query(table, index, value, up_to)
        request |= {"Limit": limit, "ScanIndexForward": not descending}
        if start:
            request["ExclusiveStartKey"] = dict(start)
        answer = await self._read("Query", request)
        return Page([item_from_wire(row) for row in answer["Items"]], answer.get("LastEvaluatedKey"))

    def _query(self, table: str, index: str | None, value: str, up_to: str | None) -> dict[str, Any]:
        declaration = declared(table)
        key = declaration.key if index is None else declaration.index(index).key
        request: dict[str, Any] = {
            "TableName": f"{self._environment}-{table}",
            "KeyConditionExpression": "#h = :h",
            "ExpressionAttributeNames": {"#h": key.hash.name},
            "ExpressionAttributeValues": {":h": to_wire(value)},
        }
        request |= {"IndexName": index} if index else {"ConsistentRead": True}
        if up_to is not None and key.range is not None:
            request["KeyConditionExpression"] += " AND #r <= :r"
            request["ExpressionAttributeNames"]["#r"] = key.range.name
            request["ExpressionAttributeValues"][":r"] = to_wire(key_value(key.range, up_to))
        return request

    async def scan(self, table: str, *, start: Mapping[str, Any] | None = None) -> Page:
        """A page of the whole table, in no order, each row consistent. For ops: it costs what the table weighs."""
        request: dict[str, Any] = {"TableName": f"{self._environment}-{table}", "ConsistentRead": True}
        if start:
            request["ExclusiveStartKey"] = dict(start)
        answer = await self._read("Scan", request)
        return Page([item_from_wire(row) for row in answer["Items"]], answer.get("LastEvaluatedKey"))

    # --- writes ----------------------------------------------------------------------------------------------------

    async def write(self, writes: Sequence[Write]) -> Sequence[Written]:
        if not writes:
            return []
        _distinct(writes, STATEMENTS)
        statements = [statement(self._environment, write) for write in writes]
        try:
            answer = await self._call("BatchExecuteStatement", {"Statements": statements})
        except _Silence as silence:
            return [Written(Fate.UNKNOWN, detail=str(silence))] * len(writes)
        except _Answer as error:
            if _uncertain(error.code):
                return [Written(Fate.UNKNOWN, detail=error.code)] * len(writes)
            if error.code == VALIDATION:
                return await self._isolated(writes, error)
            raise _whole(error) from error
        return [_written(part) for part in answer["Responses"]]

    async def _isolated(self, writes: Sequence[Write], error: _Answer) -> Sequence[Written]:
        """Some malformed values (an empty attribute name) fail a whole request, whose other writes are well."""
        if len(writes) == 1:
            return [Written(Fate.INVALID, detail=str(error))]
        return [result for write in writes for result in await self.write([write])]

    async def transact(self, writes: Sequence[Write], token: str) -> Transacted:
        _distinct(writes, ACTIONS)
        statements = [statement(self._environment, write) for write in writes]
        try:
            await self._call("ExecuteTransaction", {"TransactStatements": statements, "ClientRequestToken": token})
        except _Silence:
            return Transacted(Fate.UNKNOWN)
        except _Answer as error:
            return _transacted(error)
        return Transacted(Fate.WRITTEN)

    async def check(self) -> None:
        await self._read("ListTables", {"Limit": 1})

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    # --- transport -------------------------------------------------------------------------------------------------

    async def _read(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """A read may be repeated, so silence is no more than absence."""
        try:
            return await self._call(operation, request)
        except _Silence as silence:
            raise StoreUnavailable(str(silence)) from silence
        except _Answer as error:
            raise _whole(error) from error

    async def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._http is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=30)
            self._http = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        body = orjson.dumps(request)
        try:
            async with self._http.post(self._url, data=body, headers=self._signed(operation, body)) as response:
                text = await response.read()
                status = response.status
        except aiohttp.ClientConnectorError as error:
            raise StoreUnavailable(f"no connection to {self._url}: {error}") from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _Silence(repr(error)) from error
        try:
            answer: dict[str, Any] = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise _Answer(f"HTTP{status if status != 200 else 500}", {"message": text[:200].decode(errors="replace")}) from error
        if status != 200:
            raise _Answer(str(answer.get("__type", f"HTTP{status}")).rpartition("#")[2], answer)
        return answer

    def _signed(self, operation: str, body: bytes) -> dict[str, str]:
        return self._signer.headers(self._credentials.get_frozen_credentials(), operation, body, datetime.now(UTC))


def _ref(table: str, item: Item) -> ItemRef:
    key = declared(table).key
    return ItemRef(table, item[key.hash.name], str(item[key.range.name]) if key.range else None)


def _distinct(writes: Sequence[Write], most: int) -> None:
    if len(writes) > most or len({write.ref for write in writes}) != len(writes):
        raise ValueError(f"at most {most} writes, no two of one row")


def _uncertain(code: str) -> bool:
    """Also for an answer that is not DynamoDB's own, such as a gateway's."""
    return code in UNKNOWN or code.startswith("HTTP5")


def _whole(error: _Answer) -> Exception:
    if error.code in MISCONFIGURED:
        return StoreMisconfigured(f"{error.code}: {error}")
    if error.code in BUSY or _uncertain(error.code):
        return StoreUnavailable(f"{error.code}: {error}")
    return RefusedRequest(f"{error.code}: {error}")


def _fate(code: str) -> Fate:
    if code in CONFLICT:
        return Fate.CONFLICT
    if code in BUSY:
        return Fate.BUSY
    if code in UNKNOWN:
        return Fate.UNKNOWN
    if code in MISCONFIGURED:
        raise StoreMisconfigured(code)
    return Fate.INVALID


def _written(part: Mapping[str, Any]) -> Written:
    if (error := part.get("Error")) is None:
        return Written(Fate.WRITTEN)
    item = error.get("Item")
    return Written(_fate(error["Code"]), item_from_wire(item) if item else None, str(error.get("Message", error["Code"])))


def _transacted(error: _Answer) -> Transacted:
    """Reason by reason: a condition is final, a conflict or throttle is not, and both may come mixed."""
    if error.code == "IdempotentParameterMismatchException":
        return Transacted(Fate.CONFLICT)
    if error.code == VALIDATION:
        return Transacted(Fate.INVALID)
    if error.code != "TransactionCanceledException":
        if error.code in BUSY:
            return Transacted(Fate.BUSY)
        if _uncertain(error.code):
            return Transacted(Fate.UNKNOWN)
        raise _whole(error)
    reasons = error.body.get("CancellationReasons") or []
    parts = [_reason(reason) for reason in reasons]
    fates = {part.fate for part in parts}
    for fate in (Fate.INVALID, Fate.CONFLICT, Fate.BUSY, Fate.UNKNOWN):
        if fate in fates:
            return Transacted(fate, parts)
    return Transacted(Fate.BUSY, parts)


def _reason(reason: Mapping[str, Any]) -> Written:
    code = reason.get("Code", "None")
    if code == "None":
        return Written(Fate.WRITTEN)
    message = str(reason.get("Message", code))
    if code == "ValidationError" and message.startswith(DUPLICATE):
        code = "DuplicateItem"
    item = reason.get("Item")
    return Written(_fate(code), item_from_wire(item) if item else None, message)
