"""`python -m workers.ops.fakes.stripe`: the fake as a process of the stack, until SIGTERM or SIGINT.

Prints one JSON line {"stripe": url} once it answers. Webhooks leave by themselves; a lost or refused one comes again after
a second, then two, four: a demo does not wait for Stripe's hours.
"""

import argparse
import asyncio
import json
import signal
import sys

from workers.ops.fakes.stripe.clock import MovableClock, SystemClock
from workers.ops.fakes.stripe.policy import DeliveryFaults
from workers.ops.fakes.stripe.server import StripeFake
from workers.ops.fakes.stripe.settings import CONNECT_SECRET, SECRET, FakeSettings
from workers.ops.fakes.stripe.state import Terms


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers.ops.fakes.stripe", description="A provider that behaves like Stripe.")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0: a free one (default)")
    parser.add_argument("--webhook-url", help="takes the platform's events; without it none are sent")
    parser.add_argument("--connect-url", help="takes connected accounts' events (default: the webhook url + '-connect')")
    parser.add_argument("--secret", action="append", help=f"signs the platform's events; twice during a roll (default: {SECRET})")
    parser.add_argument("--connect-secret", action="append", help=f"signs connected accounts' events (default: {CONNECT_SECRET})")
    parser.add_argument("--seed", type=int, default=1, help="of ids and of the faults of deliveries")
    for share in ("duplicate", "reorder", "delay", "lose"):
        parser.add_argument(f"--{share}", type=float, default=0.0, metavar="SHARE", help=f"share of webhooks to {share}, 0 to 1")
    parser.add_argument("--first-retry-seconds", type=int, default=1, help="until a lost or refused webhook comes again")
    parser.add_argument("--settle-seconds", type=int, default=0, help="until a charge's funds are available")
    parser.add_argument("--payout-seconds", type=int, default=Terms().payout_seconds, help="from a payout's creation to paid")
    parser.add_argument("--automatic-payouts", action="store_true", help="pay out connected accounts daily, as Stripe does")
    return parser


def settings_from(arguments: list[str]) -> FakeSettings:
    given = _parser().parse_args(arguments)
    connect_url = given.connect_url or (f"{given.webhook_url}-connect" if given.webhook_url else None)
    return FakeSettings(
        port=given.port,
        webhook_url=given.webhook_url,
        connect_url=connect_url,
        secrets=tuple(given.secret or [SECRET]),
        connect_secrets=tuple(given.connect_secret or [CONNECT_SECRET]),
        seed=given.seed,
        faults=DeliveryFaults(given.duplicate, given.reorder, given.delay, given.lose),
        terms=Terms(
            settle_seconds=given.settle_seconds,
            automatic_payouts=given.automatic_payouts,
            payout_seconds=given.payout_seconds,
        ),
        deliver=True,
        first_retry_seconds=given.first_retry_seconds,
    )


async def serve(settings: FakeSettings) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with StripeFake(settings, clock=MovableClock(), signing_clock=SystemClock()) as fake:
        print(json.dumps({"stripe": fake.url}), flush=True)
        await fake.serve_until(stop)


def main(arguments: list[str]) -> int:
    try:
        asyncio.run(serve(settings_from(arguments)))
    except (OSError, ValueError) as error:
        print(f"The Stripe fake cannot start: {error}. Choose another port (0 takes a free one) or correct the option.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
