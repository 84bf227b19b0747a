"""The last line of defence of the logs: whatever looks like a secret or a personal value is masked, whoever let it slip.

No code may rely on this; it is for the client library that quotes a request in its error.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

MASK: Final = "***"
SHORTEST: Final = 6
"""Characters of a secret that is looked for by its own text; a shorter one would blot out words."""
_NAMES: Final = re.compile(
    r"(?i)passw|secret|token|authori[sz]ation|api_?key|master_?key|link_?keys|cookie|e_?mail|phone|address$|account_?number"
)
_LOOKS: Final = re.compile(
    r"\b(?:sk|rk|pk|whsec)_[A-Za-z0-9_]+"  # Stripe
    r"|\$2[aby]\$\d\d\$[./A-Za-z0-9]+"  # bcrypt
    r"|(?i:\b(?:bearer|basic)\s+)[^\s,;\"']+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user and password of an address
    r"|[^\s@<>\"'(),;:=\[\]{}]+@[\w-]+(?:\.[\w-]+)+"  # e-mail
    r"|(?<![\w+])\+[1-9]\d{7,14}\b"  # E.164
)


class Masking:
    """A structlog processor. Events keep their form; only texts in them change."""

    def __init__(self) -> None:
        self._known: re.Pattern[str] | None = None
        self._secrets: set[str] = set()

    def hide(self, secrets: Iterable[str]) -> None:
        """These texts are masked wherever they stand, from now on."""
        self._secrets |= {secret for secret in secrets if len(secret) >= SHORTEST}
        longest_first = sorted(self._secrets, key=lambda secret: (-len(secret), secret))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        known = self._known.sub(MASK, text) if self._known else text
        return _LOOKS.sub(MASK, known)

    def __call__(self, logger: object, method: str, event: Mapping[str, Any]) -> dict[str, Any]:
        return {name: MASK if _is_secret(name, value) else self._value(value) for name, value in event.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: MASK if _is_secret(str(name), each) else self._value(each) for name, each in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return [self._value(each) for each in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))


def _is_secret(name: str, value: Any) -> bool:
    return isinstance(value, str) and _NAMES.search(name) is not None


MASKING: Final = Masking()
"""The process's own."""
