"""What the rows of a person say about the erasure, service by service. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from contracts.auth import ErasurePart
from contracts.contract.standing import ContractStanding
from contracts.timestamps import from_seconds
from contracts.types import Purpose
from workers.adapters.subject_keys import KeyState
from workers.engine.decision import Item
from workers.ops.erasure_reading import Found
from workers.ops.erasure_report import Fate, Line, Report, Standing
from workers.services.auth.timers import legal_destruction_due
from workers.services.auth.user import ErasureState

UNREADABLE: Final = "what is personal in it opens no more"
SEALED: Final = "what is personal in it is sealed under the person's key and goes with it"
DEFERRED: Final = "open contracts: erased by itself when the escrow of the last one closes"
LEGAL: Final = "legal duty"
STRIPES: Final = "the connected account stays under Stripe's own duty"
WANTED: Final = "waits for its service"
ANSWERED: Final = "its service answered"
EVERY_PART: Final = "goes when every part is erased"
DAY_AFTER: Final = "a day after the request, so that its confirmation still leaves"


def report(found: Found) -> Report:
    account = found.one.get("auth-users")
    if account is None:
        return Report(found.user, Standing.UNKNOWN)
    erasure = account.get("erasure", {})
    answered = erasure.get("parts", {})
    return Report(
        found.user,
        _standing(found),
        erasure.get("requestedAt"),
        erasure.get("erasedAt"),
        {part: answered.get(part) for part in ErasurePart} if erasure else {},
        list(_lines(found)),
    )


# --- the whole -----------------------------------------------------------------------------------------------------


def _erasure(found: Found) -> Item:
    erasure: Item = found.one["auth-users"].get("erasure", {})
    return erasure


def _standing(found: Found) -> Standing:
    state = _erasure(found).get("state")
    if state is None:
        return Standing.NOT_REQUESTED
    if state in (ErasureState.REQUESTED, ErasureState.DESTROYING):
        return (
            Standing.DEFERRED
            if any(_deferred(found, table) for table in ("client-companies", "contractor-profiles"))
            else (Standing.IN_PROGRESS)
        )
    return Standing.DONE


def _deferred(found: Found, table: str) -> bool:
    return bool(found.one.get(table, {}).get("erasureRequested"))


def _fate(found: Found, part: ErasurePart, *, erased: bool) -> Fate:
    """Of what a part erases: what the row says, beside what its service answered."""
    if erased:
        return Fate.ERASED
    if not _erasure(found):
        return Fate.PRESENT
    return Fate.LEFT if part in _erasure(found).get("parts", {}) else Fate.WAITING


def _lines(found: Found) -> Iterator[Line]:
    for lines in (_auth, _user, _client, _contractor, _kyc, _contract, _payment, _notification, _lead, _analytics):
        yield from lines(found)


def _sealed(found: Found) -> str:
    return UNREADABLE if found.key_is_gone(Purpose.SUBJECT) else SEALED


# --- the parts -----------------------------------------------------------------------------------------------------


def _auth(found: Found) -> Iterator[Line]:
    state = _erasure(found).get("state")
    asked, emptied = state is not None, state not in (None, ErasureState.REQUESTED)
    held = "email" in found.one["auth-users"] or "passwordHash" in found.one["auth-users"]
    fate = (Fate.LEFT if emptied else Fate.WAITING if asked else Fate.PRESENT) if held else Fate.ERASED
    yield Line("auth", "address and password", fate, EVERY_PART if fate is Fate.WAITING else "")
    yield _key(found, Purpose.SUBJECT, asked, done=state not in (None, ErasureState.REQUESTED, ErasureState.DESTROYING))
    yield _key(found, Purpose.LEGAL, asked, done=state == ErasureState.COMPLETE)
    yield from _remaining(found, "auth", "auth-sessions", "sign-ins", asked, _sealed(found))


def _key(found: Found, purpose: Purpose, asked: bool, *, done: bool) -> Line:
    row, what = found.keys.get(purpose), f"{purpose} key"
    if row is None:
        return Line("auth", what, Fate.ERASED, "there never was one")
    if row.state is KeyState.DESTROYED:
        return Line("auth", what, Fate.ERASED, f"destroyed {row.destroyed_at}")
    if done:
        return Line("auth", what, Fate.LEFT)
    if purpose is Purpose.LEGAL and asked:
        erased_at = _erasure(found).get("erasedAt")
        return Line("auth", what, Fate.KEPT, LEGAL, until=legal_destruction_due(erased_at) if erased_at else None)
    return Line("auth", what, Fate.WAITING if asked else Fate.PRESENT, EVERY_PART if asked else "")


def _user(found: Found) -> Iterator[Line]:
    for table, what in (("user-profiles", "profile"), ("user-preferences", "preferences")):
        if row := found.one.get(table):
            fate = _fate(found, ErasurePart.USER, erased=bool(row.get("erased")))
            yield Line("user", what, fate, "" if fate is not Fate.WAITING else WANTED)


def _client(found: Found) -> Iterator[Line]:
    yield from _party(found, ErasurePart.CLIENT, "client-companies", "company")
    if invitations := found.listed["client-invitations"]:
        why = "an invited address's values go with that address, the row with its TTL"
        yield Line("client", f"invitations ({_by(invitations, 'status')})", _stays(found), why, len(invitations))


def _contractor(found: Found) -> Iterator[Line]:
    yield from _party(found, ErasurePart.CONTRACTOR, "contractor-profiles", "contractor")
    banks = [row for row in found.listed["contractor-bank-details"] if row["status"] != "removed"]
    if found.listed["contractor-bank-details"]:
        count = len(banks) or len(found.listed["contractor-bank-details"])
        fate = Fate.DEFERRED if _deferred(found, "contractor-profiles") else _fate(found, ErasurePart.CONTRACTOR, erased=not banks)
        yield Line("contractor", "bank details", fate, DEFERRED if fate is Fate.DEFERRED else "", count)


def _party(found: Found, part: ErasurePart, table: str, what: str) -> Iterator[Line]:
    row = found.one.get(table)
    if row is None:
        return
    if _deferred(found, table):
        yield Line(part, what, Fate.DEFERRED, DEFERRED, sum(each == ContractStanding.OPEN for each in row["contractStates"].values()))
    else:
        fate = _fate(found, part, erased=bool(row.get("erased")))
        yield Line(part, what, fate, WANTED if fate is Fate.WAITING else "")


def _kyc(found: Found) -> Iterator[Line]:
    """Restricted, then destroyed by their own timer."""
    for session in found.listed["kyc-sessions"]:
        until = session.get("retainUntil")
        if session.get("destruction") == "destroyed":
            yield Line("kyc", "identity check", Fate.ERASED, "its records were destroyed")
        elif session.get("restricted"):
            yield Line(
                "kyc", "identity check and its records", Fate.KEPT, f"{LEGAL}; nobody but an admin's legal request reads it", until=until
            )
        else:
            fate = _fate(found, ErasurePart.CONTRACTOR, erased=False)
            deferred = _deferred(found, "contractor-profiles")
            yield Line(
                "kyc", "identity check and its records", Fate.DEFERRED if deferred else fate, DEFERRED if deferred else "", until=until
            )
    if there := [row for row in found.listed["kyc-documents"] if not row.get("destroyed")]:
        yield Line("kyc", "identity documents in S3", _stays(found), f"{LEGAL}; destroyed with their identity check", len(there))


def _contract(found: Found) -> Iterator[Line]:
    if contracts := found.listed["contract-contracts"]:
        why = f"{LEGAL}: ids, amounts, legal names, signed documents"
        yield Line("contract", f"contracts ({_by(contracts, 'status')})", _stays(found), why, len(contracts))


def _payment(found: Found) -> Iterator[Line]:
    if ledger := found.listed["payment-transactions"]:
        yield Line("payment", "ledger rows", _stays(found), f"{LEGAL}: ids and amounts", len(ledger))
    payee = found.one.get("payment-escrow")
    if payee is None:
        return
    yield Line("payment", "payee", _stays(found), STRIPES)
    if numbers := sum("accountNumber" in bank for bank in payee.get("banks", {}).values()):
        yield Line("payment", "bank numbers on their way to Stripe", _unsent(found), "sealed for nobody but that call", numbers)


def _unsent(found: Found) -> Fate:
    return _fate(found, ErasurePart.CONTRACTOR, erased=False)


def _notification(found: Found) -> Iterator[Line]:
    if row := found.one.get("notification-notifications"):
        fate = _fate(found, ErasurePart.NOTIFICATION, erased=bool(row.get("erased")))
        waits = fate is Fate.WAITING
        yield Line("notification", "addresses and wishes", fate, DAY_AFTER if waits else "", until=row.get("eraseAt") if waits else None)
    asked = bool(_erasure(found))
    yield from _remaining(found, "notification", "notification-notifications", "messages", asked, _sealed(found))


def _lead(found: Found) -> Iterator[Line]:
    """The account forgets the address when every part is erased; then the answer is all there is."""
    answered = ErasurePart.LEAD in _erasure(found).get("parts", {})
    if _erasure(found):
        yield Line("lead", "what was sealed for the address", Fate.ERASED if answered else Fate.WAITING, ANSWERED if answered else WANTED)
    elif found.address is not None:
        yield Line("lead", "what was sealed for the address", Fate.ERASED, "of before there was an account")


def _analytics(found: Found) -> Iterator[Line]:
    visits, tombstone = found.listed["website-sessions"], found.one.get("website-sessions")
    if visits:
        yield Line("analytics", "visits", _fate(found, ErasurePart.ANALYTICS, erased=False), "", len(visits))
    elif tombstone is not None:
        counts = f"{tombstone.get('visits', 0)} visits, {tombstone.get('events', 0)} events"
        yield Line("analytics", "visits", Fate.ERASED if tombstone.get("done") else Fate.WAITING, counts)


# --- words ---------------------------------------------------------------------------------------------------------


def _stays(found: Found) -> Fate:
    return Fate.KEPT if _erasure(found) else Fate.PRESENT


def _remaining(found: Found, service: str, table: str, what: str, asked: bool, why: str) -> Iterator[Line]:
    """Rows that stay until their TTL."""
    if rows := found.listed[table]:
        last = max((row["expiresAt"] for row in rows if "expiresAt" in row), default=None)
        until = from_seconds(last) if last is not None else None
        yield Line(service, what, Fate.KEPT if asked else Fate.PRESENT, why if asked else "", len(rows), until)


def _by(rows: Iterable[Item], attribute: str) -> str:
    counts = Counter(str(row.get(attribute)) for row in rows)
    return ", ".join(f"{count} {value}" for value, count in sorted(counts.items()))
