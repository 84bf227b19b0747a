"""Settings of every process: ``MINDLINKS_*``; AWS's own variables for AWS. A bad one stops the start with one clear line."""

from pathlib import Path
from typing import Self

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

EMBEDDED = "memory"
PRODUCTION = "prod"
DEFAULT_BCRYPT_COST = 12


class Settings(BaseSettings):
    """Names and defaults are listed in ``.env.example``. Secrets never appear in a repr, a log or ``--help``."""

    model_config = SettingsConfigDict(
        env_prefix="MINDLINKS_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    environment: str = "dev"
    stack: str = "auto"
    kafka: str = "127.0.0.1:9092"
    http_port: int = 8080
    health_port: int = 8081
    stripe_api_key: SecretStr = SecretStr("sk_test_local")
    stripe_api_base: str | None = None
    stripe_secrets: SecretStr = SecretStr("")
    stripe_connect_secrets: SecretStr = SecretStr("")
    veriff_api_key: SecretStr = SecretStr("veriff-local")
    veriff_secrets: SecretStr = SecretStr("")
    """Shared secrets; the first signs our own calls, all of them are taken on webhooks."""
    veriff_base: str | None = None
    onfido_token: SecretStr = SecretStr("onfido-local")
    onfido_secrets: SecretStr = SecretStr("")
    onfido_workflow: str = "identity"
    onfido_base: str | None = None
    opencorporates_token: SecretStr = SecretStr("")
    """Without one the registry refuses every look-up, and people decide about every company."""
    opencorporates_base: str | None = None
    blind_index_key: SecretStr = SecretStr("")
    link_keys: SecretStr = SecretStr("")
    refresh_keys: SecretStr = SecretStr("")
    bcrypt_cost: int = DEFAULT_BCRYPT_COST
    traces: str | None = None
    """An OTLP/HTTP address; none: traces are passed on and not kept."""
    bucket: str = "mindlinks-documents"
    master_key: SecretStr = SecretStr("")
    kms_key: str | None = None
    """Wraps the data keys of all people; none: the master key does."""
    key_lifetime: float = Field(default=60.0, gt=0)
    client_keys_file: Path | None = None
    dynamodb: str | None = Field(default=None, validation_alias=AliasChoices("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"))
    region: str = Field(default="us-east-1", validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"))
    mail_configuration_set: str | None = None
    mail_per_second: float = Field(default=14.0, gt=0)
    """This process's share of the SES account's sending rate."""
    mail_from: str = "no-reply@mindlinks.example"
    ses_topics: str = ""
    """ARNs of the SNS topics that SES's events come by."""
    sms_topics: str = ""
    """The same for the forwarded delivery log of SMS."""
    sns_base: str | None = None
    sms_sender_ids: str = ""
    sms_per_second: float = Field(default=20.0, gt=0)
    twilio_tokens: SecretStr = SecretStr("")
    twilio_callback: str = ""
    app_url: str = "https://app.mindlinks.example"

    @model_validator(mode="after")
    def _own_keys_in_production(self) -> Self:
        """Development keys are known to everybody; a process that would use them on real people's data must not start."""
        needed = {
            "KMS_KEY": SecretStr(self.kms_key or ""),
            "BLIND_INDEX_KEY": self.blind_index_key,
            "LINK_KEYS": self.link_keys,
            "REFRESH_KEYS": self.refresh_keys,
            "STRIPE_SECRETS": self.stripe_secrets,
        }
        missing = [f"MINDLINKS_{name}" for name, value in needed.items() if not value.get_secret_value()]
        if self.environment == PRODUCTION and missing:
            raise ValueError(f"{', '.join(missing)} must be set in {PRODUCTION}")
        return self

    @model_validator(mode="after")
    def _real_signatures_in_production(self) -> Self:
        """Whoever answers under that address can sign feedback."""
        if self.environment == PRODUCTION and self.sns_base:
            raise ValueError(f"MINDLINKS_SNS_BASE must not be set in {PRODUCTION}")
        return self

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret text there is, each part of a list by itself and without its key id; what logs are cleared of."""
        values = [value.get_secret_value() for _, value in self if isinstance(value, SecretStr)]
        parts = [part for value in values for part in _split(value)]
        return tuple({*values, *parts, *(part.partition(":")[2] for part in parts)} - {""})

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        return _split(self.stripe_secrets.get_secret_value())

    @property
    def connect_webhook_secrets(self) -> tuple[str, ...]:
        return _split(self.stripe_connect_secrets.get_secret_value())

    @property
    def veriff_webhook_secrets(self) -> tuple[str, ...]:
        return _split(self.veriff_secrets.get_secret_value())

    @property
    def topics_of_ses(self) -> frozenset[str]:
        return frozenset(_split(self.ses_topics))

    @property
    def topics_of_sms(self) -> frozenset[str]:
        return frozenset(_split(self.sms_topics))

    @property
    def twilio_auth_tokens(self) -> tuple[str, ...]:
        return _split(self.twilio_tokens.get_secret_value())

    @property
    def onfido_webhook_secrets(self) -> tuple[str, ...]:
        return _split(self.onfido_secrets.get_secret_value())


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
