"""Stripe for payment's effects, on the SDK's async client.

The SDK's own retries are off: the engine retries, under the same idempotency key. Bank numbers pass through in clear and are never logged.
"""

import logging
from collections.abc import Awaitable
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

import stripe
from stripe.params import (
    AccountExternalAccountCreateParams,
    AccountExternalAccountCreateParamsBankAccount,
    PaymentIntentCreateParams,
    RefundCreateParams,
    TransferCreateParams,
    TransferReversalCreateParams,
)

from contracts.clear import Clear, Redacted
from contracts.payment.values import DepositMethod
from contracts.sealed import FieldClass, bank_number
from contracts.types import BankDetailsId, ContractId, ContractorId, EffectId, Id, TransactionId
from workers.adapters.stripe_answers import account_of, intent_of, lookup_problem, problem_of, read_problem, refund_of, transfer_of
from workers.services.payment.ports import (
    Account,
    AccountRequest,
    Bank,
    BankRequest,
    Intent,
    IntentRequest,
    NoAnswer,
    Parties,
    Problem,
    Refund,
    RefundRequest,
    ReversalRequest,
    Transfer,
    TransferRequest,
)

CALL_SECONDS: Final = 30.0
"""Below an effect's own time-out, so that the call and not the effect is given up."""
PAGE: Final = 100
BANK_DEBITS: Final = {"USD": "us_bank_account", "EUR": "sepa_debit"}
"""Stripe refuses a bank debit in any other currency, whatever it is called."""

# At DEBUG the SDK logs what it posts, bank numbers among it.
logging.getLogger("stripe").setLevel(logging.INFO)

T = TypeVar("T")


class Opener(Protocol):
    """Opens sealed texts; ``workers.adapters.opening`` does."""

    async def open(self, sealed: str, field_class: FieldClass) -> Clear | Redacted: ...


class StripePayments:
    """The payment provider port. Use as an async context manager: it owns one HTTP client and its connections."""

    def __init__(self, api_key: str, opener: Opener, *, api_base: str | None = None, timeout: float = CALL_SECONDS) -> None:
        """``api_base``: another address than Stripe's own, for a fake."""
        self._opener = opener
        self._http = stripe.HTTPXClient(timeout=timeout)
        client = stripe.StripeClient(
            api_key, http_client=self._http, max_network_retries=0, base_addresses={"api": api_base} if api_base else {}
        )
        self._api = client.v1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._http.close_async()

    # --- deposits --------------------------------------------------------------------------------------------------

    async def create_intent(self, request: IntentRequest) -> Intent | Problem:
        debit = BANK_DEBITS.get(request.currency, "us_bank_account")
        wanted: PaymentIntentCreateParams = {
            "amount": request.amount,
            "currency": request.currency.lower(),
            "allowed_payment_method_types": ["card" if request.method is DepositMethod.CARD else debit],
            "transfer_group": _group(request.parties.contract_id),
            "metadata": _metadata(request.parties, "deposit"),
        }
        answer = await _called(self._api.payment_intents.create_async(wanted, _under(request.key)))
        return intent_of(answer) if isinstance(answer, stripe.PaymentIntent) else answer

    async def find_intent(self, transaction: TransactionId) -> Intent | NoAnswer | None:
        query = f"metadata['transactionId']:'{transaction}'"
        try:
            found = await self._api.payment_intents.search_async({"query": query, "limit": PAGE})
        except stripe.StripeError as error:
            return lookup_problem(error)
        return intent_of(found.data[0], found.last_response) if found.data else None

    async def get_intent(self, intent: str) -> Intent | Problem:
        answer = await _read(self._api.payment_intents.retrieve_async(intent))
        return intent_of(answer) if isinstance(answer, stripe.PaymentIntent) else answer

    async def cancel_intent(self, intent: str, key: EffectId) -> Intent | Problem:
        answer = await _called(self._api.payment_intents.cancel_async(intent, {}, _under(key)))
        return intent_of(answer) if isinstance(answer, stripe.PaymentIntent) else answer

    # --- releases --------------------------------------------------------------------------------------------------

    async def create_transfer(self, request: TransferRequest) -> Transfer | Problem:
        wanted: TransferCreateParams = {
            "amount": request.amount,
            "currency": request.currency.lower(),
            "destination": request.destination,
            "transfer_group": _group(request.parties.contract_id),
            "metadata": _metadata(request.parties, "payment"),
        }
        if request.source_charge_id is not None:
            wanted["source_transaction"] = request.source_charge_id
        answer = await _called(self._api.transfers.create_async(wanted, _under(request.key)))
        return transfer_of(answer) if isinstance(answer, stripe.Transfer) else answer

    async def find_transfer(self, contract: ContractId, transaction: TransactionId) -> Transfer | NoAnswer | None:
        try:
            found = await self._api.transfers.list_async({"transfer_group": _group(contract), "limit": PAGE})
            async for transfer in found.auto_paging_iter():
                if _marked(transfer.metadata, "transactionId") == transaction:
                    return transfer_of(transfer)
        except stripe.StripeError as error:
            return lookup_problem(error)
        return None

    # --- money on its way back -------------------------------------------------------------------------------------

    async def create_refund(self, request: RefundRequest) -> Refund | Problem:
        wanted: RefundCreateParams = {
            "payment_intent": request.intent,
            "amount": request.amount,
            "reason": request.reason.value,
            "metadata": _metadata(request.parties, "withdrawal") | {"depositId": request.deposit_id},
        }
        answer = await _called(self._api.refunds.create_async(wanted, _under(request.key)))
        return refund_of(answer) if isinstance(answer, stripe.Refund) else answer

    async def find_refund(self, intent: str, transaction: TransactionId) -> Refund | NoAnswer | None:
        try:
            found = await self._api.refunds.list_async({"payment_intent": intent, "limit": PAGE})
            async for refund in found.auto_paging_iter():
                if _marked(refund.metadata, "transactionId") == transaction:
                    return refund_of(refund, found.last_response)
        except stripe.StripeError as error:
            return lookup_problem(error)
        return None

    async def reverse_transfer(self, request: ReversalRequest) -> Transfer | Problem:
        wanted: TransferReversalCreateParams = {
            "amount": request.amount,
            "metadata": _metadata(request.parties, "reversal") | {"reversalId": request.reversal_id},
            # What has come back in all stands on the transfer only.
            "expand": ["transfer"],
        }
        answer = await _called(self._api.transfers.reversals.create_async(request.transfer, wanted, _under(request.key)))
        if not isinstance(answer, stripe.TransferReversal):
            return answer
        return transfer_of(answer.transfer) if isinstance(answer.transfer, stripe.Transfer) else await self._transfer(request.transfer)

    async def find_reversal(self, transfer: str, reversal: Id) -> Transfer | NoAnswer | None:
        try:
            found = await self._api.transfers.reversals.list_async(transfer, {"limit": PAGE})
            async for each in found.auto_paging_iter():
                if _marked(each.metadata, "reversalId") == reversal:
                    return await self._transfer(transfer)
        except stripe.StripeError as error:
            return lookup_problem(error)
        return None

    async def _transfer(self, transfer: str) -> Transfer | NoAnswer:
        """What it is asked for has happened: a lost answer is asked for again."""
        try:
            return transfer_of(await self._api.transfers.retrieve_async(transfer))
        except stripe.StripeError as error:
            return lookup_problem(error)

    # --- payees ----------------------------------------------------------------------------------------------------

    async def create_account(self, request: AccountRequest) -> Account | Problem:
        """The platform collects what Stripe requires, so it also answers for losses and pays the fees."""
        creating = self._api.accounts.create_async(
            {
                "country": request.country,
                "capabilities": {"transfers": {"requested": True}},
                "controller": {
                    "requirement_collection": "application",
                    "losses": {"payments": "application"},
                    "fees": {"payer": "application"},
                    "stripe_dashboard": {"type": "none"},
                },
                "metadata": {"contractorId": request.contractor_id, "environment": request.environment},
            },
            _under(request.key),
        )
        answer = await _called(creating)
        return account_of(answer) if isinstance(answer, stripe.Account) else answer

    async def get_account(self, account: str) -> Account | Problem:
        answer = await _read(self._api.accounts.retrieve_async(account))
        return account_of(answer) if isinstance(answer, stripe.Account) else answer

    async def attach_bank(self, request: BankRequest) -> Bank | Problem:
        bank: AccountExternalAccountCreateParamsBankAccount = {
            "object": "bank_account",
            "account_number": request.account_number.reveal(),
            "country": request.country,
            "currency": request.currency.lower(),
        }
        if request.routing_number is not None:
            bank["routing_number"] = request.routing_number.reveal()
        wanted: AccountExternalAccountCreateParams = {
            "external_account": bank,
            "metadata": {"bankDetailsId": request.bank_details_id, "environment": request.environment},
        }
        answer = await _called(self._api.accounts.external_accounts.create_async(request.account, wanted, _under(request.key)))
        return Bank(answer.id) if isinstance(answer, stripe.BankAccount | stripe.Card) else answer

    async def find_bank(self, account: str, bank_details: BankDetailsId) -> Bank | NoAnswer | None:
        try:
            found = await self._api.accounts.external_accounts.list_async(account, {"object": "bank_account", "limit": PAGE})
            async for bank in found.auto_paging_iter():
                if _marked(bank.metadata, "bankDetailsId") == bank_details:
                    return Bank(bank.id, is_default=bank.default_for_currency is True)
        except stripe.StripeError as error:
            return lookup_problem(error)
        return None

    async def make_default(self, account: str, bank: str, key: EffectId) -> Bank | Problem:
        updating = self._api.accounts.external_accounts.update_async(account, bank, {"default_for_currency": True}, _under(key))
        answer = await _called(updating)
        return Bank(bank) if isinstance(answer, stripe.BankAccount | stripe.Card) else answer

    async def detach_bank(self, account: str, bank: str, key: EffectId) -> Bank | Problem:
        answer = await _called(self._api.accounts.external_accounts.delete_async(account, bank, {}, _under(key)))
        return Bank(bank) if isinstance(answer, stripe.BankAccount | stripe.Card) else answer

    async def open(self, sealed: str, contractor: ContractorId) -> Clear | Redacted:
        return await self._opener.open(sealed, bank_number(contractor))


async def _called(call: Awaitable[T]) -> T | Problem:
    try:
        return await call
    except stripe.StripeError as error:
        return problem_of(error)


async def _read(call: Awaitable[T]) -> T | Problem:
    try:
        return await call
    except stripe.StripeError as error:
        return read_problem(error)


def _under(key: EffectId) -> stripe.RequestOptions:
    return {"idempotency_key": key}


def _group(contract: ContractId) -> str:
    return f"contract_{contract}"


def _metadata(parties: Parties, kind: str) -> dict[str, str]:
    return {
        "contractId": parties.contract_id,
        "transactionId": parties.transaction_id,
        "clientId": parties.client_id,
        "contractorId": parties.contractor_id,
        "kind": kind,
        "environment": parties.environment,
    }


def _marked(metadata: object, name: str) -> object:
    """Metadata of an object that others may have made, so nothing need be there."""
    return getattr(metadata, name, None)
