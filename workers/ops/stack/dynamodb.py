"""DynamoDB Local: Amazon's own stand-in for DynamoDB."""

import http.client
from pathlib import Path

from workers.ops.stack.ports import HOST
from workers.ops.stack.server import Server

MAIN_CLASS = "software.amazon.dynamodb.services.local.main.ServerRunner"
HEAP = ["-Xmx512m", "-XX:+UseSerialGC"]
ANSWER_SECONDS = 5.0
# The signature is not checked, but a request without one is refused.
LIST_TABLES = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.ListTables",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20250101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
}


class DynamoDBServer(Server):
    """One database for all regions and keys (-sharedDb).

    On disk it keeps its tables over stop, kill and start; in memory they end with the process, and it is faster.
    """

    name = "dynamodb"

    def __init__(
        self, folder: Path, port: int | None, *, java: Path, jars: Path, scratch: Path | None = None, in_memory: bool = True
    ) -> None:
        super().__init__(folder, port, scratch)
        self._java = java
        self._jars = jars
        self._data = None if in_memory else folder / "data"

    def prepare(self) -> None:
        if self._data is not None:
            self._data.mkdir(exist_ok=True)

    def command(self) -> list[str]:
        native = [f"-Djava.library.path={self._jars}", f"-Dsqlite4java.library.path={self._jars}"]
        place = ["-inMemory"] if self._data is None else ["-dbPath", str(self._data)]
        options = ["-sharedDb", "-port", str(self.port), "-disableTelemetry", *place]
        return [str(self._java), *HEAP, *native, "-cp", f"{self._jars}/*", MAIN_CLASS, *options]

    def answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", "/", "{}", LIST_TABLES)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
