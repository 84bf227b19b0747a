"""Services side by side, each judged by the oracle: a story of invented commands, reactions, timers and repeats, in any order.

Whatever is asserted here holds after every step, whoever sent what in which order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from contracts.ids import derived, event_id
from contracts.message import CommandData, EventData
from contracts.timestamps import plus
from contracts.types import CommandId, Timestamp
from tests.fuzz.choosing import Chooser
from tests.fuzz.inventing import actors_for, invent
from tests.fuzz.openings import OPENINGS
from tests.support.oracle import START, Oracle
from workers.adapters.dynamodb_values import item_from_wire, item_to_wire
from workers.engine.aggregate import Handler
from workers.engine.decision import Accepted, Command, Decision, Item, ItemRef, Refused, ScheduleTimer
from workers.engine.service import Event, Query, Service
from workers.services.analytics.service import SERVICE as ANALYTICS
from workers.services.auth.service import SERVICE as AUTH
from workers.services.client.service import SERVICE as CLIENT
from workers.services.contract.service import SERVICE as CONTRACT
from workers.services.contractor.service import SERVICE as CONTRACTOR
from workers.services.kyc.service import SERVICE as KYC
from workers.services.lead.service import SERVICE as LEAD
from workers.services.notification.service import SERVICE as NOTIFICATION
from workers.services.payment.escrow import ESCROW, Escrow, EscrowStatus
from workers.services.payment.ledger import Transaction, reserve
from workers.services.payment.payee import PAYEE
from workers.services.payment.service import SERVICE as PAYMENT
from workers.services.user.service import SERVICE as USER

_ALL: Final = (AUTH, USER, CLIENT, CONTRACTOR, KYC, CONTRACT, PAYMENT, NOTIFICATION, LEAD, ANALYTICS)
SERVICES: Final[Mapping[str, Service]] = {each.name: each for each in _ALL}
HANDLERS: Final[Sequence[Handler[Any, Any]]] = tuple(handler for service in SERVICES.values() for handler in service.handlers)
FOREGROUNDS: Final[Mapping[str, Sequence[Handler[Any, Any]]]] = {
    "contract": CONTRACT.handlers,
    "escrow": tuple(each for each in PAYMENT.handlers if each.aggregate is ESCROW),
    "payee": tuple(each for each in PAYMENT.handlers if each.aggregate is PAYEE),
    "messages": NOTIFICATION.handlers,
    "accounts": AUTH.handlers,
    "people": (*AUTH.handlers, *USER.handlers),
    "company": CLIENT.handlers,
    "contractor": (*CONTRACTOR.handlers, *KYC.handlers),
    "checks": KYC.handlers,
    "visitors": (*LEAD.handlers, *ANALYTICS.handlers),
    "all": HANDLERS,
}
SCENES: Final = (
    *((name, name) for name in ("contract", "escrow", "payee", "messages", "people", "company", "contractor", "checks")),
    *(("troubles", name) for name in ("contract", "payee", "messages")),
    ("taken", "escrow"),
    *(("people", "accounts"),) * 3,
    ("leaving", "accounts"),
    *(("company", "company"),) * 2,
    *(("contractor", "contractor"),) * 2,
    ("contractor", "checks"),
    *(("requests", "visitors"),) * 2,
    ("gone", "visitors"),
    ("escrow and payee", "all"),
    ("contract", "all"),
    *(("nothing", name) for name in ("contract", "messages", "people", "company", "contractor", "visitors", "all")),
)
"""What a story begins with, and whose commands are made up from then on."""
HARMLESS: Final = frozenset(
    {
        *("state", "createdBy", "createdBy; the address's claim", "a token confirms once; the address's claim"),
        *("state; the message id's claim", "per field the newer source wins", "answers again, with the same check number"),
        *("a token sets one password, and so does an epoch", "state; an attempt is answered once", "state; once for each mail"),
        "state, as long as the contract is among the thousand that are kept",
    }
)
"""Ways to be idempotent that promise unchanged rows when a command comes again, however much later; so do those that remember."""
REASONS: Final = frozenset(
    {
        # domain.md 0.3, valid for every command
        *("not_found", "forbidden", "id_conflict", "id_mismatch", "erased", "invalid_state"),
        # domain.md 1 and 2: auth and user
        *("email_taken", "role_not_allowed", "too_many_requests", "token_invalid", "token_expired", "same_email", "stale_password"),
        *("user_not_active", "locked", "session_expired", "session_revoked"),
        *("file_type_not_allowed", "file_too_large", "timezone_unknown"),
        # domain.md 3: client
        *("already_verified", "registry_number_missing", "company_not_verified", "already_accepted"),
        *("invitation_expired", "invitation_revoked", "email_mismatch"),
        # domain.md 4 and 5: contractor and kyc
        *("kyc_already_verified", "kyc_session_open", "kyc_attempts_exhausted", "kyc_too_soon", "kyc_locked", "too_many_clients"),
        *("duplicate_bank_details", "too_many_bank_details", "not_attached", "is_default"),
        *("too_many_documents", "reason_required"),
        # domain.md 6: contract
        *("template_not_found", "template_type_mismatch", "template_invalid", "template_is_default", "version_gap", "dates_invalid"),
        *("unknown_variable", "variables_missing", "party_not_confirmed", "party_not_verified", "same_party", "not_sent"),
        "document_changed",
        # domain.md 7: payment
        *("escrow_closing", "escrow_closed", "currency_mismatch", "too_many_deposits", "deposit_in_progress", "insufficient_available"),
        *("release_in_flight", "amount_too_large", "deposit_disputed", "too_many_holds", "second_approver_required"),
        # domain.md 8 and 10: notification and lead
        *("attempts_exhausted", "date_past"),
    }
)
KEPT: Final = 6
"""Values remembered per field name, and commands that reactions asked for last."""
PAUSES: Final = ({"seconds": 0}, {"seconds": 1}, {"hours": 1}, {"days": 3}, {"days": 40})


@dataclass(frozen=True, slots=True)
class Sent:
    """A command as it was judged, to be sent again."""

    id: CommandId
    actor: str
    data: CommandData


class Judge(Oracle):
    """The oracle, telling also what it read: states must survive being saved."""

    def state_of(self, command: Command[Any], handler: Handler[Any, Any]) -> tuple[Any, dict[ItemRef, Item]]:
        asked = {handler.aggregate.root(command.key)}
        while True:
            found = {ref: self.items[ref] for ref in asked if ref in self.items}
            state = handler.aggregate.load(command.key, found)
            wanted = {read.ref for read in handler.reads(state, command)} - asked
            if not wanted:
                return state, found
            asked |= wanted


@dataclass
class World:
    """``trail``: what was done so far, for the reader of a failure. ``reached``: kinds of commands that were accepted, of events that
    followed, and codes of refusals. ``read``: rows that commands of a key read or wrote, by service and key."""

    chooser: Chooser
    judges: dict[str, Judge] = field(default_factory=lambda: {name: Judge(service) for name, service in SERVICES.items()})
    sent: list[Sent] = field(default_factory=list)
    offered: list[Sent] = field(default_factory=list)
    seen: dict[str, list[Any]] = field(default_factory=dict)
    at: Timestamp = START
    trail: list[tuple[Timestamp, Sent]] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    foreground: Sequence[Handler[Any, Any]] = HANDLERS
    read: dict[tuple[str, str], dict[ItemRef, None]] = field(default_factory=dict)

    def told(self) -> str:
        """The story so far, a line per command."""
        return "\n".join(f"{at} {sent.id} {sent.actor} {sent.data!r}" for at, sent in self.trail)

    def begin(self) -> None:
        """A beginning, or a part of one; from then on one part of the services is in the foreground."""
        opening, foreground = self.chooser.pick(SCENES)
        told = OPENINGS[opening]
        for actor, data in told[: self.chooser.pick((len(told), len(told), *range(len(told))))]:
            self.judge(Sent(self._next_id(), actor, data))
        self.foreground = FOREGROUNDS[foreground]

    def step(self) -> None:
        """One command, whatever the chooser likes."""
        self.at = plus(self.at, **self.chooser.pick(PAUSES))
        match self.chooser.pick(("offered", "invented", "timer", "again", "offered", "invented", "invented")):
            case "offered" if self.offered:
                self.judge(self.chooser.pick(self.offered))
            case "timer" if waiting := [timer for judge in self.judges.values() for timer in judge.timers.values()]:
                self._fire(self.chooser.pick(waiting))
            case "again" if self.sent:
                self.judge(self.chooser.pick(self.sent))
            case _:
                self._invented()

    def _fire(self, timer: ScheduleTimer) -> None:
        """In time, mostly; a decision may not rely on that."""
        self.at = max(self.at, self.chooser.pick((timer.due_at, timer.due_at, self.at)))
        self.judge(Sent(self._next_id(), "system:timer", timer.command))

    def _invented(self) -> None:
        data = invent(self.chooser.pick(self.foreground).command, self.chooser, self.seen)
        if data is not None:
            self.judge(Sent(self._next_id(), self.chooser.pick(actors_for(data)), data))

    def _next_id(self) -> CommandId:
        return CommandId(derived(f"fuzz:{len(self.trail)}"))

    def judge(self, sent: Sent) -> None:
        """Raises AssertionError where a promise is broken, and whatever a decision raises."""
        service = sent.data.service
        judge, again = self.judges[service], sent in self.sent
        handler = SERVICES[service].handler_of[sent.data.kind()]
        self.trail.append((self.at, sent))
        before, due = dict(judge.items), self._is_due(sent, judge)
        command = Command(sent.id, sent.data.key, sent.actor, sent.data)
        state, found = judge.state_of(command, handler)
        self.check_together(handler, command, state, found)
        told = len(judge.events)
        decision = judge.send(sent.data, actor=sent.actor, at=self.at, id=sent.id)
        _survives(handler, sent.data.key, state, found)
        if isinstance(decision, Accepted):
            _survives(handler, sent.data.key, decision.state, found)
        self._check_words(decision, judge.events[told:])
        if again and not due and (handler.idempotency in HARMLESS or "remember" in handler.idempotency):
            assert judge.items == before, f"{sent.data.kind()} again is not harmless: {_difference(before, judge.items)}"
        for ref in judge.items.keys() - {ref for ref, item in before.items() if judge.items.get(ref) == item}:
            _check_row(judge.items[ref])
            self._remember(judge.items[ref])
        _check_books(self.judges["payment"].items)
        if isinstance(decision, Accepted) and not again:
            self.sent.append(sent)
            self._follow(sent, judge.events[told:])

    def _is_due(self, sent: Sent, judge: Judge) -> bool:
        """A timer that was set anew sends the same once more, and by then it is right."""
        return any(timer.command == sent.data and timer.due_at <= self.at for timer in judge.timers.values())

    def check_together(self, handler: Handler[Any, Any], command: Command[Any], state: Any, found: Mapping[ItemRef, Item]) -> None:
        """Commands of one key may be judged in one go: rows that others of them read are there too, and change nothing."""
        known = self.read.setdefault((handler.command.service, command.key), {})
        known.update(dict.fromkeys(found))
        items = self.judges[handler.command.service].items
        more = handler.aggregate.load(command.key, {ref: items[ref] for ref in known if ref in items})
        alone, among = handler.decide(state, command, self.at), handler.decide(more, command, self.at)
        known.update(dict.fromkeys(handler.aggregate.save(alone.state) if isinstance(alone, Accepted) else ()))
        if not isinstance(alone, Accepted) or not isinstance(among, Accepted):
            assert alone == among, f"{handler.command.kind()} is judged otherwise beside other rows: {among!r} is not {alone!r}"
            return
        said = [(each.events, each.timers, each.claims) for each in (alone, among)]
        assert said[0] == said[1], f"{handler.command.kind()} says something else beside other rows"
        rows = {**handler.aggregate.save(more), **handler.aggregate.save(alone.state)}
        assert handler.aggregate.save(among.state) == rows, f"{handler.command.kind()} writes other rows than its own"

    def _check_words(self, decision: Decision[Any], events: Sequence[EventData]) -> None:
        if isinstance(decision, Refused):
            assert decision.reason in REASONS, f"{decision.reason} is no reason of domain.md"
            self.reached.add(decision.reason)
        timers = decision.timers if isinstance(decision, Accepted) else ()
        scheduled = [timer.command for timer in timers if isinstance(timer, ScheduleTimer)]
        for said in (*events, *scheduled):
            assert type(said).model_validate_json(said.to_json()) == said, f"{said!r} does not survive the log"

    def _follow(self, sent: Sent, events: Sequence[EventData]) -> None:
        """What the reactions of all services make of it."""
        self.reached.add(sent.data.kind())
        for index, data in enumerate(events):
            self.reached.add(data.kind())
            self._remember(data.to_item())
            event = Event(event_id(sent.id, type(data).__name__, index), sent.data.service, sent.data.key, self.at, sent.actor, data)
            for service in SERVICES.values():
                self._react(service, event)
        del self.offered[: -2 * KEPT]

    def _react(self, service: Service, event: Event[EventData]) -> None:
        for reaction in service.reactions:
            if reaction.event is type(event.data):
                rows = self._rows(service, reaction.query(event)) if reaction.query else []
                for send in reaction.react(event, rows):
                    self.offered.append(Sent(CommandId(derived(f"{event.id}{send}")), f"system:{service.name}", send.command))

    def _rows(self, service: Service, query: Query) -> list[Item]:
        """Which attributes an index has is the table's business; here a row that has the value anywhere is found."""
        items = self.judges[service.name].items
        return [item for ref, item in items.items() if ref.table == query.table and query.value in item.values()]

    def _remember(self, item: Mapping[str, Any]) -> None:
        for name, value in item.items():
            if isinstance(value, Mapping):
                self._remember(value)
            elif isinstance(value, str | int) and not isinstance(value, bool):
                known = self.seen.setdefault(name, [])
                if value not in known:
                    self.seen[name] = [value, *known][:KEPT]


def _survives(handler: Handler[Any, Any], key: str, state: Any, found: Mapping[ItemRef, Item]) -> None:
    """What is saved loads as it was, with the rows of others that were read beside it."""
    saved = handler.aggregate.save(state)
    loaded = handler.aggregate.load(key, {**found, **saved})
    assert loaded == state, f"a state of {handler.command.kind()} does not survive: {loaded!r} is not {state!r}"


def _check_row(item: Item) -> None:
    """A store can take it: no floats, no absent values; sizes can be told."""
    orjson.dumps(item)
    assert item_from_wire(item_to_wire(item)) == _plain(item)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _difference(before: Mapping[ItemRef, Item], after: Mapping[ItemRef, Item]) -> object:
    return {ref: (before.get(ref), item) for ref, item in after.items() if before.get(ref) != item}


def _check_books(items: Mapping[ItemRef, Item]) -> None:
    """Each escrow's balance is the sum of what its rows posted, and what it reserves is what its rows reserve."""
    rows = [Transaction.from_item(item) for ref, item in items.items() if ref.table == "payment-transactions"]
    for ref, item in items.items():
        if ref.table != "payment-escrow" or "#" in ref.key:
            continue
        escrow, own = Escrow.from_item(item), [row for row in rows if row.contract_id == ref.key]
        assert sum(row.posted for row in own) == escrow.balance, "the ledger does not add up to the balance"
        assert sum(reserve(row, escrow.currency) for row in own) == escrow.reserved, "what rows reserve is not what the escrow reserves"
        assert escrow.held == sum(hold.amount for hold in escrow.holds.values()) + sum(escrow.disputes.values()), "holds do not add up"
        assert escrow.status is not EscrowStatus.CLOSED or escrow.settled, "an escrow with money in it is closed"
