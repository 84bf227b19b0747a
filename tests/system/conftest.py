"""Which stacks the black-box tests can run on here."""

import pytest

from workers.ops.stack import LocalStack


@pytest.fixture(scope="session")
def local_stack() -> str:
    """The provider's name, where real servers can start."""
    obstacle = LocalStack().why_not()
    if obstacle is not None:
        pytest.skip(f"the stack local cannot start here: {obstacle}")
    return "local"
