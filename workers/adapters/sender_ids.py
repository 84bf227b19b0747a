"""Under which name an SMS goes out, by the calling code of its recipient. Names are registered per country."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

EVERYWHERE: Final = "+"
REGISTERED_ONLY: Final = ("+20", "+971")
"""Egypt and the Emirates: their carriers drop what comes under no registered name."""
_CODE: Final = re.compile(r"\+(?:[1-9]\d{0,6})?")
_NAME: Final = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9]{1,11}")


@dataclass(frozen=True, slots=True)
class SenderIds:
    """``by_code``: names by calling code; the longest that a number begins with decides."""

    by_code: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """``+20:MindLinks,+971:MindLinks``; ``+`` alone means every other country. Raises ValueError."""
        pairs = [each.strip().partition(":") for each in text.split(",") if each.strip()]
        if any(not _CODE.fullmatch(code) or not _NAME.fullmatch(name) for code, _, name in pairs):
            raise ValueError("sender ids are written +<calling code>:<1 to 11 letters and digits>, separated by commas")
        return cls({code: name for code, _, name in pairs})

    def of(self, number: str) -> str | None:
        """None: it goes out under a number of the provider's."""
        fitting = [code for code in self.by_code if number.startswith(code)]
        return self.by_code[max(fitting, key=len)] if fitting else None

    def is_missing(self, number: str) -> bool:
        """No carrier would deliver it, because none of our names is registered there. A name for every country is registered nowhere."""
        named = any(number.startswith(code) for code in self.by_code if code != EVERYWHERE)
        return number.startswith(REGISTERED_ONLY) and not named
