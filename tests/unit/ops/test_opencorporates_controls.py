"""The registry's fake as another process sees it: its API under /v0.4, its controls under /_fake."""

from collections.abc import AsyncIterator

import httpx
import pytest

from workers.ops.fakes.opencorporates import TOKEN, OpenCorporatesFake
from workers.ops.fakes.opencorporates_controls import with_controls


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(with_controls(OpenCorporatesFake()))
    async with httpx.AsyncClient(transport=transport, base_url="http://registry", headers={"X-API-TOKEN": TOKEN}) as client:
        yield client


async def test_a_company_is_known_once_it_is_registered_and_calls_are_counted(http: httpx.AsyncClient) -> None:
    asked = "/v0.4/companies/de/HRB1"
    assert (await http.get(asked)).status_code == 404
    order = {"jurisdiction": "de", "number": "HRB1", "name": "ONE GMBH", "changes": {"inactive": True}}
    assert (await http.post("/_fake/companies", json=order)).status_code == 200
    company = (await http.get(asked)).json()["results"]["company"]
    assert (company["name"], company["inactive"]) == ("ONE GMBH", True)
    assert (await http.get("/_fake/state")).json() == {"calls": {"de/HRB1": 2}, "companies": ["de/HRB1"]}


async def test_trouble_strikes_as_often_as_it_is_planned(http: httpx.AsyncClient) -> None:
    assert (await http.post("/_fake/faults", json={"fault": "quota", "times": 2, "retry_after": 7})).status_code == 200
    answers = [await http.get("/v0.4/companies/de/HRB1") for _ in range(3)]
    assert [(each.status_code, each.headers.get("Retry-After")) for each in answers] == [(403, "7"), (403, "7"), (404, None)]


@pytest.mark.parametrize(("path", "order"), [("companies", {"number": "1"}), ("faults", {"fault": "rain"}), ("companies", {"more": 1})])
async def test_an_order_that_is_not_understood_is_refused(http: httpx.AsyncClient, path: str, order: dict[str, object]) -> None:
    answer = await http.post(f"/_fake/{path}", json=order)
    assert (answer.status_code, "error" in answer.json()) == (400, True)
