"""Settings of a development environment as the variables that its processes read."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from workers.ops.dev.keys import Keys
from workers.ops.fakes.messaging import SES_TOPIC, SMS_TOPIC
from workers.ops.fakes.onfido import TOKEN, WORKFLOW
from workers.ops.fakes.opencorporates import TOKEN as REGISTRY_TOKEN
from workers.ops.fakes.veriff import API_KEY
from workers.ops.stack import Endpoints
from workers.settings import EMBEDDED

BUCKET = "mindlinks-documents"
MAIL_FROM = "no-reply@mindlinks.example"
CONFIGURATION_SET = "mindlinks"
SENDER_IDS = "+20:MindLinks,+971:MindLinks"
KMS_KEY = "alias/mindlinks-subject-keys"
REGION = "us-east-1"
CLIENT_KEYS_FILE = "client-keys.json"

JAVA_OPTIONS = "JAVA_TOOL_OPTIONS"

# What a person's own shell may hold and what would lead somewhere else than to the stack.
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_PROFILE", "AWS_CA_BUNDLE")


def variables_of(
    environment: str,
    endpoints: Endpoints,
    keys: Keys,
    folder: Path,
    stripe: str,
    identity: str,
    registry: str,
    messaging: str,
    *,
    kept: bool = False,
) -> Mapping[str, str]:
    """``folder`` holds the client keys file; ``stripe``, ``identity``, ``registry`` and ``messaging`` are the fakes' addresses. ``kept``:
    the next start finds the tables again, but not the local stand-in of KMS, so the kept master key wraps the data keys."""
    kms = {"MINDLINKS_KMS_KEY": KMS_KEY} if endpoints.aws and not kept else {}
    return (
        _mindlinks(environment, endpoints, keys, folder, stripe)
        | _identity(keys, identity)
        | _registry(registry)
        | _messaging(messaging)
        | kms
        | _aws(endpoints, messaging)
    )


def _mindlinks(environment: str, endpoints: Endpoints, keys: Keys, folder: Path, stripe: str) -> dict[str, str]:
    own = {
        "ENVIRONMENT": environment,
        "KAFKA": endpoints.kafka if endpoints.dynamodb else EMBEDDED,
        "STRIPE_API_KEY": "sk_test_local",
        "STRIPE_API_BASE": stripe,
        "STRIPE_SECRETS": ",".join(keys.webhook_secrets),
        "STRIPE_CONNECT_SECRETS": ",".join(keys.connect_webhook_secrets),
        "BLIND_INDEX_KEY": keys.blind_index_key,
        "LINK_KEYS": keys.link_keys,
        "REFRESH_KEYS": keys.refresh_key,
        "MASTER_KEY": keys.master_key,
        "BUCKET": BUCKET,
        "CLIENT_KEYS_FILE": str(folder / CLIENT_KEYS_FILE),
        "MAIL_FROM": MAIL_FROM,
        "MAIL_CONFIGURATION_SET": CONFIGURATION_SET,
    }
    return {f"MINDLINKS_{name}": value for name, value in own.items()}


def _identity(keys: Keys, identity: str) -> dict[str, str]:
    own = {
        "VERIFF_BASE": f"{identity}/veriff",
        "VERIFF_API_KEY": API_KEY,
        "VERIFF_SECRETS": ",".join(keys.identity_secrets("veriff")),
        "ONFIDO_BASE": f"{identity}/onfido",
        "ONFIDO_TOKEN": TOKEN,
        "ONFIDO_WORKFLOW": WORKFLOW,
        "ONFIDO_SECRETS": ",".join(keys.identity_secrets("onfido")),
    }
    return {f"MINDLINKS_{name}": value for name, value in own.items()}


def _registry(registry: str) -> dict[str, str]:
    return {"MINDLINKS_OPENCORPORATES_BASE": registry, "MINDLINKS_OPENCORPORATES_TOKEN": REGISTRY_TOKEN}


def _messaging(messaging: str) -> dict[str, str]:
    own = {"SES_TOPICS": SES_TOPIC, "SMS_TOPICS": SMS_TOPIC, "SNS_BASE": messaging, "SMS_SENDER_IDS": SENDER_IDS}
    return {f"MINDLINKS_{name}": value for name, value in own.items()}


def _aws(endpoints: Endpoints, messaging: str) -> dict[str, str]:
    """Credentials that open nothing but the local servers."""
    if not endpoints.dynamodb or not endpoints.aws:
        return {}
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoints.aws,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoints.dynamodb,
        # Behind the fake stands moto, too.
        "AWS_ENDPOINT_URL_SESV2": messaging,
        "AWS_ENDPOINT_URL_SNS": messaging,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def java_variables(environment: Mapping[str, str], *, brief: bool) -> Mapping[str, str]:
    """``brief``: the first compiler tier only."""
    given = environment.get(JAVA_OPTIONS, "")
    return {JAVA_OPTIONS: f"{given} -XX:TieredStopAtLevel=1".strip()} if brief else {}


@contextmanager
def set_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """For this process and the children it starts meanwhile; what was there before is put back."""
    before = {name: os.environ.pop(name, None) for name in (*variables, *FOREIGN)}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
