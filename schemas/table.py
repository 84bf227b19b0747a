"""The declaration of one table: what every rendering (CreateTable, Terraform, IAM, documentation) is made from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

MAX_INDEXES: Final = 20  # DynamoDB's default quota of global secondary indexes a table
MAX_PROJECTED: Final = 100  # attributes named by all INCLUDE projections of a table together

_TABLE_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_ENVIRONMENT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_INDEX_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*-index")
_ATTRIBUTE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class Owner(StrEnum):
    """Who alone writes a table: one service, or the engine for the platform tables."""

    AUTH = "auth"
    USER = "user"
    CLIENT = "client"
    CONTRACTOR = "contractor"
    KYC = "kyc"
    CONTRACT = "contract"
    PAYMENT = "payment"
    NOTIFICATION = "notification"
    CONTENT = "content"
    LEAD = "lead"
    ANALYTICS = "analytics"
    PLATFORM = "platform"


class Sensitivity(StrEnum):
    """The worst a leaked table would tell, sealed values included; chooses the encryption key in the cloud."""

    PUBLIC = "public"  # meant to be read by anybody, once published
    INTERNAL = "internal"  # business facts and ids, no value of a person
    PERSONAL = "personal"  # names, addresses, devices, messages of people
    RESTRICTED = "restricted"  # credentials, bank numbers, identity checks, keys, whole commands of others


class AttributeType(StrEnum):
    """What DynamoDB allows a key attribute to be; a boolean can't be one."""

    STRING = "S"
    NUMBER = "N"
    BINARY = "B"


class KeysOnly(Enum):
    """The one value that says an index holds nothing but keys."""

    KEYS_ONLY = "KEYS_ONLY"


KEYS_ONLY: Final = KeysOnly.KEYS_ONLY


class InvalidDeclaration(ValueError):
    """A table is declared in a way that DynamoDB would refuse or that breaks a rule of this system."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A key attribute. Others are not declared: DynamoDB refuses a definition that no key uses."""

    name: str
    type: AttributeType = AttributeType.STRING

    def __post_init__(self) -> None:
        _require_attribute_name(self.name)


def text(name: str) -> Attribute:
    return Attribute(name, AttributeType.STRING)


def number(name: str) -> Attribute:
    return Attribute(name, AttributeType.NUMBER)


@dataclass(frozen=True, slots=True)
class Key:
    """A primary key: partition key and, where rows form a list, sort key."""

    hash: Attribute
    range: Attribute | None = None

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        return (self.hash,) if self.range is None else (self.hash, self.range)


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index. There is no projection ALL: the bookkeeping of a root must never be copied.

    `sparse` says that rows are meant to be missing: they carry the hash attribute only while they belong in the index.
    Rows of another item type (claims, families) are missing from every index, and that is not what it says.
    """

    name: str
    hash: Attribute
    range: Attribute | None = None
    projection: tuple[str, ...] | KeysOnly = KEYS_ONLY
    sparse: bool = False

    def __post_init__(self) -> None:
        _require(_INDEX_NAME.fullmatch(self.name) is not None, f"index name {self.name!r} is not like 'userId-index'")
        for name in self.included:
            _require_attribute_name(name)
        _require(self.projection != (), f"index {self.name} includes nothing: say KEYS_ONLY")
        _require(len(set(self.included)) == len(self.included), f"index {self.name} includes an attribute twice")

    @property
    def key(self) -> Key:
        return Key(self.hash, self.range)

    @property
    def included(self) -> tuple[str, ...]:
        """Attributes projected beside the keys."""
        return () if isinstance(self.projection, KeysOnly) else self.projection


@dataclass(frozen=True, slots=True)
class Table:
    """One table, its owner and its care. `deletes` says why rows may be deleted; empty means that none ever is. `scans`: why operators'
    tools read the whole of it, beside the rebuild that holds any service's table against its log."""

    name: str
    owner: Owner
    purpose: str
    sensitivity: Sensitivity
    key: Key
    indexes: tuple[Index, ...] = ()
    ttl: str | None = None
    stream: bool = False
    point_in_time_recovery: bool = True
    deletes: str = ""
    scans: str = ""

    def __post_init__(self) -> None:
        _require(_TABLE_NAME.fullmatch(self.name) is not None, f"table name {self.name!r} is not like 'auth-users'")
        _require(self.purpose != "", f"{self.name} has no purpose")
        names = [index.name for index in self.indexes]
        _require(len(set(names)) == len(names), f"{self.name} has two indexes of one name")
        _require(len(names) <= MAX_INDEXES, f"{self.name} has more than {MAX_INDEXES} indexes")
        projected = sum(len(index.included) for index in self.indexes)
        _require(projected <= MAX_PROJECTED, f"{self.name} projects more than {MAX_PROJECTED} attributes")
        self._require_one_type_per_attribute()
        self._require_projections_without_keys()
        self._require_plain_ttl()

    @property
    def key_attributes(self) -> tuple[Attribute, ...]:
        """Every attribute that a key of the table or of an index uses, once, in order of appearance."""
        return tuple(dict.fromkeys(self._keys()))

    def index(self, name: str) -> Index:
        """The index of that name; KeyError if the table has none."""
        for index in self.indexes:
            if index.name == name:
                return index
        raise KeyError(f"{self.name} has no index {name}")

    def name_in(self, environment: str) -> str:
        """The name on disk: `<environment>-<table>`."""
        _require(_ENVIRONMENT.fullmatch(environment) is not None, f"environment {environment!r} can't start a table name")
        return f"{environment}-{self.name}"

    def _keys(self) -> Iterator[Attribute]:
        yield from self.key.attributes
        for index in self.indexes:
            yield from index.key.attributes

    def _require_one_type_per_attribute(self) -> None:
        names = [attribute.name for attribute in self.key_attributes]
        _require(len(set(names)) == len(names), f"{self.name} declares a key attribute with two types")

    def _require_projections_without_keys(self) -> None:
        for index in self.indexes:
            keys = {attribute.name for attribute in (*self.key.attributes, *index.key.attributes)}
            _require(not keys & set(index.included), f"{self.name} {index.name} includes a key, which is always projected")

    def _require_plain_ttl(self) -> None:
        if self.ttl is None:
            return
        _require_attribute_name(self.ttl)
        keys = {attribute.name for attribute in self.key_attributes}
        _require(self.ttl not in keys, f"{self.name} uses its TTL attribute as a key")
        # A reader of a list must be able to leave out rows that expired and are not deleted yet.
        for index in self.indexes:
            lists = not isinstance(index.projection, KeysOnly)
            _require(not lists or self.ttl in index.included, f"{self.name} {index.name} must include {self.ttl}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InvalidDeclaration(otherwise)


def _require_attribute_name(name: str) -> None:
    # A leading underscore marks the runtime's own attributes, which no key and no index may show.
    _require(_ATTRIBUTE_NAME.fullmatch(name) is not None, f"{name!r} can't be declared: letters and digits only")
