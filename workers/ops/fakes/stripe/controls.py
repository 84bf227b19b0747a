"""What a test or a demo may do that no API caller can: be the payer, the bank, the onboarding."""

from workers.ops.fakes.stripe import bank, disputes, onboarding, payer, refunds, reversals
from workers.ops.fakes.stripe.accounts import Account
from workers.ops.fakes.stripe.disputes import Dispute
from workers.ops.fakes.stripe.payment_intents import PaymentIntent
from workers.ops.fakes.stripe.payouts import Payout
from workers.ops.fakes.stripe.refunds import Refund
from workers.ops.fakes.stripe.reversals import Reversal
from workers.ops.fakes.stripe.state import StripeState


class Controls:
    """Each step changes the objects and emits the events at once; nothing is delivered by it.

    Raises NotPossible where the object is in another state, StripeError where Stripe itself would refuse.
    """

    def __init__(self, state: StripeState) -> None:
        self._state = state

    def start_processing(self, intent_id: str) -> PaymentIntent:
        """A bank debit under way: payment_intent.processing and nothing more yet."""
        return payer.start_processing(self._state, intent_id)

    def confirm(self, intent_id: str, amount_received: int | None = None) -> PaymentIntent:
        """processing (unless already) -> succeeded."""
        return payer.succeed(self._state, intent_id, amount_received)

    def decline(self, intent_id: str, decline_code: str = "insufficient_funds") -> PaymentIntent:
        """processing (unless already) -> payment_failed; the intent may be confirmed later."""
        return payer.decline(self._state, intent_id, decline_code)

    def refund(self, intent_id: str, amount: int | None = None) -> Refund:
        """By the dashboard: the whole rest unless told otherwise."""
        return refunds.refund_charge(self._state, intent_id, amount)

    def settle_refund(self, refund_id: str) -> Refund:
        return refunds.settle(self._state, refund_id)

    def fail_refund(self, refund_id: str, failure_reason: str = "expired_or_canceled_card") -> Refund:
        """The bank sends it back, after it succeeded too."""
        return refunds.bounce(self._state, refund_id, failure_reason)

    def dispute(self, intent_id: str, amount: int | None = None, *, inquiry: bool = False) -> Dispute:
        """The whole charge unless told otherwise; an inquiry moves no money yet."""
        return disputes.open_dispute(self._state, intent_id, amount, inquiry)

    def escalate_dispute(self, dispute_id: str) -> Dispute:
        return disputes.escalate(self._state, dispute_id)

    def close_dispute(self, dispute_id: str, outcome: str) -> Dispute:
        """outcome: won, lost, or warning_closed for an inquiry."""
        return disputes.close(self._state, dispute_id, outcome)

    def reverse(self, transfer_id: str, amount: int | None = None) -> Reversal:
        """By the dashboard: the whole rest unless told otherwise."""
        return reversals.reverse_transfer(self._state, transfer_id, amount)

    def enable_account(self, account_id: str) -> Account:
        return onboarding.enable(self._state, account_id)

    def restrict_account(self, account_id: str) -> Account:
        return onboarding.restrict(self._state, account_id)

    def deauthorize_account(self, account_id: str) -> Account:
        return onboarding.deauthorize(self._state, account_id)

    def start_payout(self, account_id: str, currency: str | None = None, amount: int | None = None) -> Payout:
        """payout.created for the whole available balance unless told otherwise."""
        return bank.start(self._state, account_id, currency, amount)

    def send_payout(self, payout_id: str) -> Payout:
        return bank.send(self._state, payout_id)

    def settle_payout(self, payout_id: str) -> Payout:
        return bank.pay(self._state, payout_id)

    def fail_payout(self, payout_id: str, failure_code: str = "account_closed") -> Payout:
        """From any state but the final ones, paid included."""
        return bank.bounce(self._state, payout_id, failure_code)

    def pay_out(self, account_id: str, currency: str | None = None, amount: int | None = None) -> Payout:
        """created -> in_transit -> paid in one go."""
        payout = self.start_payout(account_id, currency, amount)
        self.send_payout(payout.id)
        return self.settle_payout(payout.id)

    def run_payout_schedule(self) -> int:
        """Automatic payouts as the clock asks for them; needs `Terms(automatic_payouts=True)`. Counts the steps made."""
        return bank.run_schedule(self._state)
