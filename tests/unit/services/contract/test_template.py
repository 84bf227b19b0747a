"""Templates: published as versions of a family, retired, made default."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contract.commands import PublishContractTemplate, RetireContractTemplate, SetDefaultContractTemplate
from contracts.contract.events import ContractTemplateDefaultSet, ContractTemplatePublished, ContractTemplateRetired
from contracts.contract.values import ContractType
from contracts.ids import seed_command_id
from contracts.types import Locale
from tests.support.oracle import Oracle
from tests.support.service_story import ADMIN
from tests.unit.services.contract.story import (
    COMPANY,
    CONTRACT_ID,
    SEED,
    TEMPLATE,
    publishing,
)
from workers.engine.decision import UNCHANGED, Accepted, ItemRef, Refused
from workers.services.contract.placeholders import FROM_CONTRACT, TemplateInvalid, placeholders
from workers.services.contract.service import SERVICE

SECOND = publishing(version=2)
ARABIC = publishing(locale=Locale.AR)
RETIRE = RetireContractTemplate(name=TEMPLATE.name, template_id=TEMPLATE.template_id)
DEFAULT = SetDefaultContractTemplate(type=ContractType.FIXED, template_id=TEMPLATE.template_id)
SEEDS = Path(__file__).parents[4] / "workers/ops/seed/contract"


@pytest.fixture
def oracle() -> Oracle:
    oracle = Oracle(SERVICE)
    oracle.send(TEMPLATE, actor=SEED)
    return oracle


# --- published -----------------------------------------------------------------------------------------------------


def test_versions_of_each_language_follow_one_another(oracle: Oracle) -> None:
    assert isinstance(oracle.send(SECOND, actor=ADMIN), Accepted)
    assert isinstance(oracle.send(ARABIC, actor=ADMIN), Accepted)
    assert oracle.events == [
        ContractTemplatePublished(
            name="simple",
            template_id=command.template_id,
            type=ContractType.FIXED,
            locale=command.locale,
            version=command.template_version,
            content_sha256=command.content_sha256,
        )
        for command in (TEMPLATE, SECOND, ARABIC)
    ]
    family = oracle.items[ItemRef("contract-templates", "NAME#simple")]
    assert family["latest"] == {"en": 2, "ar": 1}
    assert family["rowIds"] == [TEMPLATE.template_id, SECOND.template_id, ARABIC.template_id]
    assert "type" not in family  # else it would stand in type-index
    row = oracle.items[ItemRef("contract-templates", SECOND.template_id)]
    assert (row["nameVersion"], row["state"], row["dir"], row["version"]) == ("simple#en#000002", "active", "ltr", 2)


def test_seeding_again_is_nothing_to_do() -> None:
    oracle = Oracle(SERVICE)
    seed = seed_command_id("simple", "fixed", "en", 1)
    oracle.send(TEMPLATE, actor=SEED, id=seed)
    assert oracle.send(TEMPLATE, actor=SEED, id=seed) == UNCHANGED


@pytest.mark.parametrize(
    ("command", "actor", "reason"),
    [
        (SECOND, COMPANY, "forbidden"),
        (publishing(template_id=CONTRACT_ID), ADMIN, "id_mismatch"),
        (TEMPLATE, ADMIN, "id_conflict"),
        (publishing(version=3), ADMIN, "version_gap"),
        (publishing(locale=Locale.AR, version=2), ADMIN, "version_gap"),
        (publishing(version=2, variables=("scopeOfWork",)), ADMIN, "template_invalid"),
        (publishing(version=2, content="{{ a }}", variables=("a", "b")), ADMIN, "template_invalid"),
        (publishing(version=2, content="{{ a }}", variables=("a", "a")), ADMIN, "template_invalid"),
        (publishing(version=2, content="{% if a %}", variables=()), ADMIN, "template_invalid"),
        (publishing(version=2, content_sha256="00" * 32), ADMIN, "template_invalid"),
    ],
)
def test_a_version_is_refused(oracle: Oracle, command: PublishContractTemplate, actor: str, reason: str) -> None:
    assert oracle.send(command, actor=actor) == Refused(reason)


@pytest.mark.parametrize(
    "wrong", [{"name": "a#b"}, {"templateContent": "x" * (100 * 1024 + 1)}, {"templateContent": "ä" * (50 * 1024 + 1)}]
)
def test_a_template_has_a_plain_name_and_a_limit(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PublishContractTemplate.model_validate(TEMPLATE.to_item() | wrong)


# --- retired, default ----------------------------------------------------------------------------------------------


def test_a_template_is_retired_once(oracle: Oracle) -> None:
    oracle.send(RETIRE, actor=ADMIN)
    assert oracle.events[-1] == ContractTemplateRetired(name="simple", template_id=TEMPLATE.template_id)
    assert oracle.items[ItemRef("contract-templates", TEMPLATE.template_id)]["state"] == "retired"
    assert oracle.send(RETIRE, actor=ADMIN) == UNCHANGED
    assert oracle.send(DEFAULT, actor=ADMIN) == Refused("template_not_found")


def test_the_default_is_not_retired(oracle: Oracle) -> None:
    oracle.send(SECOND, actor=ADMIN)
    oracle.send(DEFAULT, actor=SEED)
    assert oracle.events[-1] == ContractTemplateDefaultSet(type=ContractType.FIXED, template_id=TEMPLATE.template_id)
    assert oracle.send(DEFAULT, actor=SEED) == UNCHANGED
    assert oracle.send(RETIRE, actor=ADMIN) == Refused("template_is_default")
    oracle.send(DEFAULT.model_copy(update={"template_id": SECOND.template_id}), actor=ADMIN)
    assert isinstance(oracle.send(RETIRE, actor=ADMIN), Accepted)
    assert oracle.items[ItemRef("contract-templates", "DEFAULT#fixed")]["templateId"] == SECOND.template_id


def test_only_what_exists_is_retired_or_made_default(oracle: Oracle) -> None:
    assert oracle.send(RETIRE, actor=COMPANY) == Refused("forbidden")
    assert oracle.send(DEFAULT, actor=COMPANY) == Refused("forbidden")
    assert oracle.send(RETIRE.model_copy(update={"name": "other"}), actor=ADMIN) == Refused("not_found")
    assert oracle.send(RETIRE.model_copy(update={"template_id": CONTRACT_ID}), actor=ADMIN) == Refused("not_found")
    assert oracle.send(DEFAULT.model_copy(update={"template_id": CONTRACT_ID}), actor=ADMIN) == Refused("template_not_found")
    hourly = DEFAULT.model_copy(update={"type": ContractType.HOURLY})
    assert oracle.send(hourly, actor=ADMIN) == Refused("template_type_mismatch")


# --- placeholders --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("", set()),
        ("plain { text }, }} and %}", set()),
        ("{{ a }}{{b}} {{\tc1 }} {{ a }}", {"a", "b", "c1"}),
        ("p{color:red}@media print{p{color:blue}}", set()),
        ("}}{{ a }}{ { b } }", {"a"}),
    ],
)
def test_placeholders_are_found(content: str, names: set[str]) -> None:
    assert placeholders(content) == names


@pytest.mark.parametrize(
    "content",
    [
        "{{ a",
        "{{ }}",
        "{{{ a }}}",
        "{{- a }}",
        "{{ a -}}",
        "{{ a.b }}",
        "{{ a['b'] }}",
        "{{ a|upper }}",
        "{{ a() }}",
        "{{ 1 }}",
        "{{ 'a' }}",
        "{{ none }}",
        "{{ self }}",
        "{{ a\n}}",
        "{{ ä }}",
        "{{ _a }}",
        "{# a #}",
        "{% a %}",
        "{{ {{ a }} }}",
    ],
)
def test_anything_else_of_the_language_is_invalid(content: str) -> None:
    with pytest.raises(TemplateInvalid):
        placeholders(f"before {content} after")


@given(st.text(alphabet="{}%#a b-|.", max_size=24))
def test_what_passes_is_only_text_and_names_to_the_language_too(content: str) -> None:
    try:
        names = placeholders(content)
    except TemplateInvalid:
        return
    from jinja2 import Environment, nodes

    tree = Environment(autoescape=True).parse(content)
    assert {type(node) for node in tree.find_all(nodes.Node)} <= {nodes.Output, nodes.TemplateData, nodes.Name}
    assert {node.name for node in tree.find_all(nodes.Name)} == names


# --- the seed ------------------------------------------------------------------------------------------------------

BOTH = {"scopeOfWork", "paymentTerms", "noticePeriodDays", "governingLaw", "disputeVenue", "confidentialityTerms", "ipTerms"}
OWN = FROM_CONTRACT - {"totalAmount", "hourlyRate"}


@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize(
    ("name", "added"),
    [("fixed", {"totalAmount", "milestones"}), ("hourly", {"hourlyRate", "weeklyHoursCap", "invoicingPeriod"})],
)
def test_seed_templates_have_the_variables_of_the_catalogue(name: str, added: set[str], locale: str) -> None:
    content = (SEEDS / f"{name}-contract.{locale}.pdf.j2").read_text("utf-8")
    assert placeholders(content) == BOTH | OWN | added
    command = publishing(f"{name}-contract", content=content, kind=ContractType(name), locale=Locale(locale))
    assert isinstance(Oracle(SERVICE).send(command, actor=SEED), Accepted)
