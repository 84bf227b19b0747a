"""``mindlinks dev``: says where everything is, works, and takes everything with it when it goes, however it goes."""

import signal
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from contracts.user import UpdateProfile
from tests.support.waiting import eventually_async
from tests.system.command import Command, mindlinks


async def _update_profile(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """A command through the door that the ready line names; its receipt once it is settled."""
    user = str(uuid4())
    client = told["client"]
    headers = {"Authorization": f"Bearer {client['id']}.{client['secret']}"}
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/test",
        "type": UpdateProfile.kind(),
        "data": {"userId": user, "firstName": "Clara"},
    }
    receipts: list[Mapping[str, Any]] = []
    async with httpx.AsyncClient(base_url=told["http"], headers=headers, trust_env=False) as http:
        wanted = {"Mindlinks-Actor": f"user:{user}", "Content-Type": "application/cloudevents+json"}
        answer = await http.post("/v1/commands", json=event, headers=wanted)
        assert answer.status_code == 202, answer.text

        async def settled() -> bool:
            receipt = await http.get(answer.headers["Location"])
            receipts.append(receipt.json())
            return receipt.status_code == 200

        await eventually_async(settled, what=lambda: receipts[-1:])
    return receipts[-1]


async def _drains(dev: Command) -> None:
    dev.signal(signal.SIGTERM)
    code, _, errors = await dev.ended()
    assert code == 0, errors
    await dev.nothing_is_left()


async def test_the_ready_line_leads_to_a_working_system_what_was_kept_is_there_at_the_next_start_and_nothing_outlives_it(
    local_stack: str, tmp_path: Path
) -> None:
    keep = ("--keep", str(tmp_path / "kept"))
    async with mindlinks("dev", "--port", "0", "--json", *keep, stack=local_stack) as dev:
        told = await dev.line()
        assert set(told) >= {"http", "kafka", "dynamodb", "tables", "client", "secrets", "stripe", "identity", "registry"}
        assert [len(told["secrets"][endpoint]) for endpoint in ("stripe", "stripe_connect")] == [2, 2]
        assert (await _update_profile(told))["state"] == "applied"
        await _drains(dev)
    async with mindlinks("dev", "--port", "0", "--json", *keep, stack=local_stack) as dev:
        again = await dev.line()
        assert (again["client"], again["secrets"]) == (told["client"], told["secrets"])
        assert (await _update_profile(again))["state"] == "applied"
        assert len(dev.relatives()) > 6
        # Killed this time, which nobody can answer to: its children end all the same.
        dev.signal(signal.SIGKILL)
        await dev.nothing_is_left()


async def test_embedded_is_one_process() -> None:
    async with mindlinks("dev", "--port", "0", "--json", stack="embedded") as dev:
        told = await dev.line()
        assert (told["kafka"], told["dynamodb"]) == ("memory", None)
        assert [process.pid for process in dev.relatives()] == [dev.process.pid]
        assert (await _update_profile(told))["state"] == "applied"
        await _drains(dev)


async def test_a_child_that_dies_ends_everything_with_an_error_that_names_it(local_stack: str) -> None:
    async with mindlinks("dev", "--port", "0", "--json", stack=local_stack) as dev:
        await dev.line()
        dev.named("workers.main", "run", "--all").kill()
        code, _, errors = await dev.ended()
        assert code == 1
        assert "workers ended" in errors
        await dev.nothing_is_left()


async def test_a_taken_port_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        async with mindlinks("dev", "--port", str(port), stack="auto") as dev:
            code, _, errors = await dev.ended()
            await dev.nothing_is_left()
    assert code == 1
    assert f"Port {port}" in errors
    assert "Traceback" not in errors
