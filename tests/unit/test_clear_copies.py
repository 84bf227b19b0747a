"""The search that proves the absence of personal values finds them when they are there."""

import base64
import os
import zlib
from pathlib import Path

import pytest

from tests.support.clear_copies import Copy, files, found, item, spellings

NAME = "Zsuzsánna Őrlőházy"


@pytest.mark.parametrize(
    "written",
    [
        NAME.encode(),
        NAME.upper().encode(),
        rb'{"firstName":"Zsuzs\u00e1nna \u0150rl\u0151h\u00e1zy"}',
        b"?name=Zsuzs%C3%A1nna%20%C5%90rl%C5%91h%C3%A1zy&x=1",
        b"name=zsuzs%c3%a1nna+%c5%90rl%c5%91h%c3%a1zy",
        NAME.encode().hex().upper().encode(),
        *[base64.b64encode(b"x" * before + NAME.encode() + b"y" * after) for before in range(4) for after in range(3)],
        *[base64.urlsafe_b64encode(b"?" * before + NAME.encode() + b"?") for before in range(3)],
        "Zsuzsánna Őrlőházy".encode(),
    ],
)
def test_a_value_is_found_however_it_is_written(written: bytes) -> None:
    noise = os.urandom(50)
    assert {each.what for each in found([Copy("there", noise + b" " + written + b" " + noise)], {"name": NAME})} == {"name"}


def test_nothing_is_found_where_it_is_not() -> None:
    assert found([Copy("there", os.urandom(1 << 20)), Copy("here", b"Zsuzsanna Orlohazy")], {"name": NAME}) == []


def test_what_is_too_short_to_mean_anything_is_not_looked_for() -> None:
    with pytest.raises(ValueError, match="too short"):
        spellings("Clara")


def test_files_are_read_around_their_holes(tmp_path: Path) -> None:
    with (tmp_path / "segment.log").open("wb") as file:
        file.truncate(50 << 20)
        file.seek(30 << 20)
        file.write(NAME.encode())
    (copy,) = files(tmp_path)
    assert len(copy.content) < 1 << 20
    assert [each.where for each in found([copy], {"name": NAME})][:1] == ["file segment.log"]


def test_deflated_outcomes_are_read() -> None:
    packed = b"\x01" + zlib.compress(f'["{NAME}"]'.encode() * 20)
    copy = item("user-profiles", {"_outcomes": {"L": [{"B": packed}]}})
    assert "plain" in {each.spelling for each in found([copy], {"name": NAME})}
    assert found([Copy("raw", packed)], {"name": NAME}) == []
