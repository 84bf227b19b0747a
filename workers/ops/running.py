"""Long-running processes: start, say so, drain on SIGTERM, end."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from workers.engine.runtime import RoleName, build_runtime, roles_of
from workers.engine.service import Service
from workers.ops.composition import Composition
from workers.settings import Settings

LOOPBACK = "127.0.0.1"


class UnknownRole(ValueError):
    """There is no such service or role. ``mindlinks run --help`` lists them."""


def chosen(services: Sequence[Service], wanted: Sequence[str]) -> list[tuple[Service, RoleName]]:
    """``wanted``: ``service`` or ``service:role``; none at all means every role of every service."""
    by_name = {service.name: service for service in services}
    pairs: list[tuple[Service, RoleName]] = []
    for text in wanted or list(by_name):
        name, _, role = text.partition(":")
        service = by_name.get(name)
        if service is None or (role and role not in [each.value for each in roles_of(service)]):
            raise UnknownRole(f"{text}: {UnknownRole.__doc__}")
        pairs += [(service, RoleName(role))] if role else [(service, each) for each in roles_of(service)]
    return pairs


async def run_workers(
    composition: Composition,
    settings: Settings,
    wanted: Sequence[str],
    on_ready: Callable[[int], None],
    *,
    host: str = LOOPBACK,
    health_port: int | None = None,
) -> None:
    """Runs roles until a signal. A role that fails stays red on ``/health/ready`` and its process ends with an error once told to stop
    or when nothing runs any more. Raises what made roles fail."""
    async with composition.open_backbone(settings) as backbone, composition.open_ports(settings, backbone) as ports:
        world = composition.world(settings, backbone, ports)
        runtime = build_runtime(chosen(list(composition.services.values()), wanted), world)
        port = settings.health_port if health_port is None else health_port
        serving = asyncio.create_task(composition.serve(composition.watch(backbone, runtime), host, port, on_ready))
        try:
            await until_signalled(runtime.run(), runtime.stop)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def run_ingress(composition: Composition, settings: Settings, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    async with composition.open_backbone(settings) as backbone:
        serving = asyncio.create_task(composition.serve(composition.ingress(settings, backbone), host, port, on_ready))
        try:
            await until_signalled(serving, serving.cancel)
        except asyncio.CancelledError:
            pass


async def until_signalled(work: Coroutine[Any, Any, None] | asyncio.Task[None], stop: Callable[[], Any]) -> None:
    """The first SIGTERM or SIGINT asks for a drain, the second ends at once."""
    task = asyncio.ensure_future(work)
    asked = False

    def on_signal() -> None:
        nonlocal asked
        if asked:
            task.cancel()
        asked = True
        stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        await task
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
