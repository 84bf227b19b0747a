"""Opens sealed values for the effects that are declared to read them."""

from contracts.sealed import VALUE
from workers.adapters.sealing import MasterKeySealer


class ValueReader:
    """Reads a person's values (purposes subject and legal)."""

    def __init__(self, sealer: MasterKeySealer) -> None:
        self._sealer = sealer

    async def open(self, sealed: str) -> str | None:
        """None once the key is destroyed. Raises ForgedSealError for what nobody sealed."""
        return self._sealer.open(sealed, VALUE)
