"""The three top-level names are ours: a distribution that installs one of them would hide our package (style, section 7)."""

import importlib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2].resolve()
OURS = "mindlinks"


@pytest.mark.parametrize("name", ["workers", "contracts", "schemas"])
def test_a_top_level_package_is_the_repositorys_own(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None, f"{name} has no __file__: it is a namespace package, so something else may add to it"
    assert Path(file).resolve().is_relative_to(REPOSITORY), f"{name} comes from {file}, not from this repository"


@pytest.mark.parametrize("name", ["workers", "contracts", "schemas"])
def test_no_other_distribution_provides_the_name(name: str) -> None:
    others = set(packages_distributions().get(name, [])) - {OURS}
    assert not others, f"{', '.join(sorted(others))} installs {name}: uninstall it, it would hide ours"
