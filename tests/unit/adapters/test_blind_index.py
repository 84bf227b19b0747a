"""The blind index: one hash for every spelling of one address, and the same one for ever."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workers.adapters.blind_index import InvalidAddressError, email_hash, normalised_address

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("  Amira@Nile-Design.Example ", "amira@nile-design.example"),
        ("jonas@B\u00fccher.example", "jonas@xn--bcher-kva.example"),
        ("jonas@Bu\u0308cher.example", "jonas@xn--bcher-kva.example"),
        ("jonas@xn--bcher-kva.example", "jonas@xn--bcher-kva.example"),
        ("\u00c9mile@example.org", "\u00e9mile@example.org"),
        ("E\u0301mile@example.org", "\u00e9mile@example.org"),
        ("info@\u0645\u062b\u0627\u0644.\u0645\u0635\u0631", "info@xn--mgbh0fb.xn--wgbh1c"),
        ("jonas@XN--BCHER-KVA.example", "jonas@xn--bcher-kva.example"),
        ("jonas@b\u00fccher.example.", "jonas@xn--bcher-kva.example"),
        ("amina@example.org.", "amina@example.org"),
        ("amina@\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.org", "amina@example.org"),
        ("amina@example\u3002org", "amina@example.org"),
        ("amina@example.\u212aim", "amina@example.kim"),
        ("I\u0130@example.org", "ii\u0307@example.org"),
        ("\u0131@example.org", "\u0131@example.org"),
        ("amina@\u0130stanbul.example", "amina@xn--istanbul-o0e.example"),
        ("amina@\u0131stanbul.example", "amina@xn--stanbul-qfb.example"),
        ("\uff21\uff42@example.org", "\uff41\uff42@example.org"),
        ("stra\u00dfe@stra\u00dfe.example", "stra\u00dfe@xn--strae-oqa.example"),
        ("amina+tag@example.org", "amina+tag@example.org"),
        ("a.m.i.n.a@example.org", "a.m.i.n.a@example.org"),
        ("\u0623\u0645\u064a\u0646\u0629@example.org", "\u0623\u0645\u064a\u0646\u0629@example.org"),
    ],
)
def test_spellings_of_one_address_are_one(written: str, normalised: str) -> None:
    assert normalised_address(written) == normalised
    assert email_hash(KEY, written) == email_hash(KEY, normalised)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "amira",
        "@example.org",
        "amira@",
        "amira@.",
        "a b@example.org",
        "a\tb@example.org",
        "a@\u00fc..example",
        "a@example..org",
        "a@.example.org",
        "a@-example.org",
        f"a@{'x' * 64}.org",
        "a@[192.0.2.1]",
        "a@exa mple.org",
        f"{'a' * 250}@b.example",
        '"odd@name"@example.org',
        '"amira"@example.org',
        "a@b@example.org",
        "amira\uff20example.org",
        "am\u200bira@example.org",
        "\u200famira@example.org",
        "ami\u00adra@example.org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddressError):
        email_hash(KEY, text)


LOCAL_PARTS = st.text(alphabet=st.characters(categories=["L", "N", "P", "M"]), min_size=1, max_size=40)
LABELS = st.sampled_from(
    ["abcxyzABC", "\u00e9\u00fc\u00df\u0130Ee\uff21", "\u03b1\u03a3\u03c2", "\u5317\u4eac", "\u0645\u062b\u0627\u0644"]
).flatmap(lambda script: st.text(alphabet=script, min_size=1, max_size=20))


@given(LOCAL_PARTS, st.lists(LABELS, min_size=1, max_size=3).map(".".join))
def test_normalising_twice_changes_nothing(local: str, domain: str) -> None:
    try:
        once = normalised_address(f"{local}@{domain}")
    except InvalidAddressError:
        assume(False)
    assert normalised_address(once) == once
    assert once.rpartition("@")[2].isascii()


def test_the_hash_never_changes() -> None:
    """Golden: claims, suppressions and ids are made of it."""
    assert email_hash(KEY, "amira@nile-design.example") == "e4973b45ecd3809305d30c30ecb5190c2ddb6b4e617381d3cc251571fd4fb525"
    assert email_hash(b"K" * 32, "amira@nile-design.example") != email_hash(KEY, "amira@nile-design.example")


def test_an_empty_key_stops_the_start() -> None:
    with pytest.raises(ValueError, match="MINDLINKS_BLIND_INDEX_KEY"):
        email_hash(b"", "amira@nile-design.example")
