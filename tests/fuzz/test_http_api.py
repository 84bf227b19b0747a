"""The HTTP API against its own OpenAPI document: no 5xx of its own making, only documented statuses and content types."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.ingress.doubles import AUTHORIZED, Ingress

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed: pip install -e '.[fuzz]'")

# The document says of `data` that it is an object; what each kind takes stands in /asyncapi.
LOOSE = [schemathesis.checks.positive_data_acceptance]

schema = schemathesis.openapi.from_asgi("/openapi.json", Ingress().app)


@schema.parametrize()  # type: ignore[untyped-decorator]  # the package may be absent
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_answers_as_it_documents(case: Any) -> None:
    case.call_and_validate(excluded_checks=LOOSE)


@schema.include(path_regex="^/v1/").parametrize()  # type: ignore[untyped-decorator]  # the package may be absent
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_answers_its_clients_as_it_documents(case: Any) -> None:
    response = case.call(headers=AUTHORIZED)
    # A batch is taken as such; which members were refused is said one by one.
    partly = [schemathesis.checks.negative_data_rejection] if response.status_code == 207 else []
    case.validate_response(response, excluded_checks=[*LOOSE, *partly])
