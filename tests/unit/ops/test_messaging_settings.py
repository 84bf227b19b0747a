"""What the settings of messages come to, and which of them must not be."""

import pytest
from pydantic import ValidationError

from workers.settings import Settings

TOPICS = ("arn:aws:sns:us-east-1:123456789012:one", "arn:aws:sns:us-east-1:123456789012:two")
PRODUCTION = {
    "environment": "prod",
    "kms_key": "alias/keys",
    **dict.fromkeys(("blind_index_key", "link_keys", "refresh_keys", "stripe_secrets"), "k1:something"),
}


def test_topics_are_lists() -> None:
    settings = Settings.model_validate({"ses_topics": ", ".join(TOPICS), "sms_topics": TOPICS[1]})
    assert (settings.topics_of_ses, settings.topics_of_sms) == (frozenset(TOPICS), frozenset(TOPICS[1:]))


def test_without_a_word_there_are_none() -> None:
    settings = Settings.model_validate({"ses_topics": "", "twilio_tokens": ""})
    assert (settings.topics_of_ses, settings.topics_of_sms, settings.twilio_auth_tokens) == (frozenset(), frozenset(), ())


def test_in_production_nobody_stands_in_for_sns() -> None:
    """Whoever does could sign any feedback."""
    assert Settings.model_validate(PRODUCTION).sns_base is None
    with pytest.raises(ValidationError, match="MINDLINKS_SNS_BASE must not be set in prod"):
        Settings.model_validate(PRODUCTION | {"sns_base": "http://127.0.0.1:12114"})
    assert Settings.model_validate({"sns_base": "http://127.0.0.1:12114"}).sns_base is not None
