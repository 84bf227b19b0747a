"""Deliveries of SNS against the whole application: who may say what, and the subscriptions themselves."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from tests.unit.ingress.doubles import NOW, Ingress, reason_of
from tests.unit.ingress.feedback import (
    NEAR,
    SIGNER,
    SMS_TOPIC,
    TOPIC,
    Fields,
    KnownSns,
    confirmation,
    deliver,
    notification,
    payload,
    tagged,
    with_feedback,
)
from workers.ingress.dependencies import SnsEndpoints
from workers.ingress.sns_signature import FUTURE, PAST
from workers.ops.fakes.messaging.certificates import LIFETIME, Signer
from workers.ops.fakes.messaging.sns import signed

OTHER_TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:somebody-elses"
KINDS: Final = {
    "Notification": notification(tagged("event_delivery_record")),
    "SubscriptionConfirmation": confirmation(),
    "UnsubscribeConfirmation": confirmation("UnsubscribeConfirmation"),
}
SIGNED: Final = [
    *(("Notification", name) for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")),
    *(("SubscriptionConfirmation", name) for name in ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")),
    *(("UnsubscribeConfirmation", name) for name in ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")),
]
ALTERED: Final = {
    "Timestamp": "2026-11-21T19:00:00.000Z",
    "TopicArn": SMS_TOPIC,
    "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Other",
}


async def refused(
    delivery: Fields, reason: str, *, status: int = 400, sns: KnownSns | None = None, signer: Signer | None = None
) -> KnownSns:
    """Nothing comes of it, whatever it is."""
    asked = sns or KnownSns()
    ingress = with_feedback(asked)
    assert reason_of(await deliver(ingress, delivery, signer=signer)) == (status, reason)
    assert (ingress.commands, asked.confirmed, ingress.quarantine.rows) == ([], [], {})
    assert ingress.metrics.counts["webhooks", "ses", "unverified", reason] == 1
    return asked


# --- forged --------------------------------------------------------------------------------------------------------


def test_the_forgeries_begin_with_genuine_ones() -> None:
    assert sorted(KINDS) == sorted({kind for kind, _ in SIGNED})


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_is_taken_when_it_is_genuine(kind: str) -> None:
    assert (await deliver(with_feedback(), KINDS[kind])).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_signed_by_somebody_else(kind: str) -> None:
    """Under the name of the certificate that is there."""
    forged = signed(KINDS[kind], replace(Signer.made(), pem=SIGNER.pem))
    await refused(forged, "signature_mismatch")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("written", "reason"), [("EXAMPLE==", "signature_malformed"), ("RVhBTVBMRQ==", "signature_mismatch")])
async def test_a_signature_that_is_none(kind: str, written: str, reason: str) -> None:
    await refused(signed(KINDS[kind], SIGNER) | {"Signature": written}, reason)


@pytest.mark.parametrize(("kind", "name"), SIGNED)
async def test_every_signed_field_is_covered(kind: str, name: str) -> None:
    genuine = signed(KINDS[kind], SIGNER)
    if name == "Type":
        altered = {"SubscriptionConfirmation": "UnsubscribeConfirmation"}.get(kind, "SubscriptionConfirmation")
        genuine |= {"Token": "t", "SubscribeURL": "https://sns.us-east-1.amazonaws.com/"} if kind == "Notification" else {}
    else:
        altered = ALTERED.get(name, genuine[name] + "x")
    endpoints = SnsEndpoints(KnownSns(), frozenset({TOPIC, SMS_TOPIC}))
    ingress = Ingress(changes={"sns": endpoints})
    assert reason_of(await deliver(ingress, genuine | {name: altered}, signer=None)) == (400, "signature_mismatch")
    assert ingress.commands == []


@pytest.mark.parametrize("name", ["Subject"])
async def test_a_subject_taken_away_or_put_in(name: str) -> None:
    genuine = signed(KINDS["Notification"], SIGNER)
    await refused({field: text for field, text in genuine.items() if field != name}, "signature_mismatch")
    without = signed({field: text for field, text in KINDS["Notification"].items() if field != name}, SIGNER)
    assert (await deliver(with_feedback(), without, signer=None)).status_code == 200
    await refused(without | {name: "Amazon SES Email Event Notification"}, "signature_mismatch")


@pytest.mark.parametrize("kind", KINDS)
async def test_version_1_is_refused_though_its_signature_is_right(kind: str) -> None:
    asked = await refused(signed(KINDS[kind], SIGNER, "1"), "signature_version_refused")
    assert asked.asked == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["1", "3", "2.0"])
async def test_a_version_is_no_word_of_the_senders(kind: str, version: str) -> None:
    await refused(signed(KINDS[kind], SIGNER) | {"SignatureVersion": version}, "signature_version_refused")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("topic", [OTHER_TOPIC, SMS_TOPIC, TOPIC + "2", TOPIC.replace("us-east-1", "eu-west-1")])
async def test_another_topic(kind: str, topic: str) -> None:
    asked = await refused(signed(KINDS[kind] | {"TopicArn": topic}, SIGNER), "topic_unknown")
    assert asked.asked == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/{file}",
        "https://sns.eu-west-1.amazonaws.com/{file}",
        "https://sns.s3.amazonaws.com/{file}",
        "https://sns.us-east-1.amazonaws.com.evil.example/{file}",
        "https://evil.example/{file}",
        "https://evil.example/sns.us-east-1.amazonaws.com/{file}",
        "https://sns.us-east-1.amazonaws.com@evil.example/{file}",
        "https://user@sns.us-east-1.amazonaws.com/{file}",
        "https://sns.us-east-1.amazonaws.com:8443/{file}",
        "https://sns.us-east-1.amazonaws.com./{file}",
        "https://SNS.us-east-1.amazonaws.com/{file}",
        "https://sns.us-east-1.amazonaws.com.cn/{file}",
        "https://xsns.us-east-1.amazonaws.com/{file}",
        "https://sns.us-east-1.amazonaws.com/other/{file}",
        "https://sns.us-east-1.amazonaws.com/../{file}",
        "https://sns.us-east-1.amazonaws.com/%2e%2e/{file}",
        "https://sns.us-east-1.amazonaws.com/{file}?Action=Other",
        "https://sns.us-east-1.amazonaws.com/{file}#there",
        "https://sns.us-east-1.amazonaws.com/certificate.txt",
        "https://sns.us-east-1.amazonaws.com/.pem",
        "https://sns.us-east-1.amazonaws.com\n/{file}",
        "https://[sns.us-east-1.amazonaws.com/{file}",
        "file:///{file}",
        "//sns.us-east-1.amazonaws.com/{file}",
    ],
)
async def test_a_certificate_from_elsewhere_is_never_fetched(kind: str, url: str) -> None:
    forged = signed(KINDS[kind], SIGNER) | {"SigningCertURL": url.format(file=SIGNER.file)}
    asked = await refused(forged, "certificate_refused")
    assert asked.asked == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_certificate_that_sns_does_not_have(kind: str) -> None:
    await refused(signed(KINDS[kind], Signer.made()), "certificate_refused")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "signer",
    [
        Signer.made(name="sns.evil.example", begins=NEAR - timedelta(days=1)),
        Signer.made(name="s3.amazonaws.com", begins=NEAR - timedelta(days=1)),
        Signer.made(name="sns.amazonaws.com.evil.example", begins=NEAR - timedelta(days=1)),
        Signer.made(begins=NEAR - LIFETIME - timedelta(seconds=2)),
        Signer.made(begins=NEAR + timedelta(seconds=2)),
        Signer.made(bits=1024, begins=NEAR - timedelta(days=1)),
        replace(SIGNER, pem=b"-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"),
        replace(SIGNER, pem=b""),
    ],
    ids=["name", "bucket", "longer name", "expired", "not yet valid", "short key", "unreadable", "empty"],
)
async def test_a_certificate_that_is_no_good(kind: str, signer: Signer) -> None:
    await refused(signed(KINDS[kind], signer), "certificate_refused", sns=KnownSns((signer,)))


@pytest.mark.parametrize("name", ["sns.amazonaws.com", "sns.eu-south-1.amazonaws.com", "sns-signing.eu-south-1.amazonaws.com"])
async def test_the_names_that_certificates_of_sns_bear(name: str) -> None:
    signer = Signer.made(name=name, begins=NEAR - timedelta(days=1))
    assert (await deliver(with_feedback(KnownSns((signer,))), KINDS["Notification"], signer=signer)).status_code == 200


# --- when ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(-PAST - 1, "signature_too_old"), (FUTURE + 1, "signature_in_future"), (-30 * 24 * 3600, "signature_too_old")],
)
async def test_out_of_its_time(kind: str, seconds: int, reason: str) -> None:
    at = (NEAR + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    await refused(signed(KINDS[kind] | {"Timestamp": at}, SIGNER), reason)


@pytest.mark.parametrize("seconds", [-PAST, FUTURE])
async def test_at_the_ends_of_its_time(seconds: int) -> None:
    delivery = notification(tagged("event_delivery_record"), at=NOW + seconds * 1000)
    assert reason_of(await deliver(with_feedback(), delivery)) == (200, "accepted")


async def test_a_forger_does_not_learn_our_clock() -> None:
    old = KINDS["Notification"] | {"Timestamp": "2016-01-01T00:00:00.000Z"}
    await refused(signed(old, SIGNER) | {"Message": "other"}, "signature_mismatch")


# --- not quite -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn", "SigningCertURL", "SignatureVersion", "Signature"])
@pytest.mark.parametrize("value", [None, "", 5])
async def test_a_field_that_is_missing_empty_or_no_text(kind: str, name: str, value: object) -> None:
    given: dict[str, object] = {**signed(KINDS[kind], SIGNER), name: value}
    ingress = with_feedback()
    response = await ingress.http.post("/webhooks/ses", json=given)
    assert reason_of(response) == (400, "event_incomplete")
    assert response.json()["field"] == name


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
@pytest.mark.parametrize("name", ["Token", "SubscribeURL"])
async def test_a_confirmation_without_what_it_needs(kind: str, name: str) -> None:
    genuine = signed(KINDS[kind], SIGNER)
    await refused({field: text for field, text in genuine.items() if field != name}, "event_incomplete")


@pytest.mark.parametrize("at", ["yesterday", "2026-11-21T19:00:00.000", "1795300036", "2026-13-01T00:00:00Z"])
async def test_a_time_that_is_none(at: str) -> None:
    await refused(signed(KINDS["Notification"] | {"Timestamp": at}, SIGNER), "event_incomplete")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "not_an_event"),
        (b"{}", "not_an_event"),
        (b'{"Type": ["Notification"]}', "not_an_event"),
        (b"no", "not_json"),
        (b"\xff", "not_utf8"),
    ],
)
async def test_what_is_no_delivery(body: bytes, reason: str) -> None:
    assert reason_of(await with_feedback().http.post("/webhooks/ses", content=body)) == (400, reason)


@pytest.mark.parametrize("path", ["ses", "sms"])
async def test_without_a_topic_everything_is_refused(path: str) -> None:
    bare = Ingress(changes={"sns": SnsEndpoints(KnownSns())})
    assert reason_of(await deliver(bare, KINDS["Notification"], path)) == (503, "not_configured")


async def test_the_files_as_they_are_bear_no_signature() -> None:
    for name in ("notification_ses_bounce", "subscription_confirmation"):
        ingress = with_feedback(KnownSns())
        response = await deliver(ingress, payload("sns", name), signer=None)
        # The certificate that they name is an example too.
        assert reason_of(response) == (400, "certificate_refused")


async def test_while_sns_is_away_it_comes_again() -> None:
    await refused(signed(KINDS["Notification"], SIGNER), "sns_unavailable", status=503, sns=KnownSns(away=True))


# --- subscriptions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "topic"), [("ses", TOPIC), ("sms", SMS_TOPIC)])
async def test_a_subscription_is_confirmed(path: str, topic: str) -> None:
    sns = KnownSns()
    ingress = with_feedback(sns)
    assert reason_of(await deliver(ingress, confirmation(topic=topic), path)) == (200, "confirmed")
    assert sns.confirmed == [(topic, "2336412f37EXAMPLE")]
    assert ingress.commands == []
    assert ingress.metrics.counts["webhooks", path, "SubscriptionConfirmation", "confirmed"] == 1


@pytest.mark.parametrize(
    "link",
    [
        "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://evil.example/?Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com.evil.example/?Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com/other?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
    ],
)
async def test_a_link_to_elsewhere_confirms_nothing(link: str) -> None:
    sns = KnownSns()
    ingress = with_feedback(sns)
    assert reason_of(await deliver(ingress, confirmation() | {"SubscribeURL": link})) == (400, "link_refused")
    assert sns.confirmed == []


async def test_a_confirmation_that_sns_does_not_take_comes_again() -> None:
    class Unconfirming(KnownSns):
        async def confirm(self, topic: object, token: str) -> None:
            self.away = True
            await super().confirm(topic, token)  # type: ignore[arg-type]  # any topic will do: it is away

    ingress = with_feedback(Unconfirming())
    response = await deliver(ingress, confirmation())
    assert reason_of(response) == (503, "sns_unavailable")
    assert response.headers["retry-after"] == "5"
    assert ingress.metrics.counts["webhooks", "ses", "SubscriptionConfirmation", "sns_unavailable"] == 1


async def test_the_end_of_a_subscription_is_told_and_undone_by_nobody() -> None:
    sns = KnownSns()
    ingress = with_feedback(sns)
    assert reason_of(await deliver(ingress, confirmation("UnsubscribeConfirmation"))) == (200, "unsubscribed")
    assert (sns.confirmed, ingress.commands) == ([], [])
    assert ingress.metrics.counts["webhooks", "ses", "UnsubscribeConfirmation", "unsubscribed"] == 1
