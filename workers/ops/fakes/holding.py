"""Calls to a fake that get no answer for now."""

import asyncio


class Holding:
    """Keeps calls until ``release``, and tells whoever waits for them how many it keeps."""

    def __init__(self) -> None:
        self._released, self._changed = asyncio.Event(), asyncio.Condition()
        self.held = 0

    def release(self) -> None:
        """Lets every held call go on, and those to come until ``hold_back`` is asked for again."""
        self._released.set()

    def hold_back(self) -> None:
        self._released.clear()

    async def hold(self, seconds: float | None = None) -> None:
        """Returns after ``seconds``, or else once the call is released."""
        async with self._changed:
            self.held += 1
            self._changed.notify_all()
        try:
            if seconds is None:
                await self._released.wait()
            else:
                await asyncio.sleep(seconds)
        finally:
            self.held -= 1

    async def until_held(self, count: int = 1) -> None:
        """Returns once ``count`` calls are being held."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.held >= count)
