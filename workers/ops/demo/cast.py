"""The people and things of the story, with ids of their own at every run."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from uuid import uuid4

from contracts.ids import derived


@dataclass(frozen=True, slots=True)
class Person:
    """``actor`` is how the upstream system names who asks. ``ip``: from where this person signs in and signs. ``device``: its
    browser, as it calls itself."""

    user_id: str
    role: str
    first_name: str
    last_name: str
    email: str
    phone: str
    ip: str
    device: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

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
        secret = {"password": self.password, "device": self.device}
        return {"first name": self.first_name, "last name": self.last_name} | secret | address


@dataclass(frozen=True, slots=True)
class Cast:
    """Account and routing number are the contractor's; ``other_account_number``: where payouts go once one came back. ``company_number``:
    in the register of ``jurisdiction``."""

    client: Person
    contractor: Person
    contract_id: str
    deposit_id: str
    release_id: str
    refund_id: str
    bank_details_id: str
    other_bank_details_id: str
    legal_name: str = "Acme Robotics GmbH"
    tax_id: str = "DE811907980"
    jurisdiction: str = "de"
    company_number: str = "HRB182331"
    account_number: str = "000123456789"
    other_account_number: str = "000987650432"
    routing_number: str = "110000000"

    @classmethod
    def new(cls) -> Self:
        return cls(
            client=Person(
                user_id=str(uuid4()),
                role="company",
                first_name="Clara",
                last_name="Meyer",
                email="clara@acme.example",
                phone="+4930901820",
                ip="198.51.100.7",
                device="Mozilla/5.0 (Macintosh; Intel Mac OS X 14.7) Firefox/139.0",
            ),
            contractor=Person(
                user_id=str(uuid4()),
                role="contractor",
                first_name="Omar",
                last_name="Haddad",
                email="omar@haddad.example",
                phone="+12025550143",
                ip="203.0.113.9",
                device="Mozilla/5.0 (X11; Linux aarch64) Epiphany/617.1",
            ),
            contract_id=str(uuid4()),
            deposit_id=str(uuid4()),
            release_id=str(uuid4()),
            refund_id=str(uuid4()),
            bank_details_id=str(uuid4()),
            other_bank_details_id=str(uuid4()),
        )

    @property
    def company_id(self) -> str:
        return derived(f"company:{self.client.user_id}")

    @property
    def contractor_id(self) -> str:
        return derived(f"contractor:{self.contractor.user_id}")

    @property
    def registered_name(self) -> str:
        """As a register writes it, which is not quite how the company does."""
        return self.legal_name.replace("GmbH", "Gesellschaft mit beschränkter Haftung").upper()

    def who(self, recipient: str) -> str:
        """A recipient in a word."""
        names = {self.client.user_id: "client", self.contractor.user_id: "contractor"}
        return names.get(recipient, recipient)
