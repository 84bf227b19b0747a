"""payment: which function judges which command, and what its events set in motion."""

from contracts.contract.events import ContractActivated, ContractCancelled, ContractCompleted
from contracts.contractor import BankDetailsAdded, BankDetailsDefaultSet, BankDetailsRemoved, ContractorKycStatusChanged
from contracts.payment import commands, events
from workers.engine.aggregate import Handler
from workers.engine.service import Effect, Reaction, Service
from workers.services.payment import accounts, banks, closing, deposits, effects, payee_effects, payouts, reactions, releases
from workers.services.payment.escrow import ESCROW, named_row, open_escrow
from workers.services.payment.payee import PAYEE, retry_payee_account, sync_payee

SERVICE = Service(
    name="payment",
    handlers=(
        Handler(commands.OpenEscrow, ESCROW, open_escrow),
        Handler(commands.RequestDeposit, ESCROW, deposits.request_deposit, named_row),
        Handler(commands.RecordDepositPrepared, ESCROW, deposits.record_deposit_prepared, named_row),
        Handler(commands.RecordDepositRequestFailed, ESCROW, deposits.record_deposit_request_failed, named_row),
        Handler(commands.RecordDepositProcessing, ESCROW, deposits.record_deposit_processing, named_row),
        Handler(commands.RecordDepositSucceeded, ESCROW, deposits.record_deposit_succeeded, named_row),
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
    effects=(
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
        Effect("payment.create-account", events.PayeeAccountRequested, "stripe", payee_effects.create_account),
        Effect("payment.fetch-account", events.PayeeAccountRefreshRequested, "stripe", payee_effects.fetch_account),
        Effect("payment.sync-bank", events.PayeeBankSyncRequested, "stripe", payee_effects.sync_bank, payee_effects.payee_of),
    ),
)
