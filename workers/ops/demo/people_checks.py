"""Totals of the story's people and companies: accounts, the registry, the invitation, the identity check."""

from collections import Counter
from collections.abc import Iterator

from contracts.kyc import RecordKycDecision, RecordKycProgress
from workers.ops.demo import expected
from workers.ops.demo.evidence import Check, Evidence
from workers.ops.demo.observer import Observer

PEOPLE_TABLES = ("auth-users", "auth-sessions", "client-companies", "client-invitations", "contractor-profiles", "kyc-sessions")


def people(evidence: Evidence) -> Iterator[Check]:
    yield from _accounts(evidence)
    yield from _company(evidence)
    yield from _identity(evidence)


def _accounts(evidence: Evidence) -> Iterator[Check]:
    parties = [evidence.row("auth-users", "id", person.user_id) for person in (evidence.cast.client, evidence.cast.contractor)]
    yield Check("verified addresses", [True, True], [row.get("emailVerified") for row in parties])
    sessions = Counter((row["userId"], row["state"]) for row in evidence.rows["auth-sessions"])
    yield Check("open sessions", dict.fromkeys(((row.get("id"), "open") for row in parties), 1), dict(sessions))


def _company(evidence: Evidence) -> Iterator[Check]:
    cast = evidence.cast
    company = evidence.row("client-companies", "id", cast.company_id)
    yield Check("company", "verified", company.get("verificationStatus"))
    yield Check("calls of the registry", {f"{cast.jurisdiction}/{cast.company_number}": 1}, evidence.registry["calls"])
    invitations = [(row["status"], row.get("acceptedBy")) for row in evidence.rows["client-invitations"]]
    yield Check("invitations", [("accepted", cast.contractor.user_id)], invitations)
    profile = evidence.row("contractor-profiles", "id", cast.contractor_id)
    yield Check("contractor's companies", [cast.company_id], list(profile.get("clientIds", ())))
    yield Check("contractor's identity", "verified", profile.get("kycStatus"))


def _identity(evidence: Evidence) -> Iterator[Check]:
    """The provider keeps no ids of its webhooks, so their order is read from the log."""
    veriff, deliveries = evidence.identity["veriff"], evidence.identity["deliveries"]
    yield Check("identity checks", ["verified"], [row["status"] for row in evidence.rows["kyc-sessions"]])
    yield Check("sessions at Veriff", 1, veriff["sessions"])
    yield Check("calls of Veriff", {"POST /v1/sessions": 1}, veriff["calls"])
    yield Check("Veriff's webhooks not answered 2xx", [], [each for each in deliveries if each["status"] != 200])
    yield Check("Veriff's webhooks still owed", 0, evidence.identity["owed"])
    yield Check("some of Veriff's webhooks came doubled", True, len(deliveries) > len(expected.VERIFF))
    arrived = _arrived(evidence.log)
    yield Check("what Veriff said, each once", sorted(expected.VERIFF), sorted(arrived))
    yield Check("some of it came out of order", True, arrived != list(expected.VERIFF))


def _arrived(log: Observer) -> list[str]:
    said = (seen.data for seen in log.commands.values())
    return [data.code or "" for data in said if isinstance(data, RecordKycProgress | RecordKycDecision)]
