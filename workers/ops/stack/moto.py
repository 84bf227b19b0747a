"""A moto server: stands in for S3, SES, SNS, KMS and SSM. Not for DynamoDB, whose transactions it does not keep apart."""

import http.client
import sys

from workers.ops.stack.ports import HOST
from workers.ops.stack.server import Server

ANSWER_SECONDS = 5.0


class MotoServer(Server):
    """Keeps everything in memory: what is in it ends with its process, kept folder or not."""

    name = "moto"

    def prepare(self) -> None:
        """Nothing: it needs no folder of its own beside the log's."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(self.port)]

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", "/moto-api/data.json")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
