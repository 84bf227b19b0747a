"""Who hears of what, through which channels: section 13 of domain.md as data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from contracts.ids import address_recipient_id
from contracts.message import EventData
from contracts.notification.events import AddressSuppressed
from workers.services.notification import rows_contract, rows_lead, rows_payment, rows_people
from workers.services.notification.columns import IN_APP, TXN, Addressee, Row, page, users

COMMON_VARIABLES = frozenset({"firstName", "appUrl", "locale"})
"""Every message has them; the rendering effects fill them in."""
SEALED_VARIABLES = frozenset({"clientName", "contractorName", "signerName", "companyName", "contractorEmail", "device", "name"})
"""Only these are opened. Any other text is somebody's own and shown as it is, even when it looks sealed."""


def user_if_known(data: AddressSuppressed) -> list[Addressee]:
    without_account = data.recipient_id == address_recipient_id(data.address_hash)
    return [] if without_account else users(data.recipient_id)


ROWS: tuple[Row[Any], ...] = (
    *rows_people.ROWS,
    *rows_contract.ROWS,
    *rows_payment.ROWS,
    *rows_lead.ROWS,
    Row(AddressSuppressed, user_if_known, IN_APP, TXN, "email-unreachable", {"link": page("settings")}),
)


def _by_event() -> Mapping[type[EventData], tuple[Row[Any], ...]]:
    return MappingProxyType({row.event: tuple(other for other in ROWS if other.event is row.event) for row in ROWS})


def _by_template() -> Mapping[str, frozenset[str]]:
    names: dict[str, frozenset[str]] = {}
    for row in ROWS:
        names[row.template] = names.get(row.template, frozenset(row.variables)) & frozenset(row.variables)
    return MappingProxyType(names)


ROWS_OF = _by_event()
VARIABLES_OF = _by_template()


def allowed_variables(template: str) -> frozenset[str]:
    """What every row gives this template; only the common ones for a template that no row names yet."""
    return VARIABLES_OF.get(template, frozenset()) | COMMON_VARIABLES
