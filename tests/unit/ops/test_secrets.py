"""Every secret of the settings is a canary; nothing that a person, a log, a trace or a scraper gets to see holds one."""

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import typer
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr, ValidationError
from typer.testing import CliRunner

from workers.adapters import structured_logs
from workers.adapters.links import LinkKeys
from workers.adapters.log_masking import MASK, MASKING, Masking
from workers.adapters.tracing import OpenTelemetryTracer
from workers.main import MindLinks, cli
from workers.ops.composition import Backbone
from workers.ops.dev.keys import Keys
from workers.settings import Settings

CANARY = re.compile("canary", re.IGNORECASE)
FORMS = {
    "link_keys": "k1:LinkCanaryOne,k2:LinkCanaryTwo",
    "refresh_keys": "RefreshCanaryOne" * 2 + "," + "RefreshCanaryTwo" * 2,
    "stripe_secrets": "whsec_canary_one,whsec_canary_two",
    "stripe_connect_secrets": "whsec_canary_three",
    "master_key": "MasterCanary" * 4,
    "blind_index_key": "BlindCanary" * 4,
    "stripe_api_key": "sk_test_canary",
    "opencorporates_token": "opencorporates-canary",
    "veriff_api_key": "veriff-key-canary",
    "veriff_secrets": "veriff-canary-one,veriff-canary-two",
    "onfido_token": "onfido-canary",
    "onfido_secrets": "onfido-canary-one,onfido-canary-two",
    "twilio_tokens": "twilio-canary-one,twilio-canary-two",
}
SECRETS = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mapping[str, str]:
    variables = {f"MINDLINKS_{name.upper()}": value for name, value in FORMS.items()}
    variables |= {"MINDLINKS_KAFKA": "memory", "AWS_SECRET_ACCESS_KEY": "AwsCanary", "AWS_ACCESS_KEY_ID": "AwsCanaryId"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return variables


@contextmanager
def logging_to(stream: StringIO) -> Iterator[None]:
    """As a process logs, on ``stream`` for its standard error."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with redirect_stderr(stream):
        structured_logs.configure("DEBUG")
        yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[tuple[Backbone, httpx.AsyncClient]]:
    composition = MindLinks()
    async with composition.open_backbone(settings) as backbone:
        app = composition.ingress(settings, backbone)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://ingress") as client:
            yield backbone, client


def test_every_secret_has_a_canary() -> None:
    assert FORMS.keys() == SECRETS


def test_settings_show_none(environment: Mapping[str, str]) -> None:
    settings = Settings()
    shown = [repr(settings), str(settings), f"{settings}", settings.model_dump_json(), json.dumps(settings.model_dump(), default=str)]
    assert [text for text in shown if CANARY.search(text)] == []
    assert CANARY.search(settings.link_keys.get_secret_value())


@pytest.mark.parametrize(
    "wrong", [{"MINDLINKS_ENVIRONMENT": "prod", "MINDLINKS_KMS_KEY": ""}, {"MINDLINKS_HTTP_PORT": "x"}, {"MINDLINKS_KEY_LIFETIME": "-1"}]
)
def test_wrong_settings_are_refused_without_the_others(
    environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, wrong: Mapping[str, str]
) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert not CANARY.search(str(refused.value) + repr(refused.value))
    answered = CliRunner().invoke(cli, ["tables", "diff"])
    assert answered.exit_code == 2
    assert not CANARY.search(answered.output + answered.stderr + repr(answered.exception))


def _commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


@pytest.mark.parametrize("path", list(_commands(typer.main.get_command(cli))), ids=" ".join)
def test_no_help_shows_one(environment: Mapping[str, str], path: tuple[str, ...]) -> None:
    answered = CliRunner().invoke(cli, [*path, "--help"])
    assert answered.exit_code == 0
    assert not CANARY.search(answered.output)


async def test_neither_answers_nor_logs_nor_metrics_show_one(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings, written = Settings(), StringIO()
    with logging_to(written):
        await _everything_asked(settings, monkeypatch)
    assert "request failed by a defect" in written.getvalue()
    assert not CANARY.search(written.getvalue())


async def _everything_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with started(settings) as (backbone, client):
        answers = [await client.get(path) for path in ("/health", "/health/ready", "/metrics", "/openapi.json", "/docs", "/asyncapi")]
        answers.append(await client.post("/v1/commands", headers={"authorization": "Bearer upstream.wrong"}, content=b"{}"))
        unsigned = {"stripe-signature": "t=1,v1=" + "0" * 64}
        answers += [await client.post(f"/webhooks/{name}", headers=unsigned, content=b"{}") for name in ("stripe", "stripe-connect")]

        def broken() -> int:
            raise RuntimeError(f"{settings.master_key.get_secret_value()} {settings!r}")

        monkeypatch.setattr(backbone.clock, "now", broken)
        answers.append(await client.post("/webhooks/stripe", content=b"{}"))
        assert answers[-1].status_code == 500
        shown = [answer.text + repr(answer.headers) for answer in answers]
        assert [text for text in shown if CANARY.search(text)] == []
        assert not CANARY.search(repr(backbone) + repr(backbone.keys) + repr(vars(backbone.keys)))


async def test_ports_and_worlds_print_none(environment: Mapping[str, str]) -> None:
    composition, settings = MindLinks(), Settings()
    async with composition.open_backbone(settings) as backbone, composition.open_ports(settings, backbone) as ports:
        assert not CANARY.search(repr(ports))
        assert not CANARY.search(repr(composition.world(settings, backbone, ports)))
    assert not CANARY.search(repr(LinkKeys.parse(settings.link_keys.get_secret_value())))
    names = ("client_secret", "blind_index_key", "link_secret", "refresh_key", "master_key")
    pair = ("canary", "canary")
    keys = Keys(
        client_id="demo",
        webhook_secrets=pair,
        connect_webhook_secrets=pair,
        **dict.fromkeys(names, "canary"),
    )
    assert not CANARY.search(repr(keys))


def test_a_trace_tells_of_the_process_and_no_more(environment: Mapping[str, str]) -> None:
    exporter = InMemorySpanExporter()
    tracer = OpenTelemetryTracer(exporter, "mindlinks")
    tracer.record("judge", "00-" + "a" * 32 + "-" + "b" * 16 + "-01", 1, 2, service="auth")
    tracer.flush()
    (span,) = exporter.get_finished_spans()
    assert "judge" in span.to_json()
    assert not CANARY.search(span.to_json())
    tracer.close()


def test_what_slips_into_a_log_line_is_masked(environment: Mapping[str, str]) -> None:
    settings, written = Settings(), StringIO()
    MASKING.hide(settings.secrets)
    with logging_to(written):
        _careless(structlog.get_logger("tests"), logging.getLogger("tests"), settings)
    shown = written.getvalue()
    assert not CANARY.search(shown)
    lines = [json.loads(line) for line in shown.splitlines()]
    assert [line["event"] for line in lines if line["event"] == "it failed"] == ["it failed"] * 2
    assert all("quoted ***" in json.dumps(line["exception"]) for line in lines[:2])
    assert {name: lines[-1][name] for name in ("event", "count", "service", "ok", "nothing")} == {
        "event": "well",
        "count": 3,
        "service": "auth",
        "ok": True,
        "nothing": None,
    }


def _careless(log: Any, old: logging.Logger, settings: Settings) -> None:
    secret = settings.master_key.get_secret_value()
    for say in (log.exception, old.exception):
        try:
            raise RuntimeError(f"quoted {secret}")
        except RuntimeError:
            say("it failed")
    old.warning("the key is %s", settings.blind_index_key.get_secret_value())
    log.error("refused", password="canary", nested={"link": "LinkCanaryTwo", "secret": "canary"}, several=["whsec_canary_one"])
    log.error(" ".join((settings.link_keys.get_secret_value(), repr(settings))))
    log.info("well", count=3, service="auth", ok=True, nothing=None)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("no route to amina.farouk+x@nile-design.example today", f"no route to {MASK} today"),
        ("to +201001234567.", f"to {MASK}."),
        ("Authorization: Bearer demo.abc-1 refused", f"Authorization: {MASK} refused"),
        ("http://user:word@host/path", f"http://{MASK}@host/path"),
        ("key sk_live_51abc and whsec_9", f"key {MASK} and {MASK}"),
        ("$2b$12$" + "a" * 53, MASK),
        ("mindlinks.auth.RegisterUser.v1 s1.subject.u.1.QUJD at 2026-01-31T09:30:00.000Z +0000", None),
        ("http://127.0.0.1:4566/bucket?x=1", None),
    ],
)
def test_personal_values_and_secrets_are_known_by_their_looks(said: str, kept: str | None) -> None:
    assert Masking().text(said) == (said if kept is None else kept)


def test_short_words_are_never_taken_for_secrets() -> None:
    masking = Masking()
    masking.hide(["dev", "", "a-secret-word"])
    assert masking.text("dev a-secret-word") == f"dev {MASK}"


def test_fields_are_masked_by_name() -> None:
    event: dict[str, Any] = {"event": "x", "email": "y", "apiKey": "z", "tokens": 5, "role": "auth-commands"}
    assert Masking()(None, "info", event) == {"event": "x", "email": MASK, "apiKey": MASK, "tokens": 5, "role": "auth-commands"}
