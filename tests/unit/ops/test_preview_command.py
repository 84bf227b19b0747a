"""``mindlinks preview``: every text of the seed through the workers' own rendering, as files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from contracts.types import Channel, Locale
from tests.support.pdf_text import arabic, pages
from workers.adapters.pictures import PictureImpossible
from workers.ops import preview
from workers.ops.preview import files
from workers.ops.preview.agreement import documents, seeded_contracts
from workers.ops.preview.messages import Seeded, rendered, seeded
from workers.services.notification.ports import RenderedEmail, RenderedInApp

ROOT = Path(__file__).parents[3]
PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = seeded()


def invoked(*arguments: str) -> Result:
    app = typer.Typer()
    preview.add(app)
    # Typer takes the only command of an app for the app itself.
    return CliRunner().invoke(app, arguments)


def written(*arguments: str) -> Sequence[dict[str, Any]]:
    result = invoked(*arguments, "--json")
    assert result.exit_code == 0, result.output
    told: Sequence[dict[str, Any]] = json.loads(result.stdout)
    return told


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{text.name}.{text.locale}.{text.channel}")
async def test_every_message_of_the_seed_can_be_looked_at(text: Seeded) -> None:
    shown = await rendered(text)
    kind = {Channel.EMAIL: RenderedEmail, Channel.IN_APP: RenderedInApp, Channel.SMS: str}[text.channel]
    assert isinstance(shown, kind)
    said = shown if isinstance(shown, str) else shown.text if isinstance(shown, RenderedEmail) else shown.title + shown.message
    assert "{{" not in said
    assert "s1." not in said, "a sealed text is shown as it is"


@pytest.mark.parametrize("text", seeded_contracts(), ids=lambda text: f"{text.name}.{text.locale}")
def test_every_contract_of_the_seed_has_a_value_for_each_placeholder(text: Any) -> None:
    assert not any(value.startswith("‹") for value in documents(text)["draft"].values.values())


def test_an_email_is_written_as_html_text_and_pictures(tmp_path: Path) -> None:
    (told,) = written("contract-to-sign", "--locale", "ar", "--channel", "email", "--out", str(tmp_path))
    stem = tmp_path / "contract-to-sign.ar.email"
    assert told["files"] == [f"{stem}.{kind}" for kind in ("html", "txt", "desktop.png", "phone.png")]
    assert 'dir="rtl"' in Path(f"{stem}.html").read_text("utf-8")
    assert "شركة النيل للتجارة" in Path(f"{stem}.txt").read_text("utf-8")
    assert all(Path(f"{stem}.{width}.png").read_bytes().startswith(PNG) for width in ("desktop", "phone"))


def test_an_sms_is_text_and_says_so(tmp_path: Path) -> None:
    (told,) = written("payout-failed", "--channel", "sms", "--out", str(tmp_path))
    assert told["files"] == [f"{tmp_path}/payout-failed.en.sms.txt"]
    assert "USD" in (tmp_path / "payout-failed.en.sms.txt").read_text("utf-8")
    assert "no picture" in told["notes"][0]


def test_every_channel_is_written_when_none_is_named(tmp_path: Path) -> None:
    channels = {told["channel"] for told in written("payout-failed", "--out", str(tmp_path))}
    assert channels == {"email", "sms", "in_app"}


def test_a_contract_is_written_as_draft_and_executed_with_a_picture_a_page(tmp_path: Path) -> None:
    (told,) = written("fixed-contract", "--locale", "ar", "--channel", "pdf", "--out", str(tmp_path))
    draft, executed = (pages((tmp_path / f"fixed-contract.ar.{state}.pdf").read_bytes()) for state in ("draft", "executed"))
    assert all("مسودة" in arabic(page) for page in draft)
    assert "Łukasz Nowak" in executed[-1]
    assert len(executed) == len(draft) + 1
    assert sum(name.endswith(".png") for name in told["files"]) == len(draft) + len(executed)


def test_what_cannot_be_pictured_is_said_and_the_rest_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(html: str, width: int) -> bytes:
        raise PictureImpossible("no room")

    monkeypatch.setattr(files, "web_picture", failing)
    (told,) = written("verify-email", "--out", str(tmp_path))
    assert [Path(name).name for name in told["files"]] == ["verify-email.en.email.html", "verify-email.en.email.txt"]
    assert told["notes"][0] == "no picture of verify-email.en.email.desktop: no room"


def test_an_unknown_template_is_answered_with_those_there_are() -> None:
    result = invoked("contract-to-sing", "--json")
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert "contract-to-sing" in told["error"]
    assert {"contract-to-sign", "fixed-contract"} <= {each["template"] for each in told["templates"]}


def test_a_channel_that_the_template_lacks_is_said() -> None:
    result = invoked("verify-email", "--channel", "sms", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == "verify-email has no sms in en: it has email in ar, en."


def test_the_listing_names_every_template_with_its_ways() -> None:
    result = invoked("--list", "--json")
    assert result.exit_code == 0
    known = {each["template"]: each for each in json.loads(result.stdout)}
    assert known["fixed-contract"] == {"template": "fixed-contract", "locales": ["ar", "en"], "channels": ["pdf"]}
    assert {text.name for text in TEXTS} < known.keys()
    assert all(set(each["locales"]) == set(Locale) for each in known.values())


def test_where_it_writes_by_default_is_nothing_to_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written("payout-failed", "--channel", "sms")
    (folder,) = tmp_path.iterdir()
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert f"/{folder.name}/" in ignored
    assert f"{folder.name}/" not in ignored, "that would leave the package of its name out, too"


def test_nothing_named_is_a_wrong_use() -> None:
    assert invoked().exit_code == 2


def test_the_help_has_an_example() -> None:
    assert "mindlinks preview contract-to-sign --locale ar" in " ".join(invoked("--help").output.replace("│", " ").split())
