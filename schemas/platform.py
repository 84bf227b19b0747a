"""Tables of the engine. Every role uses them and writes only rows of its own service."""

from typing import Final

from schemas.table import Index, Key, Owner, Sensitivity, Table, number, text

RECEIPTS: Final = Table(
    name="platform-receipts",
    owner=Owner.PLATFORM,
    purpose="What became of a command that asked for a receipt, for 90 days; answers a repeated `Idempotency-Key`.",
    sensitivity=Sensitivity.INTERNAL,
    key=Key(text("commandId")),
    ttl="expiresAt",
)

PARKED: Final = Table(
    name="platform-parked",
    owner=Owner.PLATFORM,
    purpose=(
        "Records waiting for a key in trouble, in order: `<group>#<key>` / `<origin>#<offset>`; "
        "row `HEAD` holds the key for roles without a root item."
    ),
    sensitivity=Sensitivity.RESTRICTED,
    key=Key(text("groupKey"), text("position")),
    # `<group>#<partition>`, so that a role looks only for keys of the partitions it is assigned.
    indexes=(Index("due-index", hash=text("groupPartition"), range=text("nextAttemptAt"), sparse=True),),
    deletes="a parked record once it is applied, skipped or discarded",
)

# Bodies may have 256 KiB: lists must not fetch them.
_FAILURE_SUMMARY: Final = ("role", "kind", "reason", "state", "attempts", "firstAt")

FAILURES: Final = Table(
    name="platform-failures",
    owner=Owner.PLATFORM,
    purpose="Quarantine: records that could not be decoded or applied, with position and cause; key, value and headers sealed.",
    sensitivity=Sensitivity.RESTRICTED,
    key=Key(text("id")),
    indexes=(
        Index(
            "fingerprint-index",
            hash=text("fingerprint"),
            range=text("lastAt"),
            projection=("service", "key", *_FAILURE_SUMMARY),
        ),
        Index(
            "service-index",
            hash=text("service"),
            range=text("lastAt"),
            projection=("fingerprint", "key", *_FAILURE_SUMMARY),
        ),
        # A record without a key has no such attribute and is found by service or fingerprint.
        Index(
            "key-index",
            hash=text("key"),
            range=text("lastAt"),
            projection=("fingerprint", "service", *_FAILURE_SUMMARY),
        ),
    ),
)

EFFECTS: Final = Table(
    name="platform-effects",
    owner=Owner.PLATFORM,
    purpose="The ledger of calls to the outside: claim, attempts, the provider's reference, result. Rows are never deleted.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("effectId")),
    indexes=(
        # `<service>#<partition>`: what a sweeper has to take up again, and when.
        Index("open-index", hash=text("openPartition"), range=text("dueAt"), sparse=True),
        Index("service-index", hash=text("openService"), range=text("createdAt"), sparse=True),
    ),
)

TIMERS: Final = Table(
    name="platform-timers",
    owner=Owner.PLATFORM,
    purpose="Commands to be sent at a time; fired and cancelled timers leave a tombstone for 35 days.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("timerId")),
    # `<service>#<partition>#<hour>`: a waiting timer costs nothing until its hour comes.
    indexes=(Index("due-index", hash=text("dueBucket"), range=text("dueAt"), sparse=True),),
    ttl="expiresAt",
)

AUDIT: Final = Table(
    name="platform-audit",
    owner=Owner.PLATFORM,
    purpose="What people did to the system, by day: `<time>#<id>`; also the commit watermark per group and partition.",
    sensitivity=Sensitivity.PERSONAL,
    key=Key(text("day"), text("entry")),
)

SUBJECT_KEYS: Final = Table(
    name="platform-subject-keys",
    owner=Owner.PLATFORM,
    purpose="Wrapped data keys per `<subject>#<purpose>` and generation; a destroyed key leaves a tombstone.",
    sensitivity=Sensitivity.RESTRICTED,
    key=Key(text("subjectPurpose"), number("generation")),
    # Maintenance walks through all keys shard by shard (`00` to `3f`); nobody scans.
    indexes=(Index("shard-index", hash=text("shard"), range=text("subjectPurpose"), projection=("state", "wrappedUnder")),),
    # Losing this table loses every person's data, so it is backed up, although a destroyed key then
    # outlives its destruction in the backups by the recovery window.
    point_in_time_recovery=True,
)

TABLES: Final = (RECEIPTS, PARKED, FAILURES, EFFECTS, TIMERS, AUDIT, SUBJECT_KEYS)
