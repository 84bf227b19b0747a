"""The people and things of the story, with ids of their own at every run."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import uuid4

from contracts.ids import derived


@dataclass(frozen=True, slots=True)
class Person:
    """``actor`` is how the upstream system names who asks. ``ip``: from where this person signs."""

    user_id: str
    role: str
    first_name: str
    last_name: str
    email: str
    phone: str
    ip: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    """Nobody signs in to the demo; the ingress keeps a hash."""

    @property
    def actor(self) -> str:
        return f"{self.role}:{self.user_id}"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def personal(self) -> Mapping[str, str]:
        """Every value about this person that is sent in the clear, by what it is."""
        address = {"address": self.email, "local part": self.email.partition("@")[0], "phone": self.phone, "network address": self.ip}
        return {"first name": self.first_name, "last name": self.last_name, "password": self.password} | address


@dataclass(frozen=True, slots=True)
class Cast:
    """``admin`` verifies companies; the two others are the parties. Account and routing number are the contractor's."""

    client: Person
    contractor: Person
    admin: str
    contract_id: str
    deposit_id: str
    release_id: str
    bank_details_id: str
    kyc_session_id: str
    legal_name: str = "Acme Robotics GmbH"
    tax_id: str = "DE811907980"
    account_number: str = "000123456789"
    routing_number: str = "110000000"

    @classmethod
    def new(cls) -> Self:
        return cls(
            client=Person(str(uuid4()), "company", "Clara", "Meyer", "clara@acme.example", "+4930901820", "198.51.100.7"),
            contractor=Person(str(uuid4()), "contractor", "Omar", "Haddad", "omar@haddad.example", "+12025550143", "203.0.113.9"),
            admin=f"admin:{uuid4()}",
            contract_id=str(uuid4()),
            deposit_id=str(uuid4()),
            release_id=str(uuid4()),
            bank_details_id=str(uuid4()),
            kyc_session_id=str(uuid4()),
        )

    @property
    def company_id(self) -> str:
        return derived(f"company:{self.client.user_id}")

    @property
    def contractor_id(self) -> str:
        return derived(f"contractor:{self.contractor.user_id}")

    def who(self, user_id: str) -> str:
        """A recipient in a word."""
        names = {self.client.user_id: "client", self.contractor.user_id: "contractor"}
        return names.get(user_id, user_id)
