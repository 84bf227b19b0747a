"""What is fetched from SNS, how often, and from nowhere else."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from workers.adapters.sns_signing import AT_ONCE, KEPT, LARGEST, MISSING_SECONDS, NoCertificate, SnsSigning, SnsUnavailable, Topic

ARN = "arn:aws:sns:eu-west-1:123456789012:mindlinks-ses-events"
FILE = "SimpleNotificationService-0123456789abcdef.pem"
Answer = Callable[[httpx.Request], httpx.Response]


def topic() -> Topic:
    found = Topic.parse(ARN)
    assert found is not None
    return found


class Sns:
    """Answers what it is told to, and remembers who asked."""

    def __init__(self, answer: Answer = lambda _: httpx.Response(200, content=b"certificate")) -> None:
        self.asked: list[str] = []
        self.answer, self.at = answer, 0.0
        self.signing = SnsSigning(transport=httpx.MockTransport(self._answer), now=lambda: self.at)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return self.answer(request)


@pytest.mark.parametrize(
    ("arn", "host"),
    [
        (ARN, "sns.eu-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:t", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:t", "sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws:sns:us-east-1:123456789012:t.fifo", "sns.us-east-1.amazonaws.com"),
    ],
)
def test_a_topic_has_its_regions_host(arn: str, host: str) -> None:
    found = Topic.parse(arn)
    assert found is not None
    assert (found.arn, found.host) == (arn, host)


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn:aws:sns:s3:123456789012:t",
        "arn:aws:sns:evil.example/:123456789012:t",
        "arn:aws:sqs:eu-west-1:123456789012:t",
        "arn:aws:sns:eu-west-1:1:t",
        "arn:aws:sns:eu-west-1:123456789012:t\n",
        "arn:aws:sns:eu-west-1:123456789012:a/b",
    ],
)
def test_what_is_no_topic(arn: str) -> None:
    assert Topic.parse(arn) is None


async def test_a_certificate_is_fetched_once_over_tls() -> None:
    sns = Sns()
    assert [await sns.signing.certificate(topic(), FILE) for _ in range(3)] == [b"certificate"] * 3
    assert sns.asked == [f"https://sns.eu-west-1.amazonaws.com/{FILE}"]


async def test_only_so_many_are_kept() -> None:
    sns = Sns()
    for number in range(KEPT):
        await sns.signing.certificate(topic(), f"{number}.pem")
    await sns.signing.certificate(topic(), "0.pem")
    await sns.signing.certificate(topic(), "one-more.pem")
    before = len(sns.asked)
    await sns.signing.certificate(topic(), "0.pem")
    assert len(sns.asked) == before
    await sns.signing.certificate(topic(), "1.pem")
    assert len(sns.asked) == before + 1


async def test_a_name_that_sns_does_not_know_is_asked_for_again_a_minute_later() -> None:
    sns = Sns(lambda _: httpx.Response(404))
    for _ in range(3):
        with pytest.raises(NoCertificate):
            await sns.signing.certificate(topic(), FILE)
    assert len(sns.asked) == 1
    sns.at, sns.answer = MISSING_SECONDS, lambda _: httpx.Response(200, content=b"there")
    assert await sns.signing.certificate(topic(), FILE) == b"there"


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(429),
        lambda _: httpx.Response(302, headers={"location": "https://evil.example/certificate.pem"}),
        lambda _: httpx.Response(204),
        lambda _: httpx.Response(200, content=b"x" * (LARGEST + 1)),
        broken,
    ],
)
async def test_no_answer_is_asked_for_again_and_no_redirect_is_followed(answer: Answer) -> None:
    sns = Sns(answer)
    with pytest.raises(SnsUnavailable):
        await sns.signing.certificate(topic(), FILE)
    assert {httpx.URL(asked).host for asked in sns.asked} == {"sns.eu-west-1.amazonaws.com"}
    sns.answer = lambda _: httpx.Response(200, content=b"certificate")
    assert await sns.signing.certificate(topic(), FILE) == b"certificate"


async def test_a_confirmation_names_topic_and_token_and_nothing_of_the_senders() -> None:
    sns = Sns()
    await sns.signing.confirm(topic(), "a token&Action=Other#/..")
    (asked,) = map(httpx.URL, sns.asked)
    assert (asked.scheme, asked.host, asked.path) == ("https", "sns.eu-west-1.amazonaws.com", "/")
    assert dict(asked.params) == {
        "Action": "ConfirmSubscription",
        "TopicArn": ARN,
        "Token": "a token&Action=Other#/..",
        "Version": "2010-03-31",
    }


@pytest.mark.parametrize("status", [400, 403, 500, 302])
async def test_a_confirmation_that_is_refused(status: int) -> None:
    with pytest.raises(SnsUnavailable):
        await Sns(lambda _: httpx.Response(status)).signing.confirm(topic(), "token")


async def test_few_calls_are_made_at_once() -> None:
    at_once, most, go = 0, 0, asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if at_once == AT_ONCE:
            go.set()
        await go.wait()
        at_once -= 1
        return httpx.Response(200, content=b"certificate")

    signing = SnsSigning(transport=httpx.MockTransport(answer))
    await asyncio.gather(*(signing.certificate(topic(), f"{number}.pem") for number in range(3 * AT_ONCE)))
    assert most == AT_ONCE


async def test_another_base_takes_the_place_of_sns() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=b"certificate")

    signing = SnsSigning(base="http://127.0.0.1:12114/", transport=httpx.MockTransport(answer))
    await signing.certificate(topic(), FILE)
    assert asked == [f"http://127.0.0.1:12114/{FILE}"]
