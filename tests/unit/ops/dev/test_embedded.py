"""The environment in one process: what it opens it closes, and loading the seed again changes nothing."""

import os

from workers.engine.memory import MemoryStore
from workers.main import MindLinks
from workers.ops.demo.census import rows_of
from workers.ops.dev.environment import Wish
from workers.ops.dev.opening import development
from workers.ops.dev.seeding import load_seed
from workers.ops.seed import catalogue
from workers.ops.stack import Provider


async def test_the_seed_is_loaded_once() -> None:
    wanted = sum(len(stage) for stage in catalogue.stages()) + 1
    advances: list[tuple[int, int]] = []
    async with development(Wish(MindLinks(), Provider.EMBEDDED, "unit")) as standing:
        store = standing.backbone.store
        assert isinstance(store, MemoryStore)
        assert await load_seed(standing.backbone, standing.settings, lambda *advance: advances.append(advance)) == wanted
        before = await rows_of(store, standing.settings, ("contract-templates", "notification-templates"))
        assert await load_seed(standing.backbone, standing.settings, lambda *advance: None) == 0
        assert await rows_of(store, standing.settings, ("contract-templates", "notification-templates")) == before
        assert await standing.trouble() == ""
    assert advances[-1] == (wanted, wanted)
    assert advances == sorted(advances)


async def test_the_variables_of_this_process_are_as_before() -> None:
    before = dict(os.environ)
    async with development(Wish(MindLinks(), Provider.EMBEDDED, "unit")):
        assert os.environ["MINDLINKS_KAFKA"] == "memory"
    assert dict(os.environ) == before
