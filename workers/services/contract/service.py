"""contract: which function judges which command, and what its events set in motion."""

from contracts.client import ContractClientConfirmed, ContractClientRefused
from contracts.contract import commands, events
from contracts.contractor import ContractContractorConfirmed, ContractContractorRefused
from contracts.types import Purpose
from workers.engine.aggregate import Handler
from workers.engine.service import Effect, Reaction, Service
from workers.services.contract import drafting, effects, ending, reactions, signing, template
from workers.services.contract.contract import CONTRACT, current_template

SERVICE = Service(
    name="contract",
    handlers=(
        Handler(commands.CreateContractDraft, CONTRACT, drafting.create_draft, drafting.named_template),
        Handler(
            commands.UpdateContractDraft,
            CONTRACT,
            drafting.update_draft,
            drafting.wanted_template,
            idempotency="terms that hold already change nothing; otherwise the last wish holds, in a draft that nobody signed",
        ),
        Handler(
            commands.RefreshContractParties,
            CONTRACT,
            drafting.refresh_parties,
            idempotency="one more check of a draft's parties, whose answers replace the former ones",
        ),
        Handler(commands.RecordContractParty, CONTRACT, drafting.record_party),
        Handler(
            commands.SendContract,
            CONTRACT,
            drafting.send_contract,
            current_template,
            idempotency="state; after a recall it offers the draft as it is then, and nobody has signed that",
        ),
        Handler(commands.RecordContractPdf, CONTRACT, signing.record_pdf),
        Handler(
            commands.RecordContractPdfFailed,
            CONTRACT,
            signing.record_pdf_failed,
            idempotency="state; while the same revision is rendered once more it ends the wait for that, and the document still counts",
        ),
        Handler(commands.SignContract, CONTRACT, signing.sign_contract),
        Handler(
            commands.RecallContract,
            CONTRACT,
            signing.recall_contract,
            idempotency="refused on a draft; a later offer goes back to a draft, to be sent again",
        ),
        Handler(commands.CancelContract, CONTRACT, ending.cancel_contract),
        Handler(commands.ExpireContractOffer, CONTRACT, ending.expire_offer),
        Handler(commands.CompleteContract, CONTRACT, ending.complete_contract),
        Handler(commands.RemindContractSigning, CONTRACT, signing.remind_signing),
        Handler(commands.NoticeContractEnding, CONTRACT, ending.notice_ending),
        Handler(commands.RecordExecutedPdf, CONTRACT, signing.record_executed_pdf),
        Handler(commands.PublishContractTemplate, template.FAMILY, template.publish_template, template.named_row),
        Handler(commands.RetireContractTemplate, template.FAMILY, template.retire_template, template.named_row_and_defaults),
        Handler(
            commands.SetDefaultContractTemplate,
            template.DEFAULT,
            template.set_default_template,
            template.candidate,
            idempotency="the last wish holds; contracts keep the template they were drafted from",
        ),
    ),
    reactions=(
        Reaction(ContractClientConfirmed, reactions.client_confirmed),
        Reaction(ContractClientRefused, reactions.client_refused),
        Reaction(ContractContractorConfirmed, reactions.contractor_confirmed),
        Reaction(ContractContractorRefused, reactions.contractor_refused),
    ),
    effects=(
        Effect(
            "contract.render-pdf",
            events.ContractPdfRequested,
            "documents",
            effects.render_pdf,
            effects.template_of_request,
            opens=frozenset({Purpose.LEGAL}),
        ),
        Effect(
            "contract.render-executed-pdf",
            events.ContractActivated,
            "documents",
            effects.render_executed_pdf,
            effects.contract_and_template,
            opens=frozenset({Purpose.LEGAL}),
        ),
    ),
)
