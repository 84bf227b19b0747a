"""What payees ask of Stripe: a connected account, its status, its bank accounts."""

from contracts.clear import Redacted
from contracts.contractor import BankAction
from contracts.message import CommandData
from contracts.payment.commands import (
    RecordPayeeAccountCreated,
    RecordPayeeAccountFailed,
    RecordPayeeAccountStatus,
    RecordPayeeBankFailed,
    RecordPayeeBankSynced,
)
from contracts.payment.events import PayeeAccountRefreshRequested, PayeeAccountRequested, PayeeBankSyncRequested
from workers.engine.decision import ItemRef
from workers.engine.service import Call, Done, Event, Failed, Result
from workers.services.payment import ports
from workers.services.payment.effects import PROVIDER_ERROR, Rows, outcome
from workers.services.payment.escrow import ESCROWS
from workers.services.payment.payee import DEAUTHORIZED, Payee, payee_key
from workers.services.payment.ports import Account, AccountRequest, BankRequest, Lost, PaymentProvider, Problem, Refusal


async def create_account(call: Call[PayeeAccountRequested], _rows: Rows, port: PaymentProvider) -> Result:
    """Accounts can't be searched, so past the key's lifetime people decide: the webhook of an account that does exist still counts."""
    data = call.event.data
    if call.stale:
        return _account_failed(data, "outcome_unknown")
    answer = await port.create_account(AccountRequest(call.id, data.country, data.contractor_id, call.environment))
    match answer:
        case Account():
            said = RecordPayeeAccountCreated(contractor_id=data.contractor_id, stripe_account_id=answer.id)
            return Done((said,), answer.id)
        case Refusal():
            return _account_failed(data, answer.code)
        case Lost(replayed=True):
            return _account_failed(data, PROVIDER_ERROR)
        case _:
            return outcome(answer)


def _account_failed(data: PayeeAccountRequested, code: str) -> Done:
    return Done((RecordPayeeAccountFailed(contractor_id=data.contractor_id, code=code),))


async def fetch_account(call: Call[PayeeAccountRefreshRequested], _rows: Rows, port: PaymentProvider) -> Result:
    data = call.event.data
    answer = await port.get_account(data.stripe_account_id)
    match answer:
        case Account():
            return Done((_status(data, answer),), answer.id)
        case Refusal(status=403 | 404, as_of=as_of):
            left = Account(data.stripe_account_id, False, False, (), DEAUTHORIZED, as_of)
            return Done((_status(data, left),), left.id)
        case _:
            return outcome(answer)


def _status(data: PayeeAccountRefreshRequested, account: Account) -> CommandData:
    return RecordPayeeAccountStatus(
        contractor_id=data.contractor_id,
        stripe_account_id=data.stripe_account_id,
        transfers_active=account.transfers_active,
        payouts_enabled=account.payouts_enabled,
        requirements_due=account.requirements_due,
        disabled_reason=account.disabled_reason,
        event_created=account.as_of,
        fetched=True,
    )


# --- bank accounts -------------------------------------------------------------------------------------------------


def payee_of(event: Event[PayeeBankSyncRequested], _rows: Rows) -> tuple[ItemRef, ...]:
    return (ItemRef(ESCROWS, payee_key(event.data.contractor_id)),)


async def sync_bank(call: Call[PayeeBankSyncRequested], rows: Rows, port: PaymentProvider) -> Result:
    data = call.event.data
    if data.wanted is BankAction.ATTACH:
        return await _attach(call, port)
    (ref,) = payee_of(call.event, rows)
    bank = Payee.from_item(rows.get(ref, {})).banks.get(data.bank_details_id)
    if bank is None or bank.external_account_id is None:
        return Done()
    ask = port.make_default if data.wanted is BankAction.DEFAULT else port.detach_bank
    answer = await ask(data.stripe_account_id, bank.external_account_id, call.id)
    if data.wanted is BankAction.DEFAULT and isinstance(answer, Lost) and answer.replayed:
        known = await port.find_bank(data.stripe_account_id, data.bank_details_id)
        answer = known if isinstance(known, ports.Bank) and known.is_default else answer
    if data.wanted is BankAction.DETACH and isinstance(answer, Refusal) and answer.status == 404:
        answer = ports.Bank(bank.external_account_id)
    return _synced(data, answer)


async def _attach(call: Call[PayeeBankSyncRequested], port: PaymentProvider) -> Result:
    data = call.event.data
    known = await port.find_bank(data.stripe_account_id, data.bank_details_id) if call.tries or call.stale else None
    found: ports.Bank | Problem | None = known
    if found is None:
        request = await _bank_request(call, port)
        if not isinstance(request, BankRequest):
            return request
        found = await port.attach_bank(request)
    if isinstance(found, Lost) and found.replayed:
        lost = Refusal(500, PROVIDER_ERROR, found.reason, call.event.at)
        found = await port.find_bank(data.stripe_account_id, data.bank_details_id) or lost
    return _synced(data, found)


async def _bank_request(call: Call[PayeeBankSyncRequested], port: PaymentProvider) -> BankRequest | Result:
    data = call.event.data
    if data.account_number is None or data.currency is None or data.country is None:
        return Failed("a bank account is to be attached, but its event carries no numbers")
    number = await port.open(data.account_number, data.contractor_id)
    routing = await port.open(data.routing_number, data.contractor_id) if data.routing_number else None
    if isinstance(number, Redacted) or isinstance(routing, Redacted):
        return Done((RecordPayeeBankFailed(contractor_id=data.contractor_id, bank_details_id=data.bank_details_id, code="erased"),))
    return BankRequest(
        key=call.id,
        account=data.stripe_account_id,
        bank_details_id=data.bank_details_id,
        account_number=number,
        routing_number=routing,
        currency=data.currency,
        country=data.country,
        environment=call.environment,
    )


def _synced(data: PayeeBankSyncRequested, answer: ports.Bank | Problem) -> Result:
    match answer:
        case ports.Bank():
            said = RecordPayeeBankSynced(
                contractor_id=data.contractor_id,
                bank_details_id=data.bank_details_id,
                action=data.wanted,
                external_account_id=answer.id,
            )
            return Done((said,), answer.id)
        case Refusal():
            failed = RecordPayeeBankFailed(contractor_id=data.contractor_id, bank_details_id=data.bank_details_id, code=answer.code)
            return Done((failed,))
        case _:
            return outcome(answer)
