"""Health, metrics, descriptions, client keys, and running under uvicorn."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from tests.unit.ingress.doubles import Ingress, reason_of
from workers.engine.ports import LogUnavailable
from workers.ingress.clients import InvalidClientKeys, load_clients
from workers.ingress.dependencies import Health
from workers.ingress.problems import REASONS, Problem
from workers.ingress.serving import serve

DEADLINE = 20


async def unreachable() -> None:
    raise LogUnavailable("broker at 10.0.0.7 said no")


async def fine() -> None:
    pass


async def test_an_outage_makes_neither_live_nor_ready_red() -> None:
    ingress = Ingress(changes={"health": Health(checks={"log": unreachable, "store": fine})})
    assert (await ingress.http.get("/health/live")).status_code == 200
    assert (await ingress.http.get("/health/ready")).status_code == 200
    response = await ingress.http.get("/health")
    assert response.status_code == 503
    assert response.json() == {
        "status": "down",
        "dependencies": {
            "log": {"status": "down", "latencyMs": 0, "error": "LogUnavailable"},
            "store": {"status": "up", "latencyMs": 0},
        },
    }


async def test_a_silent_dependency_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("workers.ingress.health.TIMEOUT", 0.01)
    ingress = Ingress(changes={"health": Health(checks={"log": silent})})
    response = await ingress.http.get("/health")
    assert response.json()["dependencies"]["log"]["error"] == "TimeoutError"


async def test_live_and_ready_say_what_they_are_told() -> None:
    ingress = Ingress(changes={"health": Health(alive=lambda: False, not_ready=lambda: "draining")})
    assert (await ingress.http.get("/health/live")).status_code == 503
    response = await ingress.http.get("/health/ready")
    assert (response.status_code, response.json()) == (503, {"status": "down", "reason": "draining"})


async def test_metrics_come_from_the_registry_given() -> None:
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc()
    response = await Ingress(changes={"registry": registry}).http.get("/metrics")
    assert "things_total 1.0" in response.text
    assert response.headers["content-type"].startswith("text/plain")


async def test_requests_are_counted_by_route_not_by_path(ingress: Ingress) -> None:
    assert reason_of(await ingress.http.get("/nowhere/17")) == (404, "not_found")
    assert reason_of(await ingress.http.get("/v1/commands")) == (405, "method_not_allowed")
    await ingress.http.get("/v1/commands/17")
    counted = {name for name in ingress.metrics.counts if name[0] == "ingress_requests"}
    assert ("ingress_requests", "unmatched", "not_found") in counted
    assert ("ingress_requests", "/v1/commands/{id}", "unauthenticated") in counted
    assert not any("17" in part for name in counted for part in name)


async def test_every_reason_is_described(ingress: Ingress) -> None:
    listed = (await ingress.http.get("/problems")).json()
    assert set(listed) == set(REASONS)
    for reason, described in listed.items():
        assert (await ingress.http.get(Problem(reason, "x").members()["type"])).json() == {"reason": reason} | described
    assert reason_of(await ingress.http.get("/problems/nonsense")) == (404, "not_found")


async def test_the_documentation_names_routes_and_modes(ingress: Ingress) -> None:
    assert (await ingress.http.get("/docs")).status_code == 200
    document = (await ingress.http.get("/openapi.json")).json()
    post = document["paths"]["/v1/commands"]["post"]
    assert set(post["requestBody"]["content"]) == {
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
    }
    assert {"202", "207", "400", "401", "403", "413", "415", "422", "429", "503"} <= set(post["responses"])


async def test_asyncapi_is_the_generated_document_or_says_that_it_is_missing(
    ingress: Ingress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("workers.ingress.descriptions.files", lambda _: tmp_path)
    assert reason_of(await ingress.http.get("/asyncapi")) == (404, "not_found")
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated" / "asyncapi.json").write_text('{"asyncapi": "3.0.0"}')
    assert (await ingress.http.get("/asyncapi")).json() == {"asyncapi": "3.0.0"}


# --- client keys ---------------------------------------------------------------------------------------------------


def keys(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "clients.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_client_keys_are_read(tmp_path: Path) -> None:
    row = {"id": "web", "sha256": hashlib.sha256(b"s").hexdigest(), "kinds": ["*"], "actors": ["user:*"], "per_minute": 5}
    client = load_clients(keys(tmp_path, [row])).authenticate("Bearer web.s")
    assert (client.id, client.per_minute, client.actors) == ("web", 5, ("user:*",))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "not JSON"),
        ([{"id": "web"}], "0.sha256"),
        ([{"id": "a.b", "sha256": "0" * 64, "kinds": []}], "0.id"),
        ([{"id": "web", "sha256": "0" * 64, "kinds": []}] * 2, "twice"),
    ],
)
def test_client_keys_that_cannot_be_used(tmp_path: Path, content: Any, word: str) -> None:
    with pytest.raises(InvalidClientKeys, match=word):
        load_clients(keys(tmp_path, content))


def test_client_keys_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidClientKeys, match="MINDLINKS_CLIENT_KEYS_FILE"):
        load_clients(tmp_path / "none.json")


# --- uvicorn -------------------------------------------------------------------------------------------------------


async def refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return True
    writer.close()
    return False


async def test_serving_ends_what_is_in_flight_before_it_ends() -> None:
    began, proceed = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        began.set()
        await proceed.wait()

    ingress = Ingress(changes={"health": Health(checks={"slow": slow})})
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(ingress.app, "127.0.0.1", 0, ready.set_result))
    async with asyncio.timeout(DEADLINE), httpx.AsyncClient(base_url=f"http://127.0.0.1:{await ready}") as http:
        answer = asyncio.create_task(http.get("/health"))
        await began.wait()
        serving.cancel()
        while not await refused(ready.result()):
            assert not answer.done()
        assert not serving.done()
        proceed.set()
        assert (await answer).status_code == 200
        with pytest.raises(asyncio.CancelledError):
            await serving


async def test_an_address_in_use_is_an_error_of_the_caller() -> None:
    ingress = Ingress()
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(ingress.app, "127.0.0.1", 0, ready.set_result))
    async with asyncio.timeout(DEADLINE):
        port = await ready
        with pytest.raises(OSError, match="in use"):
            await serve(ingress.app, "127.0.0.1", port, lambda _: None)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
