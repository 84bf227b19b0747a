"""The people and things of the story, with ids of their own at every run."""

from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from contracts.ids import derived


@dataclass(frozen=True, slots=True)
class Person:
    """``actor`` is how the upstream system names who asks."""

    user_id: str
    role: str
    first_name: str
    last_name: str
    email: str

    @property
    def actor(self) -> str:
        return f"{self.role}:{self.user_id}"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class Cast:
    """``admin`` verifies companies; the two others are the parties."""

    client: Person
    contractor: Person
    admin: str
    contract_id: str
    deposit_id: str
    release_id: str
    bank_details_id: str
    kyc_session_id: str

    @classmethod
    def new(cls) -> Self:
        return cls(
            client=Person(str(uuid4()), "company", "Clara", "Meyer", "clara@acme.example"),
            contractor=Person(str(uuid4()), "contractor", "Omar", "Haddad", "omar@haddad.example"),
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
