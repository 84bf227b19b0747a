"""From the first terms to the request for a document."""

from typing import Any

import pytest

from contracts.contract.commands import (
    CancelContract,
    RefreshContractParties,
    RetireContractTemplate,
    SendContract,
    UpdateContractDraft,
)
from contracts.contract.events import (
    ContractDrafted,
    ContractDraftUpdated,
    ContractPartyCheckRequested,
    ContractPartyRecorded,
    ContractPdfRequested,
)
from contracts.contract.values import ContractType, Party
from contracts.ids import within
from contracts.types import CommandId, Currency
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
    SEED,
    STRANGER,
    SYSTEM,
    TEMPLATE,
    VARIABLES,
    Story,
    confirming,
    drafting,
    legal,
    publishing,
    refusing,
)
from workers.engine.decision import UNCHANGED, Accepted, Refused
from workers.services.contract.contract import PdfState, Status

FIRST = CommandId(within(CONTRACT_ID, "first"))
HOURLY = publishing("hours", kind=ContractType.HOURLY)
WIDER = publishing("wider", content="{{ scopeOfWork }} {{ paymentTerms }} {{ ipTerms }}")


def test_a_draft_asks_both_services_for_the_parties() -> None:
    story = Story().drafted()
    assert story.oracle.emitted(ContractDrafted, ContractPartyCheckRequested) == [
        ContractDrafted(
            contract_id=CONTRACT_ID,
            client_id=CLIENT_ID,
            contractor_id=CONTRACTOR_ID,
            title="Online shop",
            type=ContractType.FIXED,
            currency=Currency.USD,
            rate=150_000,
            start_date="2026-02-01",
            end_date="2026-07-31",
        ),
        ContractPartyCheckRequested(contract_id=CONTRACT_ID, check_no=1, client_id=CLIENT_ID, contractor_id=CONTRACTOR_ID),
    ]
    assert story.contract.status is Status.DRAFT
    assert (story.contract.template_version, story.contract.template_sha256) == (1, TEMPLATE.content_sha256)


@pytest.mark.parametrize(
    ("other", "actor", "reason"),
    [
        ({}, f"company:{STRANGER}", "forbidden"),
        ({}, CONTRACTOR, "forbidden"),
        ({}, SYSTEM, "forbidden"),
        ({"template_id": CONTRACT_ID}, COMPANY, "template_not_found"),
        ({"template_id": HOURLY.template_id}, COMPANY, "template_type_mismatch"),
        ({"end_date": "2026-01-31"}, COMPANY, "dates_invalid"),
        ({"variables": VARIABLES | {"wish": legal("more")}}, COMPANY, "unknown_variable"),
    ],
)
def test_a_draft_is_refused(other: dict[str, Any], actor: str, reason: str) -> None:
    story = Story()
    story.send(HOURLY, SEED)
    assert story.send(drafting(**other), actor) == Refused(reason)


def test_an_admin_drafts_for_any_company() -> None:
    assert isinstance(Story().send(drafting(), ADMIN), Accepted)


def test_a_draft_is_created_once() -> None:
    story = Story()
    story.send(drafting(), COMPANY, command=FIRST)
    assert story.send(drafting(), COMPANY, command=FIRST) == UNCHANGED
    assert story.send(drafting(), COMPANY) == Refused("id_conflict")


def test_a_retired_template_serves_the_drafts_that_have_it() -> None:
    story = Story().drafted()
    story.send(RetireContractTemplate(name=TEMPLATE.name, template_id=TEMPLATE.template_id), ADMIN)
    assert isinstance(story.send(UpdateContractDraft(contract_id=CONTRACT_ID, title="Other"), COMPANY), Accepted)
    assert story.send(drafting(contract_id=CLIENT_ID), COMPANY) == Refused("template_not_found")


# --- editing -------------------------------------------------------------------------------------------------------


def test_an_edit_makes_a_new_revision_and_names_what_changed() -> None:
    story = Story().requested()
    assert story.contract.pdf_state is PdfState.RENDERING
    story.send(UpdateContractDraft(contract_id=CONTRACT_ID, title="Shop", rate=150_000, end_date="2026-08-31"), COMPANY)
    assert story.oracle.events[-1] == ContractDraftUpdated(contract_id=CONTRACT_ID, revision=2, changed=("endDate", "title"))
    contract = story.contract
    assert (contract.title, contract.end_date, contract.revision) == ("Shop", "2026-08-31", 2)
    assert (contract.pdf_state, contract.content_sha256) == (PdfState.NONE, None)


def test_an_edit_may_take_the_end_off_and_change_the_template() -> None:
    story = Story().drafted()
    story.send(WIDER, SEED)
    wish = UpdateContractDraft(contract_id=CONTRACT_ID, open_ended=True, template_id=WIDER.template_id)
    story.send(wish, COMPANY)
    assert story.oracle.events[-1] == ContractDraftUpdated(contract_id=CONTRACT_ID, revision=2, changed=("endDate", "templateId"))
    assert (story.contract.end_date, story.contract.template_sha256) == (None, WIDER.content_sha256)
    assert story.send(wish, COMPANY) == UNCHANGED


def test_a_wish_for_an_end_and_for_none_is_no_command() -> None:
    with pytest.raises(ValueError, match="openEnded"):
        UpdateContractDraft(contract_id=CONTRACT_ID, open_ended=True, end_date="2026-08-31")


@pytest.mark.parametrize(
    ("wish", "actor", "reason"),
    [
        ({"title": "Mine"}, CONTRACTOR, "forbidden"),
        ({"title": "Mine"}, f"company:{STRANGER}", "forbidden"),
        ({"template_id": CONTRACT_ID}, COMPANY, "template_not_found"),
        ({"type": "hourly"}, COMPANY, "template_type_mismatch"),
        ({"start_date": "2027-01-01"}, COMPANY, "dates_invalid"),
        ({"variables": {"wish": legal("more")}}, COMPANY, "unknown_variable"),
    ],
)
def test_an_edit_is_refused(wish: dict[str, Any], actor: str, reason: str) -> None:
    story = Story().drafted()
    assert story.send(UpdateContractDraft.model_validate({"contract_id": CONTRACT_ID} | wish), actor) == Refused(reason)


@pytest.mark.parametrize(
    "command", [UpdateContractDraft(contract_id=CONTRACT_ID, title="Late"), RefreshContractParties(contract_id=CONTRACT_ID)]
)
def test_only_a_draft_is_edited(command: UpdateContractDraft | RefreshContractParties) -> None:
    assert Story().send(command, COMPANY) == Refused("not_found")
    assert Story().offered().send(command, COMPANY) == Refused("invalid_state")


# --- parties -------------------------------------------------------------------------------------------------------


def test_an_answer_is_recorded_once() -> None:
    story = Story().drafted()
    story.send(confirming(Party.CLIENT))
    assert story.oracle.events[-1] == ContractPartyRecorded(contract_id=CONTRACT_ID, party=Party.CLIENT, ok=True, verified=True)
    assert story.send(confirming(Party.CLIENT)) == UNCHANGED
    story.send(refusing(Party.CONTRACTOR))
    assert story.oracle.events[-1] == ContractPartyRecorded(
        contract_id=CONTRACT_ID, party=Party.CONTRACTOR, ok=False, verified=False, reason="erased"
    )


def test_only_answers_to_the_latest_check_count() -> None:
    story = Story().drafted().confirmed()
    story.send(RefreshContractParties(contract_id=CONTRACT_ID), COMPANY)
    assert story.oracle.events[-1] == ContractPartyCheckRequested(
        contract_id=CONTRACT_ID, check_no=2, client_id=CLIENT_ID, contractor_id=CONTRACTOR_ID
    )
    assert story.send(SendContract(contract_id=CONTRACT_ID), COMPANY) == Refused("party_not_confirmed")
    assert story.send(confirming(Party.CLIENT, check_no=1)) == UNCHANGED
    assert isinstance(story.confirmed(check_no=2).send(SendContract(contract_id=CONTRACT_ID), COMPANY), Accepted)


def test_answers_are_facts_of_a_draft() -> None:
    assert Story().send(confirming(Party.CLIENT)) == Refused("not_found")
    assert Story().drafted().send(confirming(Party.CLIENT), COMPANY) == Refused("forbidden")
    assert Story().offered().send(refusing(Party.CLIENT)) == UNCHANGED


def test_a_confirmed_party_has_a_name() -> None:
    with pytest.raises(ValueError, match="confirmed party"):
        confirming(Party.CLIENT, name=None)


# --- sending -------------------------------------------------------------------------------------------------------


def test_sending_asks_for_the_document() -> None:
    story = Story().requested()
    contract = story.contract
    assert story.oracle.events[-1] == ContractPdfRequested(
        contract_id=CONTRACT_ID,
        client_id=CLIENT_ID,
        contractor_id=CONTRACTOR_ID,
        revision=1,
        content_sha256=contract.digest(),
        template_id=TEMPLATE.template_id,
        title="Online shop",
        type=ContractType.FIXED,
        currency=Currency.USD,
        rate=150_000,
        start_date="2026-02-01",
        end_date="2026-07-31",
        client_name=CLIENT_NAME,
        client_country="EG",
        contractor_name=CONTRACTOR_NAME,
        contractor_country="PL",
        variables=VARIABLES,
    )
    assert (contract.status, contract.pdf_state, contract.content_sha256) == (Status.DRAFT, PdfState.RENDERING, contract.digest())


@pytest.mark.parametrize("story", [Story().requested(), Story().offered(), Story().half_signed()])
def test_what_is_out_is_not_sent_again(story: Story) -> None:
    assert story.send(SendContract(contract_id=CONTRACT_ID), COMPANY) == UNCHANGED


@pytest.mark.parametrize("ended", [Story().active(), Story().requested()])
def test_what_has_begun_or_ended_is_not_sent(ended: Story) -> None:
    if ended.contract.status is Status.DRAFT:
        ended.send(CancelContract(contract_id=CONTRACT_ID, reason="No"), COMPANY)
    assert ended.send(SendContract(contract_id=CONTRACT_ID), COMPANY) == Refused("invalid_state")


@pytest.mark.parametrize(
    ("answers", "other", "reason"),
    [
        ([], {}, "party_not_confirmed"),
        ([confirming(Party.CLIENT)], {}, "party_not_confirmed"),
        ([confirming(Party.CLIENT), refusing(Party.CONTRACTOR)], {}, "party_not_confirmed"),
        ([confirming(Party.CLIENT), confirming(Party.CONTRACTOR, verified=False)], {}, "party_not_verified"),
        ([confirming(Party.CLIENT), confirming(Party.CONTRACTOR, user_id=CLIENT_USER)], {}, "same_party"),
        ([confirming(Party.CLIENT), confirming(Party.CONTRACTOR)], {"variables": {}}, "variables_missing"),
    ],
)
def test_sending_is_refused(answers: list[Any], other: dict[str, Any], reason: str) -> None:
    story = Story().drafted(**other)
    for answer in answers:
        story.send(answer)
    assert story.send(SendContract(contract_id=CONTRACT_ID), COMPANY) == Refused(reason)
    assert story.send(SendContract(contract_id=CONTRACT_ID), CONTRACTOR) == Refused("forbidden")


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Other"},
        {"rate": 150_001},
        {"currency": Currency.EUR},
        {"start_date": "2026-02-02"},
        {"end_date": None},
        {"variables": VARIABLES | {"scopeOfWork": legal("Less")}},
        {"template_sha256": "cd" * 32},
        {"revision": 2},
        {"parties": Story().drafted().confirmed().contract.parties.model_copy(update={"client": None})},
    ],
)
def test_the_content_digest_covers_all_that_the_document_shows(changed: dict[str, Any]) -> None:
    contract = Story().requested().contract
    assert contract.having(**changed).digest() != contract.digest()


def test_the_content_digest_ignores_what_the_document_does_not_show() -> None:
    contract = Story().requested().contract
    reordered = dict(reversed(contract.variables.items()))
    assert contract.having(status=Status.PENDING, pdf_key="elsewhere", variables=reordered).digest() == contract.digest()
