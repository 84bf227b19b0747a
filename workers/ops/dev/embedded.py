"""The environment in this process alone: log and store in memory, every role, the ingress, the fakes of providers."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from workers.engine.runtime import Runtime, build_runtime
from workers.ops.composition import Backbone
from workers.ops.dev.environment import Development, Wish
from workers.ops.dev.keys import Keys
from workers.ops.dev.outbox import Mail
from workers.ops.dev.overhearing import overhear
from workers.ops.dev.serving import serving_here
from workers.ops.dev.variables import CLIENT_KEYS_FILE, set_variables, variables_of
from workers.ops.fakes.identity import IdentityFake
from workers.ops.fakes.messaging import MessagingFake
from workers.ops.fakes.opencorporates import OpenCorporatesFake
from workers.ops.fakes.opencorporates_controls import with_controls
from workers.ops.fakes.stripe import FakeSettings, MovableClock, StripeFake, SystemClock
from workers.ops.running import chosen
from workers.ops.stack import Endpoints
from workers.settings import Settings

WATCH_SECONDS = 0.2


@asynccontextmanager
async def in_this_process(wish: Wish, endpoints: Endpoints, keys: Keys, folder: Path) -> AsyncIterator[Development]:
    keys.write_client_keys(folder / CLIENT_KEYS_FILE)
    fake = StripeFake(FakeSettings(deliver=True, first_retry_seconds=1), clock=MovableClock(), signing_clock=SystemClock())
    identity, messaging = IdentityFake(), MessagingFake()
    async with (
        fake,
        identity.delivering(),
        messaging.delivering(),
        serving_here(wish.composition, identity) as identity_url,
        serving_here(wish.composition, with_controls(OpenCorporatesFake())) as registry,
        serving_here(wish.composition, messaging) as messaging_url,
    ):
        fakes = fake.url, identity_url, registry, messaging_url
        with set_variables(variables_of(wish.environment, endpoints, keys, folder, *fakes)):
            settings = Settings()
            async with (
                wish.composition.open_backbone(settings) as backbone,
                wish.composition.open_ports(settings, backbone) as ports,
                _roles(wish, settings, backbone, ports) as runtime,
                serving_here(wish.composition, wish.composition.ingress(settings, backbone), wish.port) as http,
            ):
                hooks = f"{http}/webhooks/stripe"
                fake.listen(hooks, f"{hooks}-connect", keys.webhook_secrets, keys.connect_webhook_secrets)
                identity.listen(http, keys.identity_secrets("veriff"), keys.identity_secrets("onfido"))
                overhear(ports, messaging)
                messaging.messages.listen(http)
                yield _standing(settings, endpoints, keys, backbone, http, fakes, runtime, ports)


def _standing(
    settings: Settings,
    endpoints: Endpoints,
    keys: Keys,
    backbone: Backbone,
    http: str,
    fakes: tuple[str, str, str, str],
    runtime: Runtime,
    ports: Mapping[str, Any],
) -> Development:
    async def trouble() -> str:
        return "\n".join(f"{name}: {error!r}" for name, error in runtime.failures.items())

    async def broken() -> str:
        while True:
            if runtime.failures:
                return await trouble()
            await asyncio.sleep(WATCH_SECONDS)

    async def mails() -> Sequence[Mail]:
        return [Mail.of(email) for email in getattr(ports["ses"], "sent", ())]

    return Development(settings, endpoints, keys, backbone, http, *fakes, broken, trouble, mails)


@asynccontextmanager
async def _roles(wish: Wish, settings: Settings, backbone: Backbone, ports: Mapping[str, Any]) -> AsyncIterator[Runtime]:
    world = wish.composition.world(settings, backbone, ports)
    runtime = build_runtime(chosen(list(wish.composition.services.values()), []), world)
    running = asyncio.create_task(runtime.run())
    try:
        await asyncio.gather(*(role.assigned_once.wait() for role in runtime.roles))
        yield runtime
    finally:
        runtime.stop()
        with suppress(Exception):
            # A fault has been told by ``broken`` already.
            await running
