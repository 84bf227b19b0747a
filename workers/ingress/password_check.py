"""Whether a password is an account's: as much work for an address that has none."""

from typing import Final

from contracts.clear import Clear, Redacted
from contracts.sealed import PASSWORD_HASH, KeysUnavailable, Reader
from contracts.types import Purpose
from workers.adapters.passwords import RETRY_AFTER, PasswordsBusy
from workers.ingress.dependencies import PasswordHashes, Passwords
from workers.ingress.problems import Problem
from workers.ingress.refresh_tokens import new_secret
from workers.ingress.sealing import keys_answer

BUSY: Final = "Too many passwords are being checked."


class PasswordCheck:
    """Opens one sealed hash and checks one bcrypt hash a call, off the event loop. Nobody's hash has the cost of those made today: an
    account whose hash is of another cost takes another time until its password is set again."""

    def __init__(self, hashes: PasswordHashes, passwords: Passwords) -> None:
        self._hashes, self._passwords = hashes, passwords
        self._nobodys: str | None = None

    async def matches(self, password: Clear, sealed: str | None) -> bool:
        """``sealed``: the account's hash; None when there is no account, which nothing matches. Raises Problem ``busy``,
        ``keys_unavailable``."""
        try:
            async with keys_answer():
                nobodys = self._nobodys or await self._made()
                hashed = await self._hashes.open(sealed or nobodys, PASSWORD_HASH)
                if isinstance(hashed, Redacted):
                    raise KeysUnavailable("the key of the sign-in was destroyed")
                right = await self._passwords.matches(password, hashed)
        except PasswordsBusy as error:
            raise Problem("busy", BUSY, retry_after=RETRY_AFTER) from error
        return right and sealed is not None

    async def _made(self) -> str:
        hashed = await self._passwords.hash(Clear(new_secret()))
        self._nobodys = await self._hashes.seal(Purpose.READER, Reader.SIGN_IN, PASSWORD_HASH, hashed.reveal())
        return self._nobodys
