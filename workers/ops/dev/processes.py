"""Processes of the project itself, run like the stack's servers: they end with this process, however it dies."""

import http.client
import sys

from workers.ops.stack.ports import HOST
from workers.ops.stack.server import Server

ANSWER_SECONDS = 5.0


class _Own(Server):
    """A process that says by a 200 that it is ready. Its settings are this process's variables."""

    ready_path = "/health/ready"

    def prepare(self) -> None:
        """Nothing beside its folder."""

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class IngressProcess(_Own):
    name = "ingress"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "workers.main", "ingress", "--port", str(self.port)]


class WorkersProcess(_Own):
    """Every role of every service; ready once each has its partitions."""

    name = "workers"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "workers.main", "run", "--all", "--health-port", str(self.port)]


class StripeProcess(_Own):
    """The fake; where its webhooks go is told by its controls once the ingress answers."""

    name = "stripe"
    ready_path = "/_fake/state"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "workers.ops.fakes.stripe", "--port", str(self.port)]


class IdentityProcess(_Own):
    """The fake of Veriff and Onfido; where its webhooks go is told by its controls once the ingress answers."""

    name = "identity"
    ready_path = "/_fake/state"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "workers.ops.fakes.identity", "--port", str(self.port)]
