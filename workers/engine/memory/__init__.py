"""Log and Store in memory: shipped (provider ``embedded``, unit tests), and held to the same exam as the real ones."""

from workers.engine.memory.clock import SystemClock
from workers.engine.memory.log import MemoryLog
from workers.engine.memory.store import MemoryStore

__all__ = ["MemoryLog", "MemoryStore", "SystemClock"]
