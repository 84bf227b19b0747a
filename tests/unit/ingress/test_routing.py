"""What the router itself refuses."""

from tests.unit.ingress.doubles import Ingress, reason_of


async def test_a_method_that_is_not_served_is_told_which_are(ingress: Ingress) -> None:
    """RFC 9110, 15.5.6: the answer must name them."""
    answer = await ingress.http.delete("/v1/commands")
    assert reason_of(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
