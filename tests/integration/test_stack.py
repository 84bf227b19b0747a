"""The provider `local` on real servers: it starts, keeps, restarts and ends them, and says clearly what stands in its way."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from workers.ops.stack import Endpoints, LocalStack, Provider, StackError, asked_provider, choose, provider_named, running_stack
from workers.ops.stack.jars import Jars
from workers.ops.stack.java import java_major
from workers.ops.stack.ports import EPHEMERAL_RANGE, free_port, is_free, is_listening

REPOSITORY = Path(__file__).resolve().parents[2]
TOPIC = "stack-probe"


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether it comes to hold before the deadline."""
    deadline = time.monotonic() + seconds
    never = Event()
    while not holds():
        if time.monotonic() > deadline:
            return False
        never.wait(0.05)
    return True


def make_topic(kafka: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(30)


async def produce(kafka: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        await producer.send_and_wait(TOPIC, value)


async def consume(kafka: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(
        TOPIC, bootstrap_servers=kafka, auto_offset_reset="earliest", group_id="probe-" + os.urandom(4).hex()
    ) as log:
        return [(await asyncio.wait_for(log.getone(), 30)).value or b"" for _ in range(count)]


def cluster_id(kafka: str) -> str:
    admin = AdminClient({"bootstrap.servers": kafka})
    return str(admin.describe_cluster().result(30).cluster_id)


def client(service: str, url: str | None) -> Any:
    """boto3 makes its clients at run time: they have no types."""
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local")


def make_table(url: str | None) -> None:
    client("dynamodb", url).create_table(
        TableName="probe",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalStack, Endpoints]]:
    """One stack on a kept folder, with one topic and one table, for the tests that leave it running."""
    stack = LocalStack(keep=tmp_path_factory.mktemp("stack"))
    endpoints = stack.start_sync()
    try:
        make_topic(endpoints.kafka)
        make_table(endpoints.dynamodb)
        yield stack, endpoints
    finally:
        stack.stop_sync()


async def test_kafka_keeps_records_cluster_and_port_over_stop_and_kill(kept: tuple[LocalStack, Endpoints]) -> None:
    stack, endpoints = kept
    first = cluster_id(endpoints.kafka)
    await produce(endpoints.kafka, b"before stop")
    stack.kafka.stop()
    assert not is_listening(stack.kafka.port)
    stack.kafka.start()
    await produce(endpoints.kafka, b"before kill")
    crashed = stack.kafka.pid
    stack.kafka.kill()
    assert crashed is not None
    assert not psutil.pid_exists(crashed)
    stack.kafka.start()
    assert await consume(endpoints.kafka, 2) == [b"before stop", b"before kill"]
    assert cluster_id(endpoints.kafka) == first


async def test_a_topic_is_never_made_by_itself(kept: tuple[LocalStack, Endpoints]) -> None:
    _, endpoints = kept
    admin = AdminClient({"bootstrap.servers": endpoints.kafka})
    admin.list_topics("misspelt", timeout=10)
    assert "misspelt" not in admin.list_topics(timeout=10).topics


def test_dynamodb_keeps_tables_over_stop_and_kill(kept: tuple[LocalStack, Endpoints]) -> None:
    stack, endpoints = kept
    for end in (stack.dynamodb.stop, stack.dynamodb.kill):
        end()
        assert not is_listening(stack.dynamodb.port)
        stack.dynamodb.start()
        assert client("dynamodb", endpoints.dynamodb).list_tables()["TableNames"] == ["probe"]


def test_moto_stands_in_for_every_other_service(kept: tuple[LocalStack, Endpoints]) -> None:
    _, endpoints = kept
    client("s3", endpoints.aws).create_bucket(Bucket="probe")
    client("ses", endpoints.aws).verify_email_identity(EmailAddress="a@example.com")
    assert client("sns", endpoints.aws).create_topic(Name="probe")["TopicArn"]
    assert client("kms", endpoints.aws).create_key()["KeyMetadata"]["KeyId"]
    assert client("ssm", endpoints.aws).put_parameter(Name="probe", Value="1", Type="String")["Version"] == 1


def test_a_kept_folder_takes_one_stack_at_a_time(kept: tuple[LocalStack, Endpoints]) -> None:
    _, endpoints = kept
    with pytest.raises(StackError, match="is in use"):
        LocalStack(keep=endpoints.data_folder).start_sync()


async def test_a_kept_folder_serves_the_next_stack_on_other_ports(tmp_path: Path) -> None:
    async with running_stack(Provider.LOCAL, keep=tmp_path) as endpoints:
        make_topic(endpoints.kafka)
        make_table(endpoints.dynamodb)
        first = cluster_id(endpoints.kafka)
        assert len(servers_on(tmp_path)) >= 4
        await produce(endpoints.kafka, b"kept")
    async with running_stack(Provider.LOCAL, keep=tmp_path) as again:
        assert cluster_id(again.kafka) == first
        assert await consume(again.kafka, 1) == [b"kept"]
        assert client("dynamodb", again.dynamodb).list_tables()["TableNames"] == ["probe"]
    assert servers_on(tmp_path) == []


PARENT = """
import sys
from workers.ops.stack import LocalStack
stack = LocalStack()
endpoints = stack.start_sync()
print(stack.kafka.pid, stack.dynamodb.pid, stack.moto.pid, endpoints.data_folder, flush=True)
sys.stdin.read()
"""


def start_parent() -> tuple[subprocess.Popen[str], list[psutil.Process], Path]:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert parent.stdout is not None
    *pids, folder = parent.stdout.readline().split()
    watchdogs = psutil.Process(parent.pid).children()
    return parent, [psutil.Process(int(pid)) for pid in pids] + watchdogs, Path(folder)


def test_servers_and_their_data_go_when_the_parent_is_killed() -> None:
    parent, processes, folder = start_parent()
    assert len(processes) == 6
    assert all(process.is_running() for process in processes)
    assert folder.is_dir()
    parent.kill()
    parent.communicate()
    assert eventually(lambda: not any(is_alive(process) for process in processes))
    assert eventually(lambda: not folder.exists())


def test_a_server_goes_when_its_watchdog_is_killed(tmp_path: Path) -> None:
    stack = LocalStack(keep=tmp_path)
    stack.start_sync()
    try:
        assert stack.moto.pid is not None
        moto = psutil.Process(stack.moto.pid)
        watchdog = moto.parent()
        assert watchdog is not None
        watchdog.send_signal(signal.SIGKILL)
        assert eventually(lambda: not is_alive(moto))
        assert eventually(lambda: not stack.moto.running)
    finally:
        stack.stop_sync()


def test_ctrl_c_in_the_terminal_leaves_the_servers_to_their_owner(kept: tuple[LocalStack, Endpoints]) -> None:
    stack, _ = kept
    for server in (stack.kafka, stack.dynamodb, stack.moto):
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)


def is_alive(process: psutil.Process) -> bool:
    """A zombie that nobody has reaped yet is dead."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def servers_on(folder: Path) -> list[psutil.Process]:
    """What still runs of a stack whose data are in that folder."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if is_alive(child) and str(folder) in " ".join(child.cmdline())]


async def test_a_cancelled_start_leaves_nothing_behind(tmp_path: Path) -> None:
    stack = LocalStack(keep=tmp_path)
    start = asyncio.create_task(stack.start())
    await asyncio.to_thread(eventually, lambda: (tmp_path / "dynamodb" / "dynamodb.log").exists())
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    await stack.stop()
    assert servers_on(tmp_path) == []


def test_a_taken_port_is_named_and_nothing_is_left() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        stack = LocalStack(kafka_port=port)
        with pytest.raises(StackError, match=f"Port {port}, asked for by kafka, is taken") as refused:
            stack.start_sync()
    assert "ss -tlnp" in refused.value.remedy
    with pytest.raises(StackError, match="not started"):
        assert stack.dynamodb


def test_a_server_that_dies_at_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=x\ndirectory.id=y\n")
    with pytest.raises(StackError, match="kafka died while it started") as died:
        LocalStack(keep=tmp_path).start_sync()
    assert "meta.properties" in died.value.meaning


def test_no_java_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="No Java was found") as refused:
        LocalStack().start_sync()
    assert "MINDLINKS_STACK=embedded" in refused.value.remedy


def test_an_old_java_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.22\" 2024-01-16' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StackError, match="is Java 11; 17 or newer is needed"):
        LocalStack().start_sync()


def fake_maven(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = folder / "mvn"
    maven.write_text(f"#!/bin/sh\n{script}\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_no_maven_is_said_while_jars_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.ops.stack.java.shutil.which", lambda _name: None)
    with pytest.raises(StackError, match=r"No Maven \(mvn\)"):
        Jars(tmp_path).resolve(("kafka",), lambda _line: None)


def test_a_failed_download_leaves_no_folder_and_shows_what_maven_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_maven(tmp_path, "echo '[ERROR] Could not transfer artifact'; exit 1", monkeypatch)
    library = tmp_path / "lib"
    with pytest.raises(StackError, match="Could not transfer artifact"):
        Jars(library).resolve(("kafka",), lambda _line: None)
    assert not [entry for entry in library.iterdir() if entry.is_dir()]


def test_a_changed_pom_resolves_anew_and_an_unchanged_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_maven(tmp_path, 'for a in "$@"; do case $a in -DoutputDirectory=*) touch "${a#*=}/a.jar";; esac; done', monkeypatch)
    pom = tmp_path / "pom.xml"
    pom.write_text("<one/>")
    lines: list[str] = []
    jars = Jars(tmp_path / "lib", pom)
    jars.resolve(("kafka",), lines.append)
    first = jars.folder("kafka")
    assert (first / "a.jar").exists()
    said = len(lines)
    jars.resolve(("kafka",), lines.append)
    assert len(lines) == said
    pom.write_text("<two/>")
    jars.resolve(("kafka",), lines.append)
    assert jars.folder("kafka") != first
    assert jars.are_here("kafka")


@pytest.mark.parametrize(
    ("text", "major"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 8), ('openjdk version "21"', 21), ("no such file", None)],
)
def test_java_major(text: str, major: int | None) -> None:
    assert java_major(text) == major


def test_free_port_is_out_of_reach_of_the_kernels_own_choice() -> None:
    port = free_port()
    assert is_free(port)
    if EPHEMERAL_RANGE.exists():
        assert port < int(EPHEMERAL_RANGE.read_text().split()[0])


def test_auto_takes_the_first_that_works_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    choice = choose(asked_provider({}))
    assert choice.stack.provider is Provider.EMBEDDED
    assert "not docker: No docker command" in choice.reason
    assert "not local: No Java" in choice.reason


def test_a_provider_asked_for_is_not_replaced_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="No Java"):
        choose(asked_provider({"MINDLINKS_STACK": "local"}))


def test_an_unknown_provider_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(StackError, match="docker, local, embedded, auto"):
        provider_named("podman")


async def test_embedded_needs_nothing() -> None:
    async with running_stack(Provider.EMBEDDED) as endpoints:
        assert endpoints == Endpoints(kafka="memory", dynamodb=None, aws=None, data_folder=None)
