"""What a template may say: text and ``{{ name }}``, nothing else of the template language. Checked here, without the language."""

import re

_OPENING = re.compile(r"\{[{%#]")
_PLACEHOLDER = re.compile(r"\{\{[ \t]*([A-Za-z][A-Za-z0-9_]{0,79})[ \t]*\}\}")

# Words that the language reads as a literal, an operator or itself, never as a name that was filled.
_RESERVED = frozenset(
    {"and", "else", "false", "False", "if", "in", "is", "none", "None", "not", "or", "true", "True"}
    | {"self", "super", "caller", "loop", "varargs", "kwargs"}
)

FROM_CONTRACT = frozenset(
    {
        "contractTitle",
        "clientName",
        "clientCountry",
        "contractorName",
        "contractorCountry",
        "startDate",
        "endDate",
        "currency",
        "totalAmount",
        "hourlyRate",
    }
)
"""Placeholders that the contract itself fills; its variables fill the rest (domain.md 17)."""


class TemplateInvalid(ValueError):
    """The content is more than text and placeholders."""


def placeholders(content: str) -> frozenset[str]:
    """Names in ``content``. Raises TemplateInvalid."""
    names: set[str] = set()
    position = 0
    while opening := _OPENING.search(content, position):
        found = _PLACEHOLDER.match(content, opening.start())
        if found is None or found[1] in _RESERVED:
            raise TemplateInvalid(f"not a placeholder: {content[opening.start() : opening.start() + 40]!r}")
        names.add(found[1])
        position = found.end()
    return frozenset(names)
