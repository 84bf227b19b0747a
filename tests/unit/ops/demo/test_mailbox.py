"""Links are taken from the mail that its recipient got."""

import pytest

from contracts.links import LinkPurpose
from workers.ops.demo import mailbox
from workers.ops.demo.mailbox import FollowedLink, Mailbox
from workers.ops.demo.observer import StepFailed
from workers.ops.dev.outbox import Mail

USER = "11111111-1111-4111-8111-111111111111"
FIRST, SECOND = "a" * 43, "b" * 43


def _mail(to: str, purpose: str, token: str) -> Mail:
    return Mail(to, "A mail", f'<p><a href="https://app.example/{purpose}/{USER}?token={token}">here</a></p>')


def _mailbox(*mails: Mail) -> Mailbox:
    async def sent() -> list[Mail]:
        return list(mails)

    return Mailbox(sent)


async def test_the_last_link_of_its_kind_to_that_address_is_followed() -> None:
    box = _mailbox(
        _mail("one@example.org", "verify-email", FIRST),
        _mail("one@example.org", "verify-email", SECOND),
        _mail("one@example.org", "invitation", FIRST),
        _mail("two@example.org", "verify-email", FIRST),
    )
    assert await box.link("one@example.org", LinkPurpose.VERIFY_EMAIL) == FollowedLink(USER, SECOND)


async def test_a_mail_that_does_not_come_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "STEP_SECONDS", 0.0)
    box = _mailbox(_mail("one@example.org", "invitation", FIRST))
    with pytest.raises(StepFailed, match="No mail with a link to verify-email"):
        await box.link("one@example.org", LinkPurpose.VERIFY_EMAIL)


async def test_neither_address_nor_link_stands_in_a_repr() -> None:
    mail = _mail("one@example.org", "verify-email", FIRST)
    assert (repr(mail), repr(FollowedLink(USER, FIRST))) == ("Mail(subject='A mail')", f"FollowedLink(id='{USER}')")
