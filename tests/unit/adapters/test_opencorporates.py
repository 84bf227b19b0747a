"""The adapter and the fake, both held against the facts (OpenCorporates v0.4.8) and the payload files, and against each other."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.clear import Clear, Redacted
from contracts.types import Timestamp
from workers.adapters.opencorporates import LONGEST_PAUSE, QUOTA_PAUSE, OpenCorporates
from workers.ops.fakes.opencorporates import TOKEN, Fault, OpenCorporatesFake
from workers.services.client.ports import BusinessRegistry, NoAnswer, NotRegistered, Refusal, RegisteredCompany, RegistryAnswer

PAYLOADS = Path(__file__).parents[2] / "payloads" / "opencorporates"
SAMPLE = RegisteredCompany(
    name="EXAMPLE TRADING LIMITED",
    jurisdiction="gb",
    company_number="01234567",
    inactive=False,
    current_status="Active",
    incorporation_date="2010-05-20",
    registered_address="1 Example Street, London, EC1A 1AA",
    url="https://opencorporates.com/companies/gb/01234567",
    retrieved_at=Timestamp("2026-09-01T00:00:00.000Z"),
)


@cache
def payload(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return found


class Reader:
    async def open(self, sealed: str) -> Clear | Redacted:
        return Clear(f"opened {sealed}")


@asynccontextmanager
async def registry(transport: httpx.AsyncBaseTransport, token: str = TOKEN, patience: float = 30.0) -> AsyncIterator[OpenCorporates]:
    async with OpenCorporates(token, Reader(), timeout=patience, transport=transport) as made:
        yield made


async def answered(handler: Callable[[httpx.Request], httpx.Response], number: str = "01234567") -> RegistryAnswer:
    async with registry(httpx.MockTransport(handler)) as made:
        return await made.find("gb", number)


async def read(status: int = 200, **content: Any) -> RegistryAnswer:
    """``content``: as of ``httpx.Response``."""
    return await answered(lambda _: httpx.Response(status, **content))


async def read_company(**changes: Any) -> RegistryAnswer:
    company = {**payload("company")["results"]["company"], **changes}
    return await read(json={"api_version": "0.4.8", "results": {"company": {k: v for k, v in company.items() if v != "absent"}}})


async def found_by(fake: OpenCorporatesFake, token: str = TOKEN, number: str = "01234567") -> RegistryAnswer:
    async with registry(httpx.ASGITransport(fake), token) as made:
        return await made.find("gb", number)


def sample_fake() -> OpenCorporatesFake:
    fake = OpenCorporatesFake()
    fake.register("gb", "01234567", "EXAMPLE TRADING LIMITED")
    return fake


async def raw(fake: OpenCorporatesFake, path: str, **parameters: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(fake), base_url="http://registry") as client:
        return await client.get(path, headers={"X-API-TOKEN": TOKEN}, params=parameters)


# --- the adapter and the payloads ----------------------------------------------------------------------------------


def test_every_payload_is_used_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in PAYLOADS.glob("*.json") if f'payload("{path.stem}")' not in text] == []


async def test_a_company_is_read() -> None:
    assert await read(json=payload("company")) == SAMPLE


async def test_a_dissolved_company_is_read() -> None:
    answer = await read(json=payload("company_dissolved"))
    assert isinstance(answer, RegisteredCompany)
    assert (answer.inactive, answer.current_status) == (True, "Dissolved")


async def test_a_number_nobody_has_is_read() -> None:
    assert await read(404, json=payload("error_404")) == NotRegistered()


async def test_a_search_is_no_answer_to_a_number() -> None:
    assert await read(json=payload("search")) == Refusal("malformed_answer")


async def test_the_call_is_what_the_reference_says_and_the_token_is_in_no_address() -> None:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=payload("company"))

    await answered(handler)
    (request,) = asked
    assert (request.method, str(request.url)) == ("GET", "https://api.opencorporates.com/v0.4/companies/gb/01234567")
    assert request.headers["x-api-token"] == TOKEN


@pytest.mark.parametrize("number", ["../account_status", "..", ".", "1/2", "1?api_token=x", "1#2", "№ 7", "a%2Fb"])
async def test_a_number_is_never_taken_for_a_path(number: str) -> None:
    paths: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path.decode())
        return httpx.Response(404, json=payload("error_404"))

    await answered(handler, number)
    (path,) = paths
    start, _, segment = path.rpartition("/")
    assert start == "/v0.4/companies/gb"
    assert segment
    assert set(segment).isdisjoint("/?#.")


async def test_the_base_may_be_another() -> None:
    urls: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        urls.append(request.url)
        return httpx.Response(404, json=payload("error_404"))

    async with OpenCorporates(TOKEN, Reader(), base="http://127.0.0.1:12112", transport=httpx.MockTransport(handler)) as made:
        await made.find("us_de", "7")
    assert urls == [httpx.URL("http://127.0.0.1:12112/v0.4/companies/us_de/7")]


async def test_it_is_the_port_and_opens_names() -> None:
    async with registry(httpx.ASGITransport(sample_fake())) as made:
        port: BusinessRegistry = made
        assert await port.open("s1") == Clear("opened s1")


def test_no_address_is_logged() -> None:
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)


# --- fields --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inactive", [True, False, None])
async def test_whether_it_is_inactive_may_be_unknown(inactive: bool | None) -> None:
    answer = await read_company(inactive=inactive)
    assert isinstance(answer, RegisteredCompany)
    assert answer.inactive is inactive


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"registered_address_in_full": "1 Example Street,\r\n  London\n\nEC1A 1AA\u0007"}, "1 Example Street, London, EC1A 1AA"),
        ({"registered_address_in_full": None}, "1 Example Street, London, EC1A 1AA, United Kingdom"),
        ({"registered_address_in_full": None, "registered_address": None}, None),
        ({"registered_address_in_full": "absent", "registered_address": "no object"}, None),
    ],
)
async def test_an_address_is_one_line(changes: dict[str, Any], address: str | None) -> None:
    answer = await read_company(**changes)
    assert isinstance(answer, RegisteredCompany)
    assert answer.registered_address == address


async def test_what_is_merely_told_may_be_missing_or_odd() -> None:
    odd = {"incorporation_date": "1694", "retrieved_at": "yesterday", "current_status": 7, "opencorporates_url": "absent"}
    answer = await read_company(**odd)
    assert isinstance(answer, RegisteredCompany)
    assert (answer.incorporation_date, answer.retrieved_at, answer.current_status, answer.url) == (None, None, None, None)


@pytest.mark.parametrize(
    ("written", "read_"),
    [
        ("2026-09-01T02:00:00+02:00", "2026-09-01T00:00:00.000Z"),
        ("2026-09-01T00:00:00", "2026-09-01T00:00:00.000Z"),
        ("0001-01-01T00:00:00+00:00", None),
        ("9999-12-31T23:59:59+00:00", None),
    ],
)
async def test_times_are_read(written: str, read_: str | None) -> None:
    answer = await read_company(retrieved_at=written)
    assert isinstance(answer, RegisteredCompany)
    assert answer.retrieved_at == read_


async def test_a_company_may_be_older_than_our_calendar() -> None:
    answer = await read_company(incorporation_date="1694-07-27")
    assert isinstance(answer, RegisteredCompany)
    assert answer.incorporation_date == "1694-07-27"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "absent"},
        {"name": " "},
        {"name": None},
        {"inactive": "absent"},
        {"inactive": "no"},
        {"company_number": None},
        {"jurisdiction_code": "United Kingdom"},
    ],
)
async def test_what_the_verdict_hangs_on_must_be_right(changes: dict[str, Any]) -> None:
    assert await read_company(**changes) == Refusal("malformed_answer")


# --- everything else it may say ------------------------------------------------------------------------------------

JSON, HTML = {"content-type": "application/json; charset=utf-8"}, {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("status", "content", "answer"),
    [
        (200, {"text": "<html>", "headers": HTML}, Refusal("malformed_answer")),
        (200, {"text": '{"results": {"comp', "headers": JSON}, Refusal("malformed_answer")),
        (200, {"text": "[]", "headers": JSON}, Refusal("malformed_answer")),
        (404, {"text": "<html>", "headers": HTML}, Refusal("malformed_answer")),
        (401, {"json": {"error": {"message": "Invalid Api Token"}}}, Refusal("unauthorized")),
        (403, {"json": {"error": {"message": "Not for you"}}}, Refusal("forbidden")),
        (403, {"json": {"error": {"message": "Rate limit exceeded"}}}, NoAnswer("quota_exceeded", "403", QUOTA_PAUSE)),
        (403, {"text": "", "headers": {"retry-after": "30"}}, NoAnswer("quota_exceeded", "403", 30.0)),
        (429, {}, NoAnswer("quota_exceeded", "429", QUOTA_PAUSE)),
        (429, {"headers": {"retry-after": "86400"}}, NoAnswer("quota_exceeded", "429", LONGEST_PAUSE)),
        (429, {"headers": {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}}, NoAnswer("quota_exceeded", "429", QUOTA_PAUSE)),
        (503, {"text": "<html>", "headers": HTML}, NoAnswer("registry_out_of_order", "503")),
        (503, {"headers": {"retry-after": "120"}}, NoAnswer("registry_out_of_order", "503", 120.0)),
        (500, {}, NoAnswer("registry_out_of_order", "500")),
        (400, {}, Refusal("status_400")),
        (301, {"headers": {"location": "https://elsewhere.example/"}}, Refusal("status_301")),
    ],
)
async def test_each_status_has_its_meaning(status: int, content: dict[str, Any], answer: RegistryAnswer) -> None:
    assert await read(status, **content) == answer


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("broken")])
async def test_a_line_that_breaks_is_no_answer(error: httpx.HTTPError) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    assert await answered(handler) == NoAnswer("registry_not_reached", type(error).__name__)


# --- the fake ------------------------------------------------------------------------------------------------------


def shape(value: Any) -> Any:
    """Names and types; of a list what its entries are like."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value[:1]] if isinstance(value, list) else type(value)


async def test_the_fake_answers_in_the_shape_of_the_payloads() -> None:
    fake = sample_fake()
    assert shape((await raw(fake, "/v0.4/companies/gb/01234567")).json()) == shape(payload("company"))
    assert shape((await raw(fake, "/v0.4/companies/search", q="trading", jurisdiction_code="gb")).json()) == shape(payload("search"))
    missing = await raw(fake, "/v0.4/companies/gb/7")
    assert (missing.status_code, missing.json()) == (404, payload("error_404"))
    fake.dissolve("gb", "01234567")
    assert shape((await raw(fake, "/v0.4/companies/gb/01234567")).json()) == shape(payload("company_dissolved"))


async def test_through_the_fake_the_adapter_reads_what_the_payload_says() -> None:
    fake = sample_fake()
    assert await found_by(fake) == SAMPLE
    assert await found_by(fake, number="7") == NotRegistered()
    assert await found_by(fake, number="a/b") == NotRegistered()
    fake.dissolve("gb", "01234567")
    answer = await found_by(fake)
    assert isinstance(answer, RegisteredCompany)
    assert (answer.inactive, answer.current_status) == (True, "Dissolved")
    assert fake.calls == {"gb/01234567": 2, "gb/7": 1, "gb/a/b": 1}


async def test_the_fake_may_be_told_what_is_different_about_a_company() -> None:
    fake = OpenCorporatesFake()
    fake.register("gb", "01234567", "EXAMPLE", inactive=None, registered_address=None, registered_address_in_full="1 Street\nLondon")
    answer = await found_by(fake)
    assert isinstance(answer, RegisteredCompany)
    assert (answer.inactive, answer.registered_address) == (None, "1 Street, London")


async def test_the_fake_wants_its_token() -> None:
    assert await found_by(sample_fake(), "another") == Refusal("unauthorized")
    in_query = await raw(sample_fake(), "/v0.4/companies/gb/01234567", api_token=TOKEN)
    assert in_query.status_code == 200


async def test_a_wrong_address_is_not_taken_for_a_missing_company() -> None:
    async with OpenCorporates(TOKEN, Reader(), base="http://registry/elsewhere", transport=httpx.ASGITransport(sample_fake())) as made:
        assert await made.find("gb", "7") == Refusal("malformed_answer")


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (Fault.RATE_LIMITED, NoAnswer("quota_exceeded", "429", QUOTA_PAUSE)),
        (Fault.QUOTA, NoAnswer("quota_exceeded", "403", QUOTA_PAUSE)),
        (Fault.FORBIDDEN, Refusal("forbidden")),
        (Fault.SERVER_ERROR, NoAnswer("registry_out_of_order", "500")),
        (Fault.OUT_OF_SERVICE, NoAnswer("registry_out_of_order", "503")),
        (Fault.BROKEN, Refusal("malformed_answer")),
        (Fault.WEB_PAGE, Refusal("malformed_answer")),
    ],
)
async def test_each_fault_strikes_once_and_means_what_it_should(fault: Fault, answer: RegistryAnswer) -> None:
    fake = sample_fake()
    fake.fail(fault)
    assert await found_by(fake) == answer
    assert await found_by(fake) == SAMPLE


async def test_a_fault_may_say_when_to_come_again() -> None:
    fake = sample_fake()
    fake.fail(Fault.RATE_LIMITED, retry_after=5)
    assert await found_by(fake) == NoAnswer("quota_exceeded", "429", 5.0)


async def test_a_slow_registry_is_waited_for() -> None:
    fake = sample_fake()
    fake.fail(Fault.SLOW)
    call = asyncio.create_task(found_by(fake))
    await fake.until_held()
    fake.release()
    assert await call == SAMPLE


async def test_but_not_for_ever() -> None:
    fake = sample_fake()
    fake.fail(Fault.SLOW)
    async with registry(httpx.ASGITransport(fake), patience=0.01) as made:
        assert await made.find("gb", "01234567") == NoAnswer("registry_not_reached", "TimeoutError")
