"""Made-up people and clauses that previews are filled with, in both languages. Numbers and Latin names stand within Arabic on purpose."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from contracts.types import Locale

PERSONS: Final[Mapping[Locale, Mapping[str, str]]] = MappingProxyType(
    {
        Locale.EN: {
            "firstName": "Mona",
            "name": "Mona Saleh",
            "title": "Online shop, second phase",
            "clientName": "Nile Trading LLC",
            "contractorName": "Łukasz Nowak",
            "signerName": "Łukasz Nowak",
            "companyName": "Nile Trading LLC",
            "contractorEmail": "lukasz@example.com",
            "device": "Firefox on Windows",
            "bankName": "Bank of Cairo",
            "message": "Everything was reviewed and accepted.",
        },
        Locale.AR: {
            "firstName": "منى",
            "name": "منى صالح",
            "title": "متجر إلكتروني، المرحلة 2 (Nile Shop v2)",
            "clientName": "شركة النيل للتجارة",
            "contractorName": "Łukasz Nowak",
            "signerName": "Łukasz Nowak",
            "companyName": "شركة النيل للتجارة",
            "contractorEmail": "lukasz@example.com",
            "device": "Firefox على Windows",
            "bankName": "بنك القاهرة",
            "message": "تمت المراجعة والقبول.",
        },
    }
)
"""By the name of the variable. What is not here is taken from the event's example in ``contracts/examples``."""

_CONFIDENTIALITY: Final = {
    Locale.EN: "Each party keeps confidential what it learns of the other's business, customers, prices and technology in the course of "
    "this agreement, uses it for nothing else, and returns or destroys it at the end.",
    Locale.AR: "يحافظ كل طرف على سرية ما يطّلع عليه من أعمال الطرف الآخر وعملائه وأسعاره وتقنياته في سياق هذه الاتفاقية، "
    "ولا يستخدمه لأي غرض آخر، ويعيده أو يتلفه عند انتهائها. للاستفسار: legal@example.com أو +20 2 1234 5678.",
}
CLAUSES: Final[Mapping[Locale, Mapping[str, str]]] = MappingProxyType(
    {
        Locale.EN: {
            "scopeOfWork": "Design and build of an online shop with payment by card.\nHosting is not part of it.",
            "milestones": "\n".join(
                f"{number}. Milestone {number}: reviewed and accepted within 10 working days; USD 1,250.00, due 2026-0{number + 1}-15."
                for number in range(1, 9)
            ),
            "paymentTerms": "Within 14 days of acceptance, from the escrow.",
            "confidentialityTerms": " ".join([_CONFIDENTIALITY[Locale.EN]] * 8),
            "ipTerms": "All rights in what is delivered pass to the Client on payment.",
            "governingLaw": "England and Wales",
            "disputeVenue": "London",
            "noticePeriodDays": "30",
            "weeklyHoursCap": "32",
            "invoicingPeriod": "Every two weeks",
        },
        Locale.AR: {
            "scopeOfWork": "تصميم متجر إلكتروني وبناؤه باستخدام React 19 مع الدفع بالبطاقة.\nلا تشمل الاتفاقية الاستضافة.",
            "milestones": "\n".join(
                f"{number}. المرحلة {number}: المراجعة والقبول خلال 10 أيام عمل؛ 1,250.00 USD، تُستحق في 2026-0{number + 1}-15."
                for number in range(1, 9)
            ),
            "paymentTerms": "خلال 14 يومًا من القبول، من حساب الضمان، بعد خصم رسوم قدرها 2.5%.",
            "confidentialityTerms": " ".join([_CONFIDENTIALITY[Locale.AR]] * 8),
            "ipTerms": "تنتقل جميع الحقوق في الأعمال المسلَّمة إلى العميل عند السداد.",
            "governingLaw": "جمهورية مصر العربية",
            "disputeVenue": "القاهرة",
            "noticePeriodDays": "30",
            "weeklyHoursCap": "32",
            "invoicingPeriod": "كل أسبوعين",
        },
    }
)
"""Variables of contract templates. One that is not here shows its own name."""
