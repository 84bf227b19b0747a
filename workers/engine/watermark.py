"""Below the watermark everything is settled; it never skips an open record. Pure."""

from collections import deque


class Watermark:
    """One partition's open records. ``settled`` may come in any order; ``value`` moves only over a contiguous stretch.

    Offsets may have gaps (a log's control records): what counts is that nothing received below the watermark is still open.
    """

    __slots__ = ("_done", "_next", "_open", "_order")

    def __init__(self, start: int) -> None:
        self._next = start
        self._open: dict[int, int] = {}
        # A dict's first key is behind the places of all that were deleted before it: looking there costs more the longer a burst is.
        self._order: deque[int] = deque()
        self._done: set[int] = set()

    @property
    def value(self) -> int:
        """The offset to commit: everything below is settled."""
        return self._order[0] if self._order else self._next

    @property
    def position(self) -> int:
        """One past the last record received."""
        return self._next

    @property
    def open(self) -> int:
        """Records received and not settled (those settled out of order included until the gap before them closes)."""
        return len(self._open) - len(self._done)

    @property
    def kept(self) -> int:
        """Records remembered: the open ones, and those settled behind the first of them."""
        return len(self._open)

    @property
    def oldest(self) -> int | None:
        """Append time (milliseconds) of the oldest open record."""
        return self._open[self._order[0]] if self._order else None

    def received(self, offset: int, timestamp: int) -> bool:
        """False for a record that was received before."""
        if offset < self._next:
            return False
        self._open[offset] = timestamp
        self._order.append(offset)
        self._next = offset + 1
        return True

    def settle(self, offset: int) -> None:
        """Raises KeyError for a record that is not open: settling twice hides a bug."""
        if offset not in self._open or offset in self._done:
            raise KeyError(offset)
        self._done.add(offset)
        while self._order and self._order[0] in self._done:
            first = self._order.popleft()
            del self._open[first]
            self._done.remove(first)
