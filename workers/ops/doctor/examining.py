"""All checks, side by side, each within its time. One that cannot be made is a finding of its own, and the others are made."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workers.engine.ports import StoreMisconfigured
from workers.ops.doctor.finding import Answer, Finding, Kind, LeftOut
from workers.ops.doctor.system import System

Check = Callable[[System], Awaitable[Answer]]
LIMIT = 60.0
"""Seconds for one check."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One check and what came of it. ``seconds`` it took."""

    check: str
    looked_at: str
    findings: Sequence[Finding]
    seconds: float
    left_out: Sequence[LeftOut] = ()


@dataclass(frozen=True, slots=True)
class Health:
    checks: Sequence[Examined]

    @property
    def findings(self) -> list[Finding]:
        return [finding for each in self.checks for finding in each.findings]

    @property
    def left_out(self) -> Sequence[tuple[str, LeftOut]]:
        """With the check that left it out."""
        return [(each.check, left) for each in self.checks for left in each.left_out]

    @property
    def healthy(self) -> bool:
        """As far as was looked: ``left_out`` says what was not."""
        return not self.findings

    def told(self) -> dict[str, Any]:
        """As JSON."""
        checks = [
            {"check": each.check, "lookedAt": each.looked_at, "findings": len(each.findings), "seconds": round(each.seconds, 2)}
            for each in self.checks
        ]
        left_out = [{"check": check, **asdict(left)} for check, left in self.left_out]
        return {"healthy": self.healthy, "checks": checks, "findings": [asdict(each) for each in self.findings], "leftOut": left_out}


async def examine(
    system: System, checks: Mapping[str, Check], limit: float = LIMIT, on_done: Callable[[str], None] = lambda _: None
) -> Health:
    """Never raises for what a check meets."""

    async def made(name: str, check: Check) -> Examined:
        started = asyncio.get_running_loop().time()
        answer = await _answered(name, check, system, limit)
        on_done(name)
        return Examined(name, answer.looked_at, answer.findings, asyncio.get_running_loop().time() - started, answer.left_out)

    return Health(await asyncio.gather(*(made(name, check) for name, check in checks.items())))


async def _answered(name: str, check: Check, system: System, limit: float) -> Answer:
    try:
        async with asyncio.timeout(limit):
            return await check(system)
    except TimeoutError:
        return _unchecked(name, f"no answer within {limit:g} s", f"Look again with a longer --limit; mindlinks doctor --only {name}.")
    except Exception as error:  # noqa: BLE001  # whatever hinders one check must not hinder the others
        said = (str(error).splitlines() or [""])[0]
        return _unchecked(name, f"{type(error).__name__}: {said}", _remedy(error))


def _remedy(error: Exception) -> str:
    if isinstance(error, StoreMisconfigured):
        return "Look at MINDLINKS_ENVIRONMENT, the AWS_ variables and this operator's rights; mindlinks tables diff names missing tables."
    return "Look whether the server answers and at MINDLINKS_KAFKA and AWS_ENDPOINT_URL_DYNAMODB; then mindlinks doctor again."


def _unchecked(name: str, why: str, remedy: str) -> Answer:
    what = f"The check could not be made: {why}."
    return Answer("nothing", [Finding(Kind.UNCHECKED, name, what, "Nobody knows whether this part is well.", remedy)])
