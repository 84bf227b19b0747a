"""The outside as lead needs it: the store of the keys that addresses' values are sealed under."""

from typing import Protocol

from contracts.types import Hash


class AddressKeys(Protocol):
    async def destroy(self, email_hash: Hash) -> int:
        """Afterwards nothing that was sealed for the address until now opens, anywhere, ever. Answers the last generation that is gone;
        one that was gone already, or never was, is a success too. What is sealed for the address later has a generation of its own.

        Raises ``contracts.sealed.KeysUnavailable``, after which the same may be asked again.
        """
        ...
