"""The provider `local`: real servers as child processes, with no Docker engine."""

import fcntl
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event, Lock
from typing import IO, TypeVar

from workers.ops.stack.dynamodb import DynamoDBServer
from workers.ops.stack.interface import Endpoints, Progress, Provider, Stack, StackError, silent
from workers.ops.stack.jars import LIBRARY, Jars
from workers.ops.stack.java import find_java, find_maven
from workers.ops.stack.kafka import KafkaServer
from workers.ops.stack.moto import MotoServer
from workers.ops.stack.server import Server

PROFILES = ("kafka", "dynamodb")
ServerT = TypeVar("ServerT", bound=Server)


class LocalStack(Stack):
    """Kafka, DynamoDB Local and moto, started side by side on free ports (or on the ports asked for).

    Without `keep` the data are in a temporary folder that goes with the stack, even if this process is killed. With `keep` the
    topics and tables stay there for the next start (moto's contents never do). start_sync and stop_sync may be called from
    different threads: a stop during a start breaks it off.
    """

    provider = Provider.LOCAL

    def __init__(
        self,
        *,
        keep: Path | None = None,
        kafka_port: int | None = None,
        dynamodb_port: int | None = None,
        moto_port: int | None = None,
        library: Path = LIBRARY,
        on_progress: Progress = silent,
    ) -> None:
        self._keep = keep.resolve() if keep is not None else None
        self._ports = (kafka_port, dynamodb_port, moto_port)
        self._jars = Jars(library)
        self._on_progress = on_progress
        self._changing = Lock()
        self._cancelled = Event()
        self._folder: Path | None = None
        self._folder_lock: IO[str] | None = None
        self._kafka: KafkaServer | None = None
        self._dynamodb: DynamoDBServer | None = None
        self._moto: MotoServer | None = None

    def why_not(self) -> StackError | None:
        try:
            find_java()
            if not self._jars.are_here(*PROFILES):
                find_maven()
        except StackError as error:
            return error
        return None

    def start_sync(self) -> Endpoints:
        with self._changing:
            self._cancelled.clear()
            try:
                java = find_java()
                self._jars.resolve(PROFILES, self._on_progress)
                self._folder = self._open_folder()
                kafka, dynamodb, moto = self._make_servers(java, self._folder)
                self._start_together([kafka, dynamodb, moto])
            except BaseException:
                self._end()
                raise
        return Endpoints(kafka.address, f"http://{dynamodb.address}", f"http://{moto.address}", self._folder)

    def stop_sync(self) -> None:
        self._cancelled.set()
        with self._changing:
            self._end()

    @property
    def kafka(self) -> KafkaServer:
        """For tests of failure: stop(), kill() and start() it alone; port and data stay."""
        return _started(self._kafka)

    @property
    def dynamodb(self) -> DynamoDBServer:
        """As `kafka`; in memory (no `keep`) its tables end with its process."""
        return _started(self._dynamodb)

    @property
    def moto(self) -> MotoServer:
        return _started(self._moto)

    def _make_servers(self, java: Path, folder: Path) -> tuple[KafkaServer, DynamoDBServer, MotoServer]:
        kafka_port, dynamodb_port, moto_port = self._ports
        scratch = folder if self._keep is None else None
        kafka_jars, dynamodb_jars = self._jars.folder("kafka"), self._jars.folder("dynamodb")
        self._kafka = KafkaServer(folder / "kafka", kafka_port, java=java, jars=kafka_jars, scratch=scratch)
        self._dynamodb = DynamoDBServer(
            folder / "dynamodb", dynamodb_port, java=java, jars=dynamodb_jars, scratch=scratch, in_memory=self._keep is None
        )
        self._moto = MotoServer(folder / "moto", moto_port, scratch)
        return self._kafka, self._dynamodb, self._moto

    def _start_together(self, servers: list[Server]) -> None:
        """Returns when all answer. The first failure breaks off the others and is the one raised."""
        with ThreadPoolExecutor(max_workers=len(servers), thread_name_prefix="stack") as pool:
            starts = {pool.submit(server.start, self._cancelled): server for server in servers}
            pending = set(starts)
            failure: BaseException | None = None
            while pending:
                done, pending = wait(pending, return_when="FIRST_COMPLETED")
                for start in done:
                    error = start.exception()
                    if error is None:
                        self._on_progress(f"{starts[start].name}: ready on {starts[start].address}")
                    elif failure is None:
                        failure = error
                        self._cancelled.set()
        if failure is not None:
            raise failure

    def _open_folder(self) -> Path:
        if self._keep is None:
            return Path(tempfile.mkdtemp(prefix="mindlinks-stack-"))
        self._keep.mkdir(parents=True, exist_ok=True)
        lock = (self._keep / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StackError(
                f"The data folder {self._keep} is in use.",
                "Another stack runs on it, and two brokers on one log would destroy it.",
                "Stop that stack first, or keep this one's data in another folder.",
            ) from None
        self._folder_lock = lock
        return self._keep

    def _end(self) -> None:
        for server in (self._kafka, self._dynamodb, self._moto):
            if server is not None and self._keep is not None:
                server.stop()
            elif server is not None:
                # Nothing of it is kept, so there is nothing to close in good order.
                server.kill()
        self._kafka = self._dynamodb = self._moto = None
        if self._folder is not None and self._keep is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None
        if self._folder_lock is not None:
            self._folder_lock.close()
            self._folder_lock = None


def _started(server: ServerT | None) -> ServerT:
    if server is None:
        raise StackError("The stack is not started.", "It has no servers now.", "Start it first.")
    return server
