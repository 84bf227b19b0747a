"""The contract: drafted, parties confirmed, sent, signed by both, and its end."""

from typing import Any

from contracts.contract.commands import CompleteContract, CreateContractDraft, SendContract, SignContract
from contracts.contract.events import (
    ContractActivated,
    ContractCompleted,
    ContractExecutedPdfStored,
    ContractPartyRecorded,
    ContractSent,
    ContractSigned,
)
from contracts.contract.values import ContractType, Party
from contracts.ids import template_id
from contracts.payment.events import EscrowClosing, EscrowOpened
from contracts.timestamps import day, from_milliseconds, plus
from contracts.types import Locale
from workers.ops.demo.cast import Cast, Person
from workers.ops.demo.stage import CURRENCY, DEPOSIT, Scene, Stage

VARIABLES = {
    "scopeOfWork": "A controller for a gripper of six axes: design, firmware and acceptance tests.",
    "milestones": "1. Design (300.00)\n2. Firmware (900.00)\n3. Acceptance (300.00)",
    "paymentTerms": "Each milestone is paid from escrow within five days of its acceptance.",
    "noticePeriodDays": "14",
    "governingLaw": "Germany",
    "disputeVenue": "Berlin",
    "confidentialityTerms": "Both parties keep to themselves what they learn of each other's business.",
    "ipTerms": "Rights in the work pass to the Client on payment.",
}


def draft_of(cast: Cast, now: int) -> dict[str, Any]:
    """What the client's company proposes. ``now``: milliseconds."""
    today = from_milliseconds(now)
    return {
        "contractId": cast.contract_id,
        "clientId": cast.company_id,
        "contractorId": cast.contractor_id,
        "title": "Gripper controller",
        "type": ContractType.FIXED,
        "currency": CURRENCY,
        "rate": DEPOSIT,
        "startDate": day(today),
        "endDate": day(plus(today, days=60)),
        "templateId": template_id("contract-templates", "fixed-contract", ContractType.FIXED, Locale.EN, 1),
        "variables": VARIABLES,
    }


async def drafted(stage: Stage) -> None:
    await stage.upstream.send(CreateContractDraft, draft_of(stage.cast, stage.now()), stage.cast.client.actor)
    await stage.log.until(ContractPartyRecorded, stage.cast.contract_id, count=len(Party))


async def sent(stage: Stage) -> None:
    await stage.upstream.send(SendContract, {"contractId": stage.cast.contract_id}, stage.cast.client.actor)
    await stage.log.until(ContractSent, stage.cast.contract_id)


async def signed(stage: Stage) -> None:
    contract = stage.cast.contract_id
    await _sign(stage, Party.CONTRACTOR, stage.cast.contractor)
    await _sign(stage, Party.CLIENT, stage.cast.client)
    await stage.log.until(ContractActivated, contract)
    await stage.log.until(EscrowOpened, contract)
    await stage.log.until(ContractExecutedPdfStored, contract)


async def _sign(stage: Stage, party: Party, person: Person) -> None:
    """With the digest of the document that was sent."""
    contract = stage.cast.contract_id
    offer = await stage.log.until(ContractSent, contract)
    signature = {"contractId": contract, "party": party, "pdfSha256": offer.pdf_sha256, "signatureName": person.name, "ip": person.ip}
    await stage.upstream.send(SignContract, signature, person.actor)
    await stage.log.until(ContractSigned, contract, lambda event: event.party is party)


async def completed(stage: Stage) -> None:
    contract = stage.cast.contract_id
    await stage.upstream.send(CompleteContract, {"contractId": contract}, stage.cast.client.actor)
    await stage.log.until(ContractCompleted, contract)
    await stage.log.until(EscrowClosing, contract)


SCENES = (
    Scene("A contract is drafted; both parties are confirmed", drafted),
    Scene("The contract is rendered and sent", sent),
    Scene("Contractor and client sign; the contract is active; escrow opens", signed),
)
END = Scene("The contract is completed; what is left waits in escrow", completed)
