"""What a replay would change, row by row, fit to be shown: personal values stay unread, but one sees that they change."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contracts.sealed import MalformedSealError, SealedText
from workers.adapters.log_masking import MASKING
from workers.engine.decision import Item, ItemRef
from workers.engine.root import exists, plain
from workers.ops.replay.overlay import OverlayStore

MARK: Final = 6
"""Hex digits that tell one sealed text from another."""


@dataclass(frozen=True, slots=True)
class RowDifference:
    """``changes``: attribute -> [before, after], absent values as None. Bookkeeping (names with an underscore) is left out."""

    table: str
    row: str
    changes: Mapping[str, tuple[Any, Any]]


def differences(store: OverlayStore, touched: Mapping[ItemRef, str]) -> Iterator[tuple[str, list[RowDifference]]]:
    """By key of the commands, in the order in which they were first touched. ``touched``: rows and their keys."""
    rows: dict[str, list[ItemRef]] = {}
    for ref, key in touched.items():
        rows.setdefault(key, []).append(ref)
    for key, refs in rows.items():
        found = [each for ref in refs if (each := _difference(store, ref))]
        if found:
            yield key, found


def _difference(store: OverlayStore, ref: ItemRef) -> RowDifference | None:
    before, after = _shown(store.before.get(ref)), _shown(store.now(ref))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    row = ref.key if ref.range is None else f"{ref.key} / {ref.range}"
    changes = {name: (masked(before.get(name), name), masked(after.get(name), name)) for name in names}
    return RowDifference(ref.table, row, changes) if changes else None


def _shown(item: Item | None) -> Mapping[str, Any]:
    """A row that only keeps books is absent to everybody."""
    return plain(item) if item and exists(item) else {}


def masked(value: Any, name: str = "") -> Any:
    """As JSON, personal values as a mark that is equal for equal texts only."""
    if isinstance(value, Mapping):
        return {each: masked(inner, each) for each, inner in value.items()}
    if isinstance(value, list | tuple):
        return [masked(each, name) for each in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes {_mark(value)}"
    if not isinstance(value, str):
        return value
    return _masked_text(value, name)


def _masked_text(text: str, name: str) -> str:
    try:
        sealed = SealedText.parse(text)
    except MalformedSealError:
        if name.lower().endswith("hash") and not name.lower().endswith("contenthash"):
            # Blind indexes stand for one address, network or token, and follow a person through all tables.
            return f"hash {_mark(text.encode())}"
        return MASKING.text(text)
    return f"sealed {sealed.purpose} {_mark(text.encode())}"


def _mark(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()[:MARK]
