""".env.example lists exactly the settings there are, with their defaults, and changes nothing when it is copied."""

import re
from pathlib import Path

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from workers.settings import Settings

FILE = Path(__file__).parents[3] / ".env.example"
ENTRY = re.compile(r"^#(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)$")
SDK_ONLY = {
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SESV2",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
}
"""Read by the AWS SDK, not by ``Settings``."""


def entries() -> dict[str, str]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {match["name"]: match["value"] for line in lines if (match := ENTRY.match(line))}


def names(field: str, info: FieldInfo) -> list[str]:
    if isinstance(info.validation_alias, AliasChoices):
        return [str(choice) for choice in info.validation_alias.choices]
    return [f"MINDLINKS_{field.upper()}"]


def test_it_lists_exactly_the_settings_and_the_variables_of_aws() -> None:
    settings = {name for field, info in Settings.model_fields.items() for name in names(field, info)}
    assert set(entries()) == settings | SDK_ONLY


def test_it_shows_every_default_as_it_is() -> None:
    shown = entries()
    for field, info in Settings.model_fields.items():
        default = info.default.get_secret_value() if isinstance(info.default, SecretStr) else info.default
        if default:
            assert shown[names(field, info)[0]] == str(default), field


def test_every_entry_has_a_comment_of_its_own() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    bare = [line for before, line in zip(["", *lines], lines, strict=False) if ENTRY.match(line) and not before.startswith("# ")]
    assert bare == []


def test_a_copy_sets_nothing() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_every_value_shown_is_a_valid_one(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in entries().items()), encoding="utf-8")
    assert Settings(_env_file=file).environment == entries()["MINDLINKS_ENVIRONMENT"]
