"""What a line of section 13 of domain.md is made of: who hears of it, and how each variable is taken from the event."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from contracts.links import LinkPurpose
from contracts.message import EventData
from contracts.notification.values import CalendarDay, Category, Moment, Money, PageLink, Phrase, TemplateName, TokenLink, Variable
from contracts.types import Address, Channel, Hash, Locale, Pii, RecipientId
from workers.engine.service import Event
from workers.services.notification.recipient import ADMINS

E = TypeVar("E", bound=EventData)

CODE = re.compile(r"[a-z]+(_[a-z]+)+")

EMAIL, IN_APP = (Channel.EMAIL,), (Channel.IN_APP,)
BOTH = (Channel.EMAIL, Channel.IN_APP)
ALL = (Channel.EMAIL, Channel.SMS, Channel.IN_APP)
SEC, TXN, PROD = Category.SECURITY, Category.TRANSACTIONAL, Category.PRODUCT


@dataclass(frozen=True, slots=True)
class Addressee:
    """``address`` only where the message does not go to the recipient's own; ``locale`` only where nobody knows the recipient's."""

    recipient_id: RecipientId
    address: Pii[Address] | None = None
    address_hash: Hash | None = None
    locale: Locale | None = None


@dataclass(frozen=True, slots=True)
class Row(Generic[E]):
    """One line of the table. ``variables``: how each is taken from the event (``Event``, not its data alone)."""

    event: type[E]
    addressees: Callable[[E], Sequence[Addressee]]
    channels: tuple[Channel, ...]
    category: Category
    template: TemplateName
    variables: Mapping[str, Callable[[Event[E]], Variable]]


# --- recipients ----------------------------------------------------------------------------------------------------


def users(*ids: str | None) -> list[Addressee]:
    return [Addressee(RecipientId(id_)) for id_ in ids if id_ is not None]


def user(data: Any) -> list[Addressee]:
    return users(data.user_id)


def client(data: Any) -> list[Addressee]:
    return users(data.client_user_id)


def contractor(data: Any) -> list[Addressee]:
    return users(data.contractor_user_id)


def parties(data: Any) -> list[Addressee]:
    return users(data.client_user_id, data.contractor_user_id)


def admins(_data: Any) -> list[Addressee]:
    return [Addressee(ADMINS)]


def client_and_admins(data: Any) -> list[Addressee]:
    return [*client(data), *admins(data)]


# --- variables -----------------------------------------------------------------------------------------------------


def text(name: str) -> Callable[[Event[Any]], Variable]:
    """The field as it came; an absent one is an empty text, since a missing variable is an error."""

    def build(event: Event[Any]) -> Variable:
        value: str | None = getattr(event.data, name)
        return "" if value is None else str(value)

    return build


def number(name: str) -> Callable[[Event[Any]], Variable]:
    def build(event: Event[Any]) -> Variable:
        value: int = getattr(event.data, name)
        return value

    return build


def phrase(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda event: Phrase(code=str(getattr(event.data, name)))


def code_or_words(reason: str) -> Variable:
    """Where machines give codes and people their own words."""
    return Phrase(code=reason) if CODE.fullmatch(reason) else reason


def moment(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda event: Moment(at=getattr(event.data, name))


def now(event: Event[Any]) -> Variable:
    """When it happened."""
    return Moment(at=event.at)


def day(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda event: CalendarDay(day=getattr(event.data, name))


def money(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda event: Money(amount=getattr(event.data, name), currency=str(event.data.currency))


def page(name: str) -> Callable[[Event[Any]], Variable]:
    return lambda _event: PageLink(page=name)


def token(purpose: LinkPurpose, id_: str = "user_id") -> Callable[[Event[Any]], Variable]:
    """``id_``: the field that the token is bound to."""

    def build(event: Event[Any]) -> Variable:
        return TokenLink(purpose=purpose, id=getattr(event.data, id_), nonce=event.data.nonce, kid=event.data.kid)

    return build


def kind(event: Event[Any]) -> Variable:
    return f"{event.service}.{type(event.data).__name__}"


def key(event: Event[Any]) -> Variable:
    return event.key


def alert(event: type[E], detail: Callable[[Event[Any]], Variable]) -> Row[E]:
    """People have to look at it."""
    return Row(event, admins, BOTH, TXN, "admin-alert", {"subject": kind, "key": key, "detail": detail})
