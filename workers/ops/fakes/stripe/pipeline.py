"""One call through the API: fault, key, parameters, execution, stored answer. Knows nothing of HTTP's wire."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from workers.ops.fakes.stripe.errors import NotExecuted, StripeError, internal_error, rate_limited
from workers.ops.fakes.stripe.expansion import expanded
from workers.ops.fakes.stripe.faults import Fault, FaultPlan, PlannedFault
from workers.ops.fakes.stripe.idempotency import Fingerprint, IdempotencyStore, Scope, StoredAnswer
from workers.ops.fakes.stripe.parameters import decode
from workers.ops.fakes.stripe.routes import ROUTER
from workers.ops.fakes.stripe.routing import Call, Matched
from workers.ops.fakes.stripe.state import Cause, StripeState
from workers.ops.fakes.stripe.wire import encoded


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it arrived. `form` is the body of a POST, the query string of anything else."""

    method: str
    path: str
    form: str
    api_key: str
    idempotency_key: str | None = None
    account: str | None = None

    def pairs(self) -> tuple[tuple[str, str], ...]:
        return tuple(parse_qsl(self.form, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Dropped(Exception):
    """The connection is to be cut without an answer."""


class Pipeline:
    def __init__(self, state: StripeState, idempotency: IdempotencyStore, faults: FaultPlan) -> None:
        self._state = state
        self._idempotency = idempotency
        self._faults = faults

    async def answer(self, incoming: Incoming) -> Answer:
        """Raises Dropped where a fault cuts the connection. Waits only under a SLOW fault."""
        request_id = self._state.ids.draw("req")
        try:
            _refuse_stranger(incoming.api_key)
            return await self._run(incoming, ROUTER.match(incoming.method, incoming.path), request_id)
        except StripeError as error:
            return Answer(error.status, encoded(error.body()), {"Request-Id": request_id})

    async def _run(self, incoming: Incoming, matched: Matched, request_id: str) -> Answer:
        self._state.calls[matched.route.name] += 1
        planned = self._faults.take(matched.route.name)
        fault = planned.fault if planned else None
        if fault is Fault.REFUSED:
            raise Dropped
        if fault is Fault.RATE_LIMITED:
            raise rate_limited()
        answer = await self._once(incoming, matched, request_id, planned)
        if fault is Fault.TIMEOUT_AFTER:
            raise Dropped
        return answer

    async def _once(self, incoming: Incoming, matched: Matched, request_id: str, planned: PlannedFault | None) -> Answer:
        """Executes under the key, or replays what was stored under it. Only a POST has a key."""
        key = incoming.idempotency_key if incoming.method == "POST" else None
        if key is None:
            return _shown(await self._executed(incoming, matched, request_id, planned))
        scope: Scope = (incoming.account, key)
        print_ = Fingerprint(incoming.method, incoming.path, tuple(sorted(incoming.pairs())))
        if (stored := self._idempotency.begin(scope, print_)) is not None:
            return _shown(stored, key, {"Idempotent-Replayed": "true", "Original-Request": stored.request_id, "Request-Id": request_id})
        try:
            result = await self._executed(incoming, matched, request_id, planned)
        except BaseException:
            # Not executed, or the fake was stopped while a SLOW fault held it: the key is free again.
            self._idempotency.abandon(scope)
            raise
        self._idempotency.finish(scope, result)
        return _shown(result, key)

    async def _executed(self, incoming: Incoming, matched: Matched, request_id: str, planned: PlannedFault | None) -> StoredAnswer:
        fault = planned.fault if planned else None
        if planned is not None and fault is Fault.SLOW:
            await self._faults.hold(planned.seconds)
        failure = StoredAnswer(500, encoded(internal_error().body()), request_id)
        if fault is Fault.SERVER_ERROR:
            return failure
        cause = Cause(request_id, incoming.idempotency_key if incoming.method == "POST" else None)
        call = Call(decode(incoming.pairs()), matched.path, incoming.account, cause)
        try:
            body = expanded(self._state, matched.route.execute(self._state, call), call.parameters.items("expand"))
        except NotExecuted:
            raise
        except StripeError as error:
            return StoredAnswer(error.status, encoded(error.body()), request_id)
        return failure if fault is Fault.SERVER_ERROR_AFTER else StoredAnswer(200, encoded(body), request_id)


def _shown(stored: StoredAnswer, key: str | None = None, more: dict[str, str] | None = None) -> Answer:
    headers = {"Request-Id": stored.request_id}
    if key is not None:
        headers["Idempotency-Key"] = key
    if stored.status == 500:
        # The stored answer would only be replayed: Stripe tells its own client not to try.
        headers["Stripe-Should-Retry"] = "false"
    return Answer(stored.status, stored.body, headers | (more or {}))


def _refuse_stranger(api_key: str) -> None:
    if not api_key:
        raise NotExecuted("You did not provide an API key. You need to provide your API key in the Authorization header.", status=401)
    if not api_key.startswith(("sk_test_", "rk_test_")):
        raise NotExecuted(f"Invalid API Key provided: {api_key[:8]}***. This fake takes sk_test_ and rk_test_ keys only.", status=401)
