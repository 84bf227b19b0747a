"""The contract's document as its parties would see it, to sign and executed, from the seed's template and made-up terms."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.contract.commands import PublishContractTemplate
from contracts.contract.values import Party
from contracts.types import Locale, Timestamp
from workers.engine.decision import Accepted, Command
from workers.ops.preview.messages import CannotPreview, opened, sealed
from workers.ops.preview.samples import CLAUSES, PERSONS
from workers.ops.seed.catalogue import ACTOR, SeedCommand, stages
from workers.services.contract.contract import Contract, Parties, PartyCheck, Signature, Signatures, Status
from workers.services.contract.document import as_requested, executed_document, offered_document, sealed_in
from workers.services.contract.placeholders import FROM_CONTRACT
from workers.services.contract.ports import Document
from workers.services.contract.template import FamilyState, Template, publish_template

_CONTRACT, _CLIENT, _CONTRACTOR = (f"{digit * 8}-1111-4111-8111-{digit * 12}" for digit in "312")
_AT = Timestamp("2026-01-31T09:30:00.000Z")


@dataclass(frozen=True, slots=True)
class SeededContract:
    """One contract template of the seed, as the command that publishes it."""

    name: str
    locale: Locale
    seed: SeedCommand


def seeded_contracts() -> Sequence[SeededContract]:
    return list(_seeded())


def _seeded() -> Iterator[SeededContract]:
    published, _ = stages()
    for seed in published:
        if isinstance(data := seed.command, PublishContractTemplate):
            yield SeededContract(data.name, data.locale, seed)


def documents(text: SeededContract) -> Mapping[str, Document]:
    """By what they are: ``draft``, ``executed``. Raises CannotPreview."""
    template = _published(text.seed)
    contract = _contract(template)
    contract = contract.having(content_sha256=contract.digest())
    request = as_requested(contract)
    clear = {each: opened(each) for each in sealed_in(request, contract)}
    return {"draft": offered_document(request, template, clear, _AT), "executed": executed_document(contract, template, clear, _AT)}


def _published(seed: SeedCommand) -> Template:
    """As the service would take it. Raises CannotPreview when it would not."""
    data = seed.command
    assert isinstance(data, PublishContractTemplate)
    decision = publish_template(FamilyState(data.name), Command(seed.id, data.name, ACTOR, data), _AT)
    if not isinstance(decision, Accepted):
        raise CannotPreview(f"{data.name}.{data.locale} would not be published: {decision}")
    return decision.state.rows[data.template_id]


def _contract(template: Template) -> Contract:
    persons, clauses = PERSONS[template.locale], CLAUSES[template.locale]
    digest = hashlib.sha256(b"the draft that both signed").hexdigest()
    return Contract.model_validate(
        {
            "id": _CONTRACT,
            "client_id": _CLIENT,
            "contractor_id": _CONTRACTOR,
            "title": persons["title"],
            "type": template.type,
            "currency": "USD",
            "rate": 1_000_000 if template.type == "fixed" else 8_500,
            "start_date": "2026-02-01",
            "end_date": "2026-10-31",
            "status": Status.ACTIVE,
            "template_id": template.id,
            "template_version": template.version,
            "template_sha256": template.content_sha256,
            "variables": {name: _legal(clauses.get(name, f"‹{name}›")) for name in set(template.variables) - FROM_CONTRACT},
            "revision": 1,
            "check_no": 1,
            "parties": Parties(client=_party(persons["clientName"], "EG"), contractor=_party(persons["contractorName"], "PL")),
            "signatures": Signatures(
                **{
                    party.value: Signature(name=_legal(name), user_id=_CLIENT, pdf_sha256=digest, ip_hash=digest, at=_AT)
                    for party, name in ((Party.CLIENT, persons["firstName"]), (Party.CONTRACTOR, persons["contractorName"]))
                }
            ),
            "pdf_sha256": digest,
        }
    )


def _party(name: str, country: str) -> PartyCheck:
    return PartyCheck(check_no=1, ok=True, verified=True, user_id=_CLIENT, name=_legal(name), country=country)


def _legal(text: str) -> str:
    return sealed(text, "legal")
