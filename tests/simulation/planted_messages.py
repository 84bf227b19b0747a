"""Bugs about what goes out: an sms again, or one message only where two have the same id."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from tests.simulation.faults import Fault
from tests.simulation.planted import Patch, planted
from workers.engine.publisher import Publisher
from workers.engine.record import Outgoing
from workers.services.notification.notification import Notification


@planted("an sms of unknown fate is planned again", 200, "notification+sms")
def sms_is_sent_again(patch: Patch) -> None:
    patch(Notification, "never_resent", property(lambda _self: False))


@planted("what has an id that was published before is left out, whosever it is", 200, "payment", often=[Fault.REUSED])
def id_stands_for_the_message(patch: Patch) -> None:
    append = Publisher._append
    published: WeakKeyDictionary[Publisher, set[object]] = WeakKeyDictionary()

    async def first_ones(publisher: Publisher, records: list[Outgoing]) -> None:
        known = published.setdefault(publisher, set())
        fresh = [record for record in records if _id(record.headers) not in known]
        known.update(_id(record.headers) for record in fresh)
        if fresh:
            await append(publisher, fresh)

    patch(Publisher, "_append", first_ones)


def _id(headers: Sequence[tuple[str, bytes]]) -> object:
    return dict(headers)["ce_id"]
