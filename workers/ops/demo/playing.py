"""Plays the story on a development environment, then checks its totals."""

import asyncio
import time
from collections.abc import Sequence

from rich.console import Console

from contracts.ids import address_recipient_id
from workers.adapters.blind_index import email_hash
from workers.ops.demo import checks
from workers.ops.demo.cast import Cast
from workers.ops.demo.census import rows_of
from workers.ops.demo.evidence import Check, Evidence
from workers.ops.demo.mailbox import Mailbox
from workers.ops.demo.narration import Narrator
from workers.ops.demo.observer import Observer, StepFailed, observing
from workers.ops.demo.stage import Stage
from workers.ops.demo.story import SCENES
from workers.ops.demo.summary import show_checks, show_contents, show_times
from workers.ops.demo.upstream import outside
from workers.ops.dev.environment import Development
from workers.ops.dev.seeding import load_seed

SETTLE_SECONDS = 20.0
"""How long nothing may happen after the last scene while totals are not right yet: messages go out, metrics fold, webhooks come late."""
LOOK_SECONDS = 0.25


class WrongTotals(Exception):
    """The story was played and left something else behind than it must; what differs stands above. That is a defect."""


async def play(standing: Development, console: Console, began: float, cast: Cast | None = None) -> None:
    """Raises StepFailed where the story got stuck, WrongTotals where its end is wrong. ``began``: by the monotonic clock."""
    cast = cast or Cast.new()
    narrator = Narrator(console, cast)
    log = Observer(lambda: narrator.tell(log))
    async with (
        observing(standing.backbone.log, log),
        outside(standing) as (upstream, providers),
    ):
        await _seed(standing, console)
        await providers.messaging.answer()
        scenes_began = time.monotonic()
        stage = Stage(cast, upstream, providers, log, Mailbox(standing.mails), standing.backbone.clock.now)
        await _scenes(standing, stage, narrator)
        found = await _settled(standing, stage)
        narrator.tell(log)
        rows = await rows_of(standing.backbone.store, standing.settings)
    ended = time.monotonic()
    real = standing.endpoints.dynamodb is not None
    show_contents(console, rows, log.records, "DynamoDB" if real else "the store in memory", "Kafka" if real else "the log in memory")
    show_checks(console, found)
    show_times(console, narrator.latencies, ended - scenes_began, ended - began)
    if not all(check.passed for check in found):
        raise WrongTotals(" ".join((WrongTotals.__doc__ or "").split()))


async def _seed(standing: Development, console: Console) -> None:
    began = time.monotonic()
    with console.status("loading templates") as status:
        new = await load_seed(
            standing.backbone, standing.settings, lambda settled, total: status.update(f"loading templates: {settled} of {total}")
        )
    console.print(f"templates: {new} commands settled in {time.monotonic() - began:.1f} s", style="dim", highlight=False)


async def _scenes(standing: Development, stage: Stage, narrator: Narrator) -> None:
    for number, scene in enumerate(SCENES, 1):
        narrator.scene(number, scene.title)
        try:
            await scene.play(stage)
        except StepFailed as failure:
            raise StepFailed(f"Scene {number}, {scene.title}: {failure}\n{await standing.trouble()}".rstrip()) from None


async def _settled(standing: Development, stage: Stage) -> Sequence[Check]:
    """The checks once all pass, or as they are when nothing has been said on the log for a while."""
    said, deadline = 0, 0.0
    while True:
        found = checks.checks(await _evidence(standing, stage))
        if (total := stage.log.records.total()) != said:
            said, deadline = total, time.monotonic() + SETTLE_SECONDS
        if all(check.passed for check in found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(LOOK_SECONDS)


async def _evidence(standing: Development, stage: Stage) -> Evidence:
    cast, providers = stage.cast, stage.providers
    hashed = email_hash(standing.settings.blind_index_key.get_secret_value().encode(), cast.contractor.email)
    return Evidence(
        cast=cast,
        rows=await rows_of(standing.backbone.store, standing.settings, checks.TABLES),
        log=stage.log,
        receipts=await stage.upstream.receipts(),
        stripe=await providers.stripe.state(),
        identity=await providers.identity.state(),
        registry=await providers.registry.state(),
        messaging=await providers.messaging.state(),
        mails=len(await standing.mails()),
        invited=address_recipient_id(hashed),
    )
