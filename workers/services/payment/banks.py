"""Bank accounts of a payee on their way to Stripe: one step at a time each, so that no detach overtakes its attach."""

from contracts.contractor import BankAction
from contracts.payment.commands import RecordPayeeBankFailed, RecordPayeeBankSynced, SyncPayeeBank
from contracts.payment.events import PayeeBankFailed, PayeeBankSynced, PayeeBankSyncRequested
from contracts.types import BankDetailsId, Timestamp
from workers.engine.decision import UNCHANGED, Accepted, Command, Decision, Refused
from workers.services.payment.payee import Bank, BankState, Payee, PayeeState

MOST_BANKS = 10
NO_NUMBERS = {"account_number": None, "routing_number": None}


def sync_payee_bank(state: PayeeState, command: Command[SyncPayeeBank], _at: Timestamp) -> Decision[PayeeState]:
    data, banks = command.data, (state.payee or Payee()).banks
    bank = banks.get(data.bank_details_id)
    if bank is None:
        return _new_bank(state, data)
    if data.wanted is BankAction.ATTACH or (data.wanted is bank.wanted and bank.state is not BankState.FAILED):
        return UNCHANGED
    bank = bank.model_copy(update={"wanted": data.wanted})
    state = _only_default(_with_bank(state, data.bank_details_id, bank), data)
    if bank.state is BankState.REQUESTED:
        return Accepted(state)
    return Accepted(*_next(state, data.bank_details_id))


def _new_bank(state: PayeeState, data: SyncPayeeBank) -> Decision[PayeeState]:
    if data.account_number is None:
        return UNCHANGED if data.wanted is BankAction.DETACH else Refused("not_found")
    if len((state.payee or Payee()).banks) >= MOST_BANKS:
        return Refused("invalid_state")
    bank = Bank(
        state=BankState.WAITING,
        wanted=data.wanted,
        account_number=data.account_number,
        routing_number=data.routing_number,
        currency=data.currency,
        country=data.country,
    )
    return Accepted(*_next(_only_default(_with_bank(state, data.bank_details_id, bank), data), data.bank_details_id))


def record_payee_bank_synced(state: PayeeState, command: Command[RecordPayeeBankSynced], _at: Timestamp) -> Decision[PayeeState]:
    data, payee = command.data, state.known
    if payee is None:
        return Refused("not_found")
    bank = payee.banks.get(data.bank_details_id)
    if bank is None or state.heard(command.id) or _is_old(bank, data):
        return UNCHANGED
    state, requests = _after(state.hearing(command.id), bank, data)
    said = PayeeBankSynced(
        **state.said(), bank_details_id=data.bank_details_id, action=data.action, external_account_id=data.external_account_id
    )
    return Accepted(state, (said, *requests))


def _after(state: PayeeState, bank: Bank, data: RecordPayeeBankSynced) -> tuple[PayeeState, tuple[PayeeBankSyncRequested, ...]]:
    """The bank after a step that Stripe took, and the next one if more is wanted."""
    if data.action is BankAction.DETACH:
        return _without_bank(state, data.bank_details_id), ()
    changes = {"state": BankState.SYNCED, "external_account_id": data.external_account_id, **NO_NUMBERS}
    state = _with_bank(state, data.bank_details_id, bank.model_copy(update=changes))
    return (state, ()) if bank.wanted is data.action else _next(state, data.bank_details_id)


def _is_old(bank: Bank, data: RecordPayeeBankSynced) -> bool:
    """An attachment that is known, or the result of a step that nobody waits for any more."""
    if data.action is BankAction.ATTACH:
        return bank.external_account_id is not None
    return bank.state is not BankState.REQUESTED


def record_payee_bank_failed(state: PayeeState, command: Command[RecordPayeeBankFailed], _at: Timestamp) -> Decision[PayeeState]:
    data, payee = command.data, state.known
    if payee is None:
        return Refused("not_found")
    bank = payee.banks.get(data.bank_details_id)
    if bank is None or state.heard(command.id) or bank.state is not BankState.REQUESTED:
        return UNCHANGED
    state = state.hearing(command.id)
    said = PayeeBankFailed(**state.said(), bank_details_id=data.bank_details_id, code=data.code)
    if bank.wanted is BankAction.DETACH and bank.external_account_id is None:
        return Accepted(_without_bank(state, data.bank_details_id), (said,))
    failed = bank.model_copy(update={"state": BankState.FAILED, **NO_NUMBERS})
    return Accepted(_with_bank(state, data.bank_details_id, failed), (said,))


def send_waiting(state: PayeeState) -> tuple[PayeeState, tuple[PayeeBankSyncRequested, ...]]:
    """Ask for every bank that waited for the account."""
    requests: tuple[PayeeBankSyncRequested, ...] = ()
    for bank_details, bank in (state.payee or Payee()).banks.items():
        if bank.state is BankState.WAITING:
            state, asked = _next(state, bank_details)
            requests += asked
    return state, requests


def _next(state: PayeeState, bank_details: BankDetailsId) -> tuple[PayeeState, tuple[PayeeBankSyncRequested, ...]]:
    """The next step towards what is wanted of a bank that has no step at Stripe; nothing while there is no account."""
    payee = state.payee or Payee()
    bank = payee.banks[bank_details]
    attached = bank.external_account_id is not None
    if bank.wanted is BankAction.DETACH and not attached:
        return _without_bank(state, bank_details), ()
    if payee.stripe_account_id is None or (bank.account_number is None and not attached):
        return state, ()
    asked = PayeeBankSyncRequested(
        **state.said(),
        stripe_account_id=payee.stripe_account_id,
        bank_details_id=bank_details,
        wanted=bank.wanted if attached else BankAction.ATTACH,
        account_number=bank.account_number,
        routing_number=bank.routing_number,
        currency=bank.currency,
        country=bank.country,
    )
    return _with_bank(state, bank_details, bank.model_copy(update={"state": BankState.REQUESTED})), (asked,)


def _only_default(state: PayeeState, data: SyncPayeeBank) -> PayeeState:
    """The newest wish for a default is the only one: older ones must not come back with a late attachment."""
    if data.wanted is not BankAction.DEFAULT:
        return state
    for bank_details, bank in (state.payee or Payee()).banks.items():
        if bank.wanted is BankAction.DEFAULT and bank_details != data.bank_details_id:
            state = _with_bank(state, bank_details, bank.model_copy(update={"wanted": BankAction.ATTACH}))
    return state


def _with_bank(state: PayeeState, bank_details: BankDetailsId, bank: Bank) -> PayeeState:
    return state.with_payee(banks={**(state.payee or Payee()).banks, bank_details: bank})


def _without_bank(state: PayeeState, bank_details: BankDetailsId) -> PayeeState:
    banks = (state.payee or Payee()).banks
    return state.with_payee(banks={name: bank for name, bank in banks.items() if name != bank_details})
