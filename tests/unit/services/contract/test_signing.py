"""From the recorded document to the second signature."""

from typing import Any

import pytest

from contracts.contract.commands import (
    CompleteContract,
    ExpireContractOffer,
    NoticeContractEnding,
    RecallContract,
    RecordContractPdf,
    RecordContractPdfFailed,
    RecordExecutedPdf,
    RemindContractSigning,
    SendContract,
    UpdateContractDraft,
)
from contracts.contract.events import (
    ContractActivated,
    ContractExecutedPdfStored,
    ContractPdfFailed,
    ContractRecalled,
    ContractSent,
    ContractSigned,
    ContractSigningReminderDue,
)
from contracts.contract.values import ContractType, Party
from contracts.timestamps import plus
from contracts.types import Currency, Timestamp
from tests.support.oracle import START
from tests.support.service_story import ADMIN
from tests.unit.services.contract.story import (
    CLIENT_ID,
    CLIENT_NAME,
    CLIENT_USER,
    COMPANY,
    CONTRACT_ID,
    CONTRACTOR,
    CONTRACTOR_ID,
    CONTRACTOR_NAME,
    CONTRACTOR_USER,
    PDF_SHA256,
    Story,
    signing,
)
from workers.engine.decision import UNCHANGED, Accepted, CancelTimer, Refused, ScheduleTimer
from workers.services.contract.contract import CONTRACT, PdfState, Status

ABOUT: dict[str, Any] = {
    "contract_id": CONTRACT_ID,
    "client_id": CLIENT_ID,
    "contractor_id": CONTRACTOR_ID,
    "client_user_id": CLIENT_USER,
    "contractor_user_id": CONTRACTOR_USER,
    "title": "Online shop",
    "client_name": CLIENT_NAME,
    "contractor_name": CONTRACTOR_NAME,
}
SIGN_BY = Timestamp("2026-03-02T09:30:00.000Z")
REMINDER = Timestamp("2026-02-07T09:30:00.000Z")
LATER = plus(START, days=1)
RECALL = RecallContract(contract_id=CONTRACT_ID, reason="New milestones")
REMIND = RemindContractSigning(contract_id=CONTRACT_ID)
EXECUTED = RecordExecutedPdf(contract_id=CONTRACT_ID, executed_pdf_key="contracts/x-executed.pdf", executed_pdf_sha256="ef" * 32)


# --- the document --------------------------------------------------------------------------------------------------


def test_the_recorded_document_is_offered() -> None:
    story = Story().requested()
    decision = story.send(story.recording())
    assert story.oracle.events[-1] == ContractSent(
        **ABOUT, type=ContractType.FIXED, currency=Currency.USD, pdf_sha256=PDF_SHA256, template_version=1, sign_by=SIGN_BY
    )
    assert isinstance(decision, Accepted)
    assert decision.timers == (
        ScheduleTimer("contract-sign-reminder", CONTRACT_ID, REMINDER, REMIND),
        ScheduleTimer("contract-signing-deadline", CONTRACT_ID, SIGN_BY, ExpireContractOffer(contract_id=CONTRACT_ID)),
    )
    assert (story.contract.status, story.contract.pdf_state) == (Status.PENDING, PdfState.READY)
    assert story.send(story.recording(), at=LATER) == UNCHANGED


def test_a_document_of_another_content_counts_for_nothing() -> None:
    story = Story().requested()
    recording = story.recording()
    assert story.send(recording.model_copy(update={"content_sha256": "00" * 32})) == UNCHANGED
    story.send(UpdateContractDraft(contract_id=CONTRACT_ID, title="Shop"), COMPANY)
    assert story.send(recording) == UNCHANGED
    assert story.contract.status is Status.DRAFT


def test_a_failed_document_leaves_a_draft_that_may_be_sent_again() -> None:
    story = Story().requested()
    failed = RecordContractPdfFailed(contract_id=CONTRACT_ID, revision=1, code="template_invalid")
    story.send(failed)
    assert story.oracle.events[-1] == ContractPdfFailed(
        contract_id=CONTRACT_ID, client_user_id=CLIENT_USER, revision=1, code="template_invalid"
    )
    assert story.contract.pdf_state is PdfState.FAILED
    assert story.send(failed) == UNCHANGED
    assert isinstance(story.send(SendContract(contract_id=CONTRACT_ID), COMPANY), Accepted)
    assert story.send(failed.model_copy(update={"revision": 2})) == UNCHANGED
    assert isinstance(story.send(story.recording()), Accepted)


# --- signatures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "between"),
    [((Party.CLIENT, Party.CONTRACTOR), Status.CLIENT_SIGNED), ((Party.CONTRACTOR, Party.CLIENT), Status.CONTRACTOR_SIGNED)],
)
def test_the_second_signature_activates(order: tuple[Party, Party], between: Status) -> None:
    story = Story().offered()
    actors = {Party.CLIENT: COMPANY, Party.CONTRACTOR: CONTRACTOR}
    story.send(signing(order[0]), actors[order[0]])
    assert story.oracle.events[-1] == ContractSigned(**ABOUT, party=order[0], signed_at=START, pdf_sha256=PDF_SHA256)
    assert story.contract.status is between
    decision = story.send(signing(order[1]), actors[order[1]], LATER)
    signed_at = {order[0]: START, order[1]: LATER}
    assert story.oracle.events[-2:] == [
        ContractSigned(**ABOUT, party=order[1], signed_at=LATER, pdf_sha256=PDF_SHA256),
        ContractActivated(
            **ABOUT,
            type=ContractType.FIXED,
            currency=Currency.USD,
            rate=150_000,
            start_date="2026-02-01",
            end_date="2026-07-31",
            pdf_sha256=PDF_SHA256,
            client_signed_at=signed_at[Party.CLIENT],
            contractor_signed_at=signed_at[Party.CONTRACTOR],
        ),
    ]
    assert isinstance(decision, Accepted)
    assert decision.timers == (
        CancelTimer("contract-sign-reminder", CONTRACT_ID),
        CancelTimer("contract-signing-deadline", CONTRACT_ID),
        ScheduleTimer(
            "contract-end-notice", CONTRACT_ID, Timestamp("2026-07-24T23:59:59.999Z"), NoticeContractEnding(contract_id=CONTRACT_ID)
        ),
        ScheduleTimer("contract-end", CONTRACT_ID, Timestamp("2026-07-31T23:59:59.999Z"), CompleteContract(contract_id=CONTRACT_ID)),
    )
    assert story.contract.status is Status.ACTIVE


@pytest.mark.parametrize(("end", "timers"), [("2026-02-01", ["contract-end"]), (None, [])])
def test_end_timers_are_those_that_can_still_fire(end: str | None, timers: list[str]) -> None:
    story = Story().active(end_date=end)
    assert [name for name, _ in story.oracle.timers] == timers


def test_the_same_party_signs_once() -> None:
    story = Story().half_signed()
    assert story.send(signing(Party.CONTRACTOR, "00" * 32), CONTRACTOR) == UNCHANGED
    assert story.active().send(signing(Party.CLIENT), COMPANY) == UNCHANGED


@pytest.mark.parametrize(
    ("story", "party", "actor", "digest", "reason"),
    [
        (Story(), Party.CLIENT, COMPANY, PDF_SHA256, "not_found"),
        (Story().requested(), Party.CLIENT, COMPANY, PDF_SHA256, "not_sent"),
        (Story().offered(), Party.CLIENT, CONTRACTOR, PDF_SHA256, "forbidden"),
        (Story().offered(), Party.CONTRACTOR, COMPANY, PDF_SHA256, "forbidden"),
        (Story().offered(), Party.CLIENT, ADMIN, PDF_SHA256, "forbidden"),
        (Story().offered(), Party.CLIENT, f"system:{CLIENT_USER}", PDF_SHA256, "forbidden"),
        (Story().offered(), Party.CLIENT, COMPANY, "00" * 32, "document_changed"),
        (Story().half_signed(), Party.CLIENT, COMPANY, "00" * 32, "document_changed"),
    ],
)
def test_a_signature_is_refused(story: Story, party: Party, actor: str, digest: str, reason: str) -> None:
    assert story.send(signing(party, digest), actor) == Refused(reason)


@pytest.mark.parametrize("tampered", [{"rate": 1}, {"pdfSha256": "00" * 32}])
def test_the_second_signature_checks_the_whole_again(tampered: dict[str, Any]) -> None:
    story = Story().half_signed()
    root = CONTRACT.root(CONTRACT_ID)
    story.oracle.items[root] = {**story.oracle.items[root], **tampered}
    digest = str(tampered.get("pdfSha256", PDF_SHA256))
    assert story.send(signing(Party.CLIENT, digest), COMPANY) == Refused("document_changed")


# --- recalled, reminded --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("story", [Story().offered(), Story().half_signed()])
def test_a_recall_drops_signatures_and_timers(story: Story) -> None:
    story.send(RECALL, COMPANY)
    assert story.oracle.events[-1] == ContractRecalled(**ABOUT, reason="New milestones")
    assert story.oracle.timers == {}
    contract = story.contract
    assert (contract.status, contract.revision, contract.pdf_state) == (Status.DRAFT, 2, PdfState.NONE)
    assert "signatures" not in contract.to_item()
    assert story.send(signing(Party.CLIENT), COMPANY) == Refused("not_sent")
    assert story.send(RECALL, COMPANY) == Refused("invalid_state")


def test_a_signature_for_the_recalled_document_does_not_count_for_the_next() -> None:
    story = Story().offered()
    story.send(RECALL, COMPANY)
    story.send(SendContract(contract_id=CONTRACT_ID), COMPANY)
    story.send(story.recording("cd" * 32))
    assert story.send(signing(Party.CLIENT), COMPANY) == Refused("document_changed")


def test_only_the_client_recalls() -> None:
    assert Story().offered().send(RECALL, CONTRACTOR) == Refused("forbidden")
    assert Story().active().send(RECALL, COMPANY) == Refused("invalid_state")


@pytest.mark.parametrize(
    ("story", "waiting"), [(Story().offered(), (Party.CLIENT, Party.CONTRACTOR)), (Story().half_signed(), (Party.CLIENT,))]
)
def test_the_reminder_names_who_has_not_signed_once(story: Story, waiting: tuple[Party, ...]) -> None:
    assert story.send(REMIND, at=plus(REMINDER, seconds=-1)) == UNCHANGED
    story.send(REMIND, at=REMINDER)
    assert story.oracle.events[-1] == ContractSigningReminderDue(**ABOUT, waiting_for=waiting, sign_by=SIGN_BY)
    assert story.send(REMIND, at=LATER) == UNCHANGED


@pytest.mark.parametrize("story", [Story().drafted(), Story().active()])
def test_nobody_is_reminded_of_what_is_not_out(story: Story) -> None:
    assert story.send(REMIND, at=REMINDER) == UNCHANGED


# --- the executed copy ---------------------------------------------------------------------------------------------


def test_the_executed_copy_is_recorded_once() -> None:
    story = Story().half_signed()
    assert story.send(EXECUTED) == UNCHANGED
    story.send(signing(Party.CLIENT), COMPANY)
    story.send(EXECUTED)
    assert story.oracle.events[-1] == ContractExecutedPdfStored(contract_id=CONTRACT_ID, executed_pdf_sha256="ef" * 32)
    assert story.send(EXECUTED.model_copy(update={"executed_pdf_key": "other"})) == UNCHANGED
    assert story.contract.executed_pdf_key == "contracts/x-executed.pdf"


RECORDING = RecordContractPdf(
    contract_id=CONTRACT_ID, revision=1, content_sha256="00" * 32, pdf_key="contracts/x.pdf", pdf_sha256=PDF_SHA256, pages=1
)
FAILED = RecordContractPdfFailed(contract_id=CONTRACT_ID, revision=1, code="template_invalid")


@pytest.mark.parametrize("fact", [RECORDING, FAILED, EXECUTED, REMIND])
def test_facts_and_timers_come_from_our_own_senders(fact: RecordContractPdf) -> None:
    assert Story().send(fact) == Refused("not_found")
    assert Story().offered().send(fact, COMPANY) == Refused("forbidden")
