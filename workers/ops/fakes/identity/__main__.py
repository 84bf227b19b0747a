"""`python -m workers.ops.fakes.identity`: both providers as a process of the stack, until SIGTERM or SIGINT.

Prints one JSON line {"veriff": url, "onfido": url} once it answers.
"""

import argparse
import asyncio
import json
import socket
import sys

import uvicorn

from workers.ops.fakes.identity.application import IdentityFake

HOST = "127.0.0.1"
BACKLOG = 128


async def serve(port: int) -> None:
    fake = IdentityFake()
    with socket.create_server((HOST, port), backlog=BACKLOG) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(fake, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1))
        print(json.dumps({"veriff": f"{url}/veriff", "onfido": f"{url}/onfido"}), flush=True)
        async with fake.delivering():
            await server.serve(sockets=[listener])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m workers.ops.fakes.identity", description="Providers like Veriff and Onfido.")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0: a free one (default)")
    given = parser.parse_args(arguments)
    try:
        asyncio.run(serve(given.port))
    except OSError as error:
        print(f"The fake of Veriff and Onfido cannot start: {error}. Choose another port; 0 takes a free one.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
