"""What a contract's document says: the template's placeholders filled, and the signature page of the executed copy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from contracts.contract.events import ContractPdfRequested
from contracts.contract.values import Party
from contracts.types import Amount, Hash, Locale, Timestamp
from workers.services.contract.contract import Contract, Signature, tell
from workers.services.contract.ports import Document, SignatureLine, SignaturePage
from workers.services.contract.template import Template


@dataclass(frozen=True, slots=True)
class _Words:
    open_ended: str
    signatures: str
    statement: str
    client: str
    contractor: str
    signed_by: str
    signed_at: str
    document: str
    contract: str
    content: str
    template: str
    draft: str


_WORDS: Mapping[Locale, _Words] = MappingProxyType(
    {
        Locale.EN: _Words(
            open_ended="no fixed end",
            signatures="Signatures",
            statement="Both parties signed the document before this page electronically.",
            client="Client",
            contractor="Contractor",
            signed_by="Signed by",
            signed_at="Signed at (UTC)",
            document="SHA-256 of the signed document",
            contract="Contract and revision",
            content="SHA-256 of the content",
            template="Template and version",
            draft="DRAFT",
        ),
        Locale.AR: _Words(
            open_ended="بدون تاريخ انتهاء محدد",
            signatures="التوقيعات",
            statement="وقّع الطرفان إلكترونيًا على المستند الذي يسبق هذه الصفحة.",
            client="العميل",
            contractor="المتعاقد",
            signed_by="وقّعه",
            signed_at="وقت التوقيع (UTC)",
            document="بصمة SHA-256 للمستند الموقّع",
            contract="العقد والمراجعة",
            content="بصمة SHA-256 للمحتوى",
            template="القالب وإصداره",
            draft="مسودة",
        ),
    }
)


def sealed_in(data: ContractPdfRequested, contract: Contract | None = None) -> frozenset[str]:
    """Every sealed text that the document shows; with ``contract``, those of the signature page too."""
    signatures = [contract.signatures.of(party) for party in Party] if contract else []
    names = {signature.name for signature in signatures if signature}
    return frozenset({data.client_name, data.contractor_name, *data.variables.values()} | names)


def offered_document(data: ContractPdfRequested, template: Template, clear: Mapping[str, str], at: Timestamp) -> Document:
    """``clear``: the clear text of each sealed one. A draft until both have signed, and marked as one."""
    return Document(
        template=template.template_content,
        values=_values(data, template.locale, clear),
        title=data.title,
        locale=template.locale,
        direction=template.dir,
        at=at,
        reference=f"{data.contract_id} · r{data.revision} · {data.content_sha256[:12]} · {template.name} v{template.version}",
        binding=_binding(data, template),
        watermark=_WORDS[template.locale].draft,
    )


def executed_document(contract: Contract, template: Template, clear: Mapping[str, str], at: Timestamp) -> Document:
    """The document that was signed, and who signed it."""
    document = offered_document(as_requested(contract), template, clear, at)
    return replace(document, watermark=None, signature_page=_signature_page(contract, template, clear))


def as_requested(contract: Contract) -> ContractPdfRequested:
    """What asked for the document that was signed: no term has changed since."""
    return tell(ContractPdfRequested, contract)


def money(amount: Amount) -> str:
    """Minor units as a number with two decimals: 150000 reads 1,500.00."""
    return f"{amount // 100:,}.{amount % 100:02d}"


def _values(data: ContractPdfRequested, locale: Locale, clear: Mapping[str, str]) -> Mapping[str, str]:
    """The contract's own values win over variables of the same name."""
    variables = {name: clear[sealed] for name, sealed in data.variables.items()}
    return variables | {
        "contractTitle": data.title,
        "clientName": clear[data.client_name],
        "clientCountry": data.client_country,
        "contractorName": clear[data.contractor_name],
        "contractorCountry": data.contractor_country,
        "startDate": data.start_date,
        "endDate": data.end_date or _WORDS[locale].open_ended,
        "currency": data.currency.value,
        "totalAmount": money(data.rate),
        "hourlyRate": money(data.rate),
    }


def _binding(data: ContractPdfRequested, template: Template) -> str:
    """What ties the file to the contract, for whoever holds the file alone."""
    content = f"contract {data.contract_id} revision {data.revision} content-sha256 {data.content_sha256}"
    return f"{content} template {template.name} {template.locale} v{template.version} template-sha256 {template.content_sha256}"


def _signature_page(contract: Contract, template: Template, clear: Mapping[str, str]) -> SignaturePage:
    words = _WORDS[template.locale]
    labels = {Party.CLIENT: words.client, Party.CONTRACTOR: words.contractor}
    signatures = ((labels[party], contract.signatures.of(party)) for party in Party)
    lines = tuple(SignatureLine(label, _facts(signature, words, clear)) for label, signature in signatures if signature)
    binding = {
        words.contract: f"{contract.id} r{contract.revision}",
        words.template: f"{template.name} v{template.version}",
        words.content: _grouped(as_requested(contract).content_sha256),
    }
    return SignaturePage(words.signatures, words.statement, lines, binding)


def _facts(signature: Signature, words: _Words, clear: Mapping[str, str]) -> Mapping[str, str]:
    return {
        words.signed_by: clear[signature.name],
        words.signed_at: _moment(signature.at),
        words.document: _grouped(signature.pdf_sha256),
    }


def _moment(at: Timestamp) -> str:
    """To the second; the label names the time zone."""
    return at[:19].replace("T", " ")


def _grouped(digest: Hash) -> str:
    """Two lines of two groups: to be compared by eye."""
    first, second = (f"{half[:16]} {half[16:]}" for half in (digest[:32], digest[32:]))
    return f"{first}\n{second}"
