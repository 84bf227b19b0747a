"""payment: which function judges which command, and what its events set in motion."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from contracts.contract.events import ContractActivated, ContractCancelled, ContractCompleted
from contracts.contractor import BankDetailsAdded, BankDetailsDefaultSet, BankDetailsRemoved, ContractorKycStatusChanged
from contracts.payment import commands, events
from contracts.sealed import Reader, audience
from contracts.types import Purpose
from workers.engine.aggregate import Handler
from workers.engine.service import Effect, Reaction, Service
from workers.services.payment import (
    accounts,
    adjustments,
    banks,
    closing,
    deposits,
    disputes,
    effects,
    holds,
    payee_effects,
    payouts,
    reactions,
    refunds,
    releases,
    return_effects,
    reversals,
)
from workers.services.payment.escrow import ESCROW, named_family, named_row, open_escrow
from workers.services.payment.payee import PAYEE, retry_payee_account, sync_payee

TRUSTED = timedelta(hours=23)
"""How long a key is taken to be known at Stripe, which keeps it for 24 hours: a call that begins within must arrive within, whatever two
clocks differ by and however long a process was frozen."""


def _trusting(*effects: Effect[Any]) -> tuple[Effect[Any], ...]:
    return tuple(replace(effect, key_lifetime=TRUSTED) for effect in effects)


SERVICE = Service(
    name="payment",
    handlers=(
        Handler(commands.OpenEscrow, ESCROW, open_escrow),
        Handler(commands.RequestDeposit, ESCROW, deposits.request_deposit, named_row),
        Handler(commands.RecordDepositPrepared, ESCROW, deposits.record_deposit_prepared, named_row),
        Handler(commands.RecordDepositRequestFailed, ESCROW, deposits.record_deposit_request_failed, named_row),
        Handler(commands.RecordDepositProcessing, ESCROW, deposits.record_deposit_processing, named_row),
        Handler(commands.RecordDepositSucceeded, ESCROW, deposits.record_deposit_succeeded, named_family),
        Handler(commands.RecordDepositFailed, ESCROW, deposits.record_deposit_failed, named_row),
        Handler(
            commands.CancelDeposit,
            ESCROW,
            deposits.cancel_deposit,
            named_row,
            idempotency="asks Stripe once more for the same PaymentIntent, which is cancelled once",
        ),
        Handler(commands.RecordDepositCancelled, ESCROW, deposits.record_deposit_cancelled, named_row),
        Handler(commands.ReleaseEscrow, ESCROW, releases.release_escrow, named_row),
        Handler(
            commands.RetryRelease,
            ESCROW,
            releases.retry_release,
            named_row,
            idempotency="one more attempt of a release that waits; an attempt first looks whether its money has left",
        ),
        Handler(commands.RecordTransferWaiting, ESCROW, releases.record_transfer_waiting, named_row),
        Handler(commands.RecordTransferCreated, ESCROW, releases.record_transfer_created, named_row),
        Handler(commands.RecordTransferFailed, ESCROW, releases.record_transfer_failed, named_row),
        Handler(commands.CancelRelease, ESCROW, releases.cancel_release, named_row),
        Handler(
            commands.ReverseRelease,
            ESCROW,
            reversals.reverse_release,
            named_row,
            idempotency="asks once more for the reversal of one id, which is looked for before it is made",
        ),
        Handler(commands.RecordTransferReversed, ESCROW, reversals.record_transfer_reversed, named_row),
        Handler(
            commands.RecordReversalFailed,
            ESCROW,
            reversals.record_reversal_failed,
            named_row,
            idempotency="moves nothing; says the same once more, in an event of the same id",
        ),
        Handler(commands.RefundDeposit, ESCROW, refunds.refund_deposit, refunds.named_with_deposit),
        Handler(commands.RecordRefund, ESCROW, refunds.record_refund, refunds.named_refund),
        Handler(commands.RecordRefundRejected, ESCROW, refunds.record_refund_rejected, refunds.named_withdrawal),
        Handler(commands.RecordChargeRefunded, ESCROW, refunds.record_charge_refunded, refunds.named_deposit),
        Handler(commands.RecordDispute, ESCROW, disputes.record_dispute, disputes.named_dispute),
        Handler(
            commands.PlaceHold,
            ESCROW,
            holds.place_hold,
            idempotency="state while it holds; after it was lifted it holds again, so money stays and people are told",
        ),
        Handler(
            commands.LiftHold,
            ESCROW,
            holds.lift_hold,
            idempotency="state; lifts a hold of the same id that was placed since, as people wished",
        ),
        Handler(commands.PostAdjustment, ESCROW, adjustments.post_adjustment, named_row),
        Handler(commands.BeginEscrowClosing, ESCROW, closing.begin_escrow_closing),
        Handler(
            commands.RemindEscrowClosing,
            ESCROW,
            closing.remind_escrow_closing,
            idempotency="one more reminder of money that is still there; moves the next one",
        ),
        Handler(commands.SyncPayee, PAYEE, sync_payee),
        Handler(
            commands.RetryPayeeAccount,
            PAYEE,
            retry_payee_account,
            idempotency="state; after another failure it asks for an account once more, as people wished",
        ),
        Handler(commands.RecordPayeeAccountCreated, PAYEE, accounts.record_payee_account_created, accounts.named_account),
        Handler(
            commands.RecordPayeeAccountFailed,
            PAYEE,
            accounts.record_payee_account_failed,
            idempotency="state; an account that exists after all is recorded by its webhook",
        ),
        Handler(commands.RecordPayeeAccountStatus, PAYEE, accounts.record_payee_account_status, accounts.named_account),
        Handler(commands.RefreshPayeeAccount, PAYEE, accounts.refresh_payee_account, idempotency="reads the account once more"),
        Handler(
            commands.SyncPayeeBank,
            PAYEE,
            banks.sync_payee_bank,
            idempotency="the last wish holds; attaching a known bank changes nothing",
        ),
        Handler(commands.RecordPayeeBankSynced, PAYEE, banks.record_payee_bank_synced),
        Handler(commands.RecordPayeeBankFailed, PAYEE, banks.record_payee_bank_failed),
        Handler(commands.RecordPayout, PAYEE, payouts.record_payout, payouts.named_payout),
    ),
    reactions=(
        Reaction(ContractActivated, reactions.contract_activated),
        Reaction(ContractCompleted, reactions.contract_completed),
        Reaction(ContractCancelled, reactions.contract_cancelled),
        Reaction(ContractorKycStatusChanged, reactions.kyc_status_changed),
        Reaction(BankDetailsAdded, reactions.bank_details_added),
        Reaction(BankDetailsDefaultSet, reactions.bank_details_default_set),
        Reaction(BankDetailsRemoved, reactions.bank_details_removed),
        Reaction(events.PayeeReady, reactions.payee_ready, reactions.rows_of_payee),
    ),
    effects=_trusting(
        Effect("payment.create-intent", events.DepositRequested, "stripe", effects.create_intent),
        Effect("payment.cancel-intent", events.DepositCancelRequested, "stripe", effects.cancel_intent),
        Effect(
            "payment.transfer",
            events.EscrowReleaseRequested,
            "stripe",
            effects.transfer,
            effects.payee_of,
            attempt=lambda event: event.data.attempt,
        ),
        Effect("payment.refund", events.RefundRequested, "stripe", return_effects.refund),
        Effect("payment.reverse-transfer", events.ReleaseReversalRequested, "stripe", return_effects.reverse_transfer),
        Effect("payment.create-account", events.PayeeAccountRequested, "stripe", payee_effects.create_account),
        Effect("payment.fetch-account", events.PayeeAccountRefreshRequested, "stripe", payee_effects.fetch_account),
        Effect(
            "payment.sync-bank",
            events.PayeeBankSyncRequested,
            "stripe",
            payee_effects.sync_bank,
            payee_effects.payee_of,
            opens=frozenset({audience(Purpose.READER, Reader.BANK_SYNC)}),
        ),
    ),
)
