"""A real Kafka broker of one node: KRaft, broker and controller combined."""

import base64
import subprocess
import uuid
from pathlib import Path
from string import Template

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from workers.ops.stack.interface import StackError
from workers.ops.stack.ports import HOST, free_port
from workers.ops.stack.server import Server

HEAP = ["-Xmx512m", "-XX:+UseSerialGC"]
FORMAT_SECONDS = 60.0
ANSWER_SECONDS = 2.0

# Few partitions in the internal topics: the first group and the first transaction wait until all of them are made.
# A short broker session: after SIGKILL the new broker is refused as a duplicate until the old one's session ends (9 s by default).
# The log cleaner's buffer would take 128 MB of the heap at once.
PROPERTIES = Template("""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$host:$controller_port
listeners=PLAINTEXT://$host:$port,CONTROLLER://$host:$controller_port
advertised.listeners=PLAINTEXT://$host:$port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$data
auto.create.topics.enable=false
num.partitions=1
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
""")


class KafkaServer(Server):
    """Keeps its log folder, its cluster id and its port over stop, kill and start."""

    name = "kafka"

    def __init__(self, folder: Path, port: int | None, *, java: Path, jars: Path, scratch: Path | None = None) -> None:
        super().__init__(folder, port, scratch)
        self._java = java
        self._class_path = f"{jars}/*"
        self._controller_port = free_port()
        self._properties = folder / "server.properties"
        self._data = folder / "data"

    def prepare(self) -> None:
        """Writes the settings; formats the log folder if it is new, which takes a second."""
        settings = PROPERTIES.substitute(host=HOST, port=self.port, controller_port=self._controller_port, data=self._data)
        self._properties.write_text(settings)
        if not (self._data / "meta.properties").exists():
            self._format()

    def command(self) -> list[str]:
        return [str(self._java), *HEAP, "-cp", self._class_path, "kafka.Kafka", str(self._properties)]

    def answers(self) -> bool:
        """True once the metadata name a broker: until then the controller still fences it, and no topic can be made."""
        client = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
        try:
            return bool(client.list_topics(timeout=ANSWER_SECONDS).brokers)
        except KafkaException:
            return False

    def _format(self) -> None:
        cluster_id = _new_cluster_id()
        # The first compiler tier only: this JVM lives for less than a second.
        command = [str(self._java), *HEAP, "-XX:TieredStopAtLevel=1", "-cp", self._class_path, "kafka.tools.StorageTool"]
        command += ["format", "-t", cluster_id, "-c", str(self._properties)]
        done = subprocess.run(  # noqa: S603 - the command is the project's own
            command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False
        )
        if done.returncode != 0:
            raise StackError(
                f"Kafka could not format its log folder {self._data} (exit code {done.returncode}).",
                f"It says: {(done.stderr or done.stdout).strip()[-1500:]}",
                "Check that the folder can be written and the disk is not full, or start with another data folder.",
            )


def _new_cluster_id() -> str:
    """Never with a hyphen in front, which the tool would take for an option; Kafka's own ids have none there either."""
    while (cluster_id := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return cluster_id
