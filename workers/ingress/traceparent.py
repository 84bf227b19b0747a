"""W3C Trace Context: the caller's ``traceparent`` if it is a valid one, else a new trace. https://www.w3.org/TR/trace-context/"""

import re
import secrets
from typing import Final

_FORM: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent_of(*candidates: str | None) -> str:
    for candidate in candidates:
        if candidate and _FORM.fullmatch(candidate):
            return candidate
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
