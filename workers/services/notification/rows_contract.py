"""Section 13 of domain.md: contracts and their signing."""

from typing import Any

from contracts.contract import events as contract
from contracts.contract.values import Ender, Party
from contracts.notification.values import PageLink, Phrase, Variable
from workers.engine.service import Event
from workers.services.notification.columns import (
    BOTH,
    IN_APP,
    PROD,
    TXN,
    Addressee,
    Row,
    client,
    contractor,
    day,
    moment,
    parties,
    text,
    users,
)


def other_party(data: contract.ContractSigned) -> list[Addressee]:
    return contractor(data) if data.party is Party.CLIENT else client(data)


def waited_for(data: contract.ContractSigningReminderDue) -> list[Addressee]:
    people = {Party.CLIENT: data.client_user_id, Party.CONTRACTOR: data.contractor_user_id}
    return users(*(people[party] for party in data.waiting_for))


def contract_page(event: Event[Any]) -> Variable:
    return PageLink(page="contracts", id=event.data.contract_id)


def signer_name(event: Event[contract.ContractSigned]) -> Variable:
    return event.data.client_name if event.data.party is Party.CLIENT else event.data.contractor_name


def cancel_reason(event: Event[contract.ContractCancelled]) -> Variable:
    """People give their own words; a deadline has a code."""
    return Phrase(code=event.data.reason[:80]) if event.data.by is Ender.SYSTEM else event.data.reason


TITLE = {"title": text("title")}
NAMES = {"clientName": text("client_name"), "contractorName": text("contractor_name")}
TO_CONTRACT = {"link": contract_page}

# Columns as in domain.md: event, recipient, channels, category, template, variables.
# fmt: off
ROWS: tuple[Row[Any], ...] = (
    Row(contract.ContractPdfFailed, client, IN_APP, TXN, "contract-pdf-failed", TO_CONTRACT),
    Row(contract.ContractSent, parties, BOTH, TXN, "contract-to-sign", TITLE | NAMES | {"signBy": moment("sign_by")} | TO_CONTRACT),
    Row(contract.ContractSigned, other_party, BOTH, TXN, "contract-signed", TITLE | {"signerName": signer_name} | TO_CONTRACT),
    Row(contract.ContractActivated, parties, BOTH, TXN, "contract-active", TITLE | NAMES | {"startDate": day("start_date")} | TO_CONTRACT),
    Row(contract.ContractSigningReminderDue, waited_for, BOTH, TXN, "contract-sign-reminder",
        TITLE | {"signBy": moment("sign_by")} | TO_CONTRACT),
    Row(contract.ContractRecalled, contractor, BOTH, TXN, "contract-recalled", TITLE | {"reason": text("reason")}),
    Row(contract.ContractEndingSoon, parties, BOTH, PROD, "contract-ending", TITLE | {"endDate": day("end_date")} | TO_CONTRACT),
    Row(contract.ContractCompleted, parties, BOTH, TXN, "contract-completed", TITLE | TO_CONTRACT),
    Row(contract.ContractCancelled, parties, BOTH, TXN, "contract-cancelled", TITLE | {"reason": cancel_reason}),
)
# fmt: on
