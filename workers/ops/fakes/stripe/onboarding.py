"""What onboarding and the account's holder do to a connected account: enable, restrict, revoke."""

from dataclasses import replace

from workers.ops.fakes.stripe.accounts import Account, account_of
from workers.ops.fakes.stripe.state import StripeState
from workers.ops.fakes.stripe.wire import JsonObject, filled


def enable(state: StripeState, account_id: str) -> Account:
    """Transfers active and payouts enabled, nothing due any longer: capability.updated, then account.updated."""
    before = account_of(state, account_id)
    after = replace(before, transfers_requested=True, transfers_active=True, payouts_enabled=True, due=(), disabled_reason=None)
    return _announce(state, before, after)


def restrict(state: StripeState, account_id: str, due: tuple[str, ...] = ("individual.verification.document",)) -> Account:
    """Stripe asks for more and switches transfers and payouts off until then."""
    before = account_of(state, account_id)
    after = replace(before, transfers_active=False, payouts_enabled=False, due=due, disabled_reason="requirements.past_due")
    return _announce(state, before, after)


def deauthorize(state: StripeState, account_id: str) -> Account:
    """The holder cuts the tie: the event carries the application, and every call about the account is refused from now on."""
    gone = state.put(replace(account_of(state, account_id), deauthorized=True))
    application: JsonObject = {"id": "ca_fake", "object": "application", "name": "Mind-Links"}
    state.emit_body("account.application.deauthorized", application, account_id)
    return gone


def _announce(state: StripeState, before: Account, after: Account) -> Account:
    state.put(after)
    if before.transfers_active != after.transfers_active:
        state.emit_body("capability.updated", _capability(state, after), after.id)
    state.emit("account.updated", after, before=before)
    return after


def _capability(state: StripeState, account: Account) -> JsonObject:
    status = "active" if account.transfers_active else "inactive"
    return filled("capability", account=account.id, requested_at=state.clock.now(), status=status)
