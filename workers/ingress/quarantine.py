"""Deliveries that become no command, kept whole in ``platform-failures`` for people, their bodies sealed."""

from workers.engine.decision import ItemRef
from workers.engine.ports import Absent, Fate, RawSealer, Store, StoreUnavailable, Write
from workers.engine.quarantine import FAILURES
from workers.ingress.dependencies import QuarantinedDelivery


class DeliveryQuarantine:
    """A repeat of a delivery finds its row and changes nothing. Does not retry: the provider does."""

    def __init__(self, store: Store, sealer: RawSealer) -> None:
        self._store, self._sealer = store, sealer

    async def put(self, delivery: QuarantinedDelivery) -> None:
        item = {
            "id": delivery.id,
            "service": "ingress",
            "role": f"ingress-{delivery.provider}",
            "key": delivery.delivery,
            "fingerprint": f"ingress-{delivery.provider}/{delivery.code}",
            "reason": delivery.code,
            "state": "open",
            "detail": delivery.detail,
            "kind": delivery.type,
            "record": await self._sealer.seal(delivery.body),
            "attempts": 1,
            "firstAt": delivery.at,
            "lastAt": delivery.at,
        }
        (written,) = await self._store.write([Write(ItemRef(FAILURES, delivery.id), None, item, Absent())])
        if written.fate not in (Fate.WRITTEN, Fate.CONFLICT):
            raise StoreUnavailable(f"{FAILURES}: {written.fate.value} {written.detail}")
