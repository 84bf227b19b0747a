"""The business registry is asked for a company, and its name compared with the one the company goes by."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from contracts.clear import Redacted
from contracts.client import CompanyVerificationRequested, RecordRegistryResult, RecordRegistryUnavailable
from contracts.types import Purpose
from workers.engine.decision import Item, ItemRef
from workers.engine.service import Call, Done, Effect, Result, Retryable
from workers.services.client.legal_names import same_company_name
from workers.services.client.ports import BusinessRegistry, NoAnswer, NotRegistered, Refusal, RegisteredCompany

PATIENCE: Final = timedelta(hours=24)
"""How long a registry that gives no answer is asked again, before a person decides without it."""
LONGEST_NAME, LONGEST_STATUS, LONGEST_TEXT = 200, 200, 500


async def look_up_company(call: Call[CompanyVerificationRequested], _rows: Mapping[ItemRef, Item], port: BusinessRegistry) -> Result:
    """Of somebody who was erased meanwhile there is nothing left to verify."""
    data = call.event.data
    name = await port.open(data.legal_name)
    if isinstance(name, Redacted):
        return Done()
    answer = await port.find(data.jurisdiction, data.company_number)
    match answer:
        case RegisteredCompany():
            matches = same_company_name(name.reveal(), answer.name)
            return Done((_found(data, answer, matches),), reference=answer.url)
        case NotRegistered():
            return Done((RecordRegistryResult(company_id=data.company_id, attempt=data.attempt, found=False, name_matches=False),))
        case NoAnswer(_, reason, after) if not call.stale:
            return Retryable(reason, after)
        case NoAnswer(code) | Refusal(code):
            return Done((RecordRegistryUnavailable(company_id=data.company_id, attempt=data.attempt, code=code),))


def _found(data: CompanyVerificationRequested, company: RegisteredCompany, matches: bool) -> RecordRegistryResult:
    return RecordRegistryResult(
        company_id=data.company_id,
        attempt=data.attempt,
        found=True,
        name_matches=matches,
        name=_cut(company.name, LONGEST_NAME),
        jurisdiction=company.jurisdiction,
        company_number=company.company_number,
        inactive=company.inactive,
        current_status=_cut(company.current_status, LONGEST_STATUS),
        incorporation_date=company.incorporation_date,
        registered_address=_cut(company.registered_address, LONGEST_TEXT),
        opencorporates_url=company.url if company.url and len(company.url) <= LONGEST_TEXT else None,
        retrieved_at=company.retrieved_at,
    )


def _cut(text: str | None, longest: int) -> str | None:
    return text[:longest].strip() or None if text else None


REGISTRY_LOOKUP = Effect(
    name="client.registry-lookup",
    event=CompanyVerificationRequested,
    provider="opencorporates",
    run=look_up_company,
    attempt=lambda event: event.data.attempt,
    key_lifetime=PATIENCE,
    opens=frozenset({Purpose.SUBJECT}),
)
