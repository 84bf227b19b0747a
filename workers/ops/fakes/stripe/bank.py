"""What the banks do to a payout: take it, pay it, send it back even after it was paid. And Stripe's daily schedule."""

from dataclasses import replace

from workers.ops.fakes.stripe.accounts import Account, account_of
from workers.ops.fakes.stripe.balance import available, currencies, post
from workers.ops.fakes.stripe.external_accounts import BankAccount, banks_of, store
from workers.ops.fakes.stripe.payer import NotPossible
from workers.ops.fakes.stripe.payouts import Payout, PayoutStatus, begin, usable_bank
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.statuses import in_status

FAILURES = {
    "account_closed": "The bank account has been closed",
    "no_account": "The bank account could not be located",
    "could_not_process": "The bank could not process this payout.",
}


def start(state: StripeState, account_id: str, currency: str | None = None, amount: int | None = None) -> Payout:
    """An automatic payout is born (payout.created, pending): the whole available balance unless told otherwise."""
    account = account_of(state, account_id)
    code = currency or next(iter(currencies(state, account_id)), account.default_currency)
    whole = available(state, account_id, code) if amount is None else amount
    if whole <= 0:
        raise NotPossible(f"Account {account_id} has no available {code} to pay out: transfer to it first.")
    return begin(state, account, whole, code, automatic=True)


def send(state: StripeState, payout_id: str) -> Payout:
    """pending -> in_transit: payout.updated."""
    before = in_status(state, Payout, payout_id, PayoutStatus.PENDING)
    after = state.put(replace(before, status=PayoutStatus.IN_TRANSIT))
    state.emit("payout.updated", after, before=before)
    return after


def pay(state: StripeState, payout_id: str) -> Payout:
    """in_transit -> paid: payout.paid."""
    before = in_status(state, Payout, payout_id, PayoutStatus.IN_TRANSIT)
    after = state.put(replace(before, status=PayoutStatus.PAID))
    state.emit("payout.paid", after)
    return after


def bounce(state: StripeState, payout_id: str, failure_code: str = "account_closed") -> Payout:
    """The bank sends the money back, after payout.paid too: payout.failed. The bank account is errored until it is replaced."""
    before = in_status(state, Payout, payout_id, PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT, PayoutStatus.PAID)
    back = post(state, before.account, before.amount, before.currency, "payout_failure", payout_id)
    failed = replace(
        before,
        status=PayoutStatus.FAILED,
        failure_code=failure_code,
        failure_message=FAILURES.get(failure_code, "The payout failed."),
        failure_balance_transaction=back.id,
    )
    state.put(failed)
    _mark_errored(state, failed)
    state.emit("payout.failed", failed, before=before)
    return failed


def _mark_errored(state: StripeState, payout: Payout) -> None:
    bank = state.table(BankAccount).get(payout.destination)
    if bank is not None:
        others = [other for other in banks_of(state, bank.account) if other.id != bank.id]
        store(state, bank.account, [*others, replace(bank, status="errored")])


def run_schedule(state: StripeState) -> int:
    """Automatic payouts as the clock asks for them: at most one new one a day and account, paid when they arrive. Counts steps."""
    if not state.terms.automatic_payouts:
        return 0
    steps = 0
    for payout in list(state.table(Payout).values()):
        if payout.automatic and payout.status is PayoutStatus.PENDING:
            send(state, payout.id)
            steps += 1
        elif payout.automatic and payout.status is PayoutStatus.IN_TRANSIT and payout.arrival_date <= state.clock.now():
            pay(state, payout.id)
            steps += 1
    return steps + sum(_begin_due(state, account) for account in list(state.table(Account).values()))


def _begin_due(state: StripeState, account: Account) -> int:
    if not account.payouts_enabled or account.deauthorized:
        return 0
    today = state.clock.now() - 24 * 3600
    recent = {payout.currency for payout in state.table(Payout).values() if payout.account == account.id and payout.created > today}
    due = [
        code
        for code in currencies(state, account.id)
        if code not in recent and available(state, account.id, code) > 0 and usable_bank(state, account.id, code)
    ]
    for code in due:
        start(state, account.id, code)
    return len(due)
