"""What whoever opens or seals personal values may do with the wrapping key and the key table. Rights at KMS go by encryption context:
``purpose``, and for what is sealed for one reader its name as ``subject``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from schemas.platform import SUBJECT_KEYS

OPEN: Final = ("kms:Decrypt",)
SEAL: Final = ("kms:Decrypt", "kms:GenerateDataKey")
REWRAP: Final = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")

_READ: Final = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
_CREATE: Final = ("dynamodb:PartiQLInsert", "dynamodb:PutItem")
_CHANGE: Final = ("dynamodb:PartiQLUpdate", "dynamodb:UpdateItem")
_READER: Final = "reader:"


def opening_statements(opens: Iterable[str], seals: Iterable[str]) -> tuple[Mapping[str, object], ...]:
    """Of one role. ``opens``, ``seals``: audiences (``contracts.sealed.audience``). Empty when it does neither."""
    opened, sealed = frozenset(opens), frozenset(seals)
    if not opened | sealed:
        return ()
    table = (*_READ, *_CREATE) if sealed else _READ
    return (*_kms("Open", OPEN, opened - sealed), *_kms("Seal", SEAL, sealed), _table("KeyTable", table))


def destroying_statement() -> Mapping[str, object]:
    """To destroy a key nobody needs a right at KMS."""
    return _table("DestroyKeys", (*_READ, *_CREATE, *_CHANGE))


def maintenance_statements() -> tuple[Mapping[str, object], ...]:
    """``mindlinks keys``: shows, counts, destroys, rewraps. KMS rewraps without giving the key away."""
    indexes = tuple(f"{_arn()}/index/{index.name}" for index in SUBJECT_KEYS.indexes)
    return (
        {"Sid": "Rewrap", "Effect": "Allow", "Action": list(REWRAP), "Resource": ["${wrapping_key}"]},
        destroying_statement(),
        {"Sid": "KeyIndex", "Effect": "Allow", "Action": ["dynamodb:Query"], "Resource": list(indexes)},
    )


def _kms(name: str, actions: Sequence[str], audiences: Iterable[str]) -> list[Mapping[str, object]]:
    """Readers apart: there the subject is part of the right."""
    wanted = sorted(audiences)
    readers = [each.removeprefix(_READER) for each in wanted if each.startswith(_READER)]
    persons = [each for each in wanted if not each.startswith(_READER)]
    return [
        {
            "Sid": f"{name}{part}",
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": ["${wrapping_key}"],
            "Condition": {"StringEquals": condition},
        }
        for part, names, condition in (
            ("Persons", persons, {"kms:EncryptionContext:purpose": persons}),
            ("Readers", readers, {"kms:EncryptionContext:purpose": ["reader"], "kms:EncryptionContext:subject": readers}),
        )
        if names
    ]


def _table(name: str, actions: Sequence[str]) -> Mapping[str, object]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": [_arn()]}


def _arn() -> str:
    return f"arn:aws:dynamodb:${{region}}:${{account}}:table/${{environment}}-{SUBJECT_KEYS.name}"
