"""compose.yaml: valid by the Compose specification, pinned, and whole. And the provider `docker`, on a docker command that plays along."""

import json
import re
import stat
from pathlib import Path
from typing import cast

import pytest
import yaml
from jsonschema import Draft7Validator

from workers.ops.stack.docker import PORTS, DockerStack
from workers.ops.stack.interface import StackError

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMA = REPOSITORY / "tests" / "support" / "compose-spec.json"
WORKERS = ("contract", "payment", "notification", "analytics")
OWN_IMAGE = "mindlinks:local"

Service = dict[str, object]


def compose() -> dict[str, object]:
    return cast(dict[str, object], yaml.safe_load((REPOSITORY / "compose.yaml").read_text()))


def services() -> dict[str, Service]:
    return cast(dict[str, Service], compose()["services"])


def violations(document: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(document)]


def is_pinned(image: str) -> bool:
    """A tag of three numbers at least ("7.4.6-alpine" is one, "7", "latest" and none are not)."""
    return re.search(r":\d+\.\d+\.\d+(-[a-z0-9.-]+)?$", image) is not None


def test_compose_file_is_valid_by_the_specification() -> None:
    assert violations(compose()) == []


def test_the_specification_refuses_a_misspelt_key() -> None:
    document = compose()
    cast(dict[str, Service], document["services"])["kafka"]["helthcheck"] = {}
    assert any("helthcheck" in violation for violation in violations(document))


def test_every_image_is_pinned() -> None:
    images = {str(service["image"]) for service in services().values()} - {OWN_IMAGE}
    assert len(images) == 4
    assert [image for image in images if not is_pinned(image)] == []
    dockerfile = (REPOSITORY / "deploy" / "docker" / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert bases
    assert [base for base in bases if not is_pinned(base)] == []


@pytest.mark.parametrize("image", ["redis", "redis:latest", "redis:7", "redis:7.4", "redis:alpine"])
def test_an_image_that_moves_is_not_pinned(image: str) -> None:
    assert not is_pinned(image)


def test_every_worker_and_the_ingress_are_there_and_wait_for_healthy_servers() -> None:
    for name in (*WORKERS, "ingress"):
        service = services()[name]
        command = cast(list[str], service["command"])
        assert command[:3] == ["mindlinks", "run", name] if name != "ingress" else command[:2] == ["mindlinks", "ingress"]
        conditions = {needed: rule["condition"] for needed, rule in cast(dict[str, dict[str, str]], service["depends_on"]).items()}
        assert conditions == {
            "kafka": "service_healthy",
            "dynamodb": "service_healthy",
            "moto": "service_healthy",
            "redis": "service_healthy",
            "setup": "service_completed_successfully",
        }


def test_every_server_has_a_health_check_and_publishes_on_the_loopback_address_only() -> None:
    for name in ("kafka", "dynamodb", "moto", "redis"):
        assert "test" in cast(dict[str, object], services()[name]["healthcheck"])
    published = [port for service in services().values() for port in cast(list[str], service.get("ports", []))]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_provider_docker_asks_for_ports_that_are_published() -> None:
    for name, port in PORTS.items():
        assert any(published.endswith(f":{port}") for published in cast(list[str], services()[name]["ports"]))


def play_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, *, up_exit_code: int = 0) -> Path:
    """A docker command that answers as an engine's would and writes its calls to the file returned."""
    calls = folder / "calls"
    docker = folder / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {calls}\n'
        'case "$*" in\n'
        f'  *" up "*) echo "no such image" >&2; exit {up_exit_code} ;;\n'
        '  *"port kafka"*) echo 0.0.0.0:9092 ;;\n'
        '  *"port dynamodb"*) echo 127.0.0.1:8001 ;;\n'
        '  *"port moto"*) echo 127.0.0.1:5000 ;;\n'
        "esac\n"
    )
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return calls


def test_provider_docker_starts_waits_and_reads_the_published_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = play_docker(tmp_path, monkeypatch)
    endpoints = DockerStack().start_sync()
    assert (endpoints.kafka, endpoints.dynamodb, endpoints.aws) == ("127.0.0.1:9092", "http://127.0.0.1:8001", "http://127.0.0.1:5000")
    assert any("up -d --wait kafka dynamodb moto" in call for call in calls.read_text().splitlines())


def test_provider_docker_takes_down_what_did_not_come_up_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = play_docker(tmp_path, monkeypatch, up_exit_code=1)
    with pytest.raises(StackError, match="no such image"):
        DockerStack().start_sync()
    assert calls.read_text().splitlines()[-1].endswith("down -v --timeout 5")


def test_provider_docker_says_that_no_engine_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    obstacle = DockerStack().why_not()
    assert obstacle is not None
    assert "does not answer" in obstacle.happened
    assert "MINDLINKS_STACK=local" in obstacle.remedy


def test_provider_docker_says_that_there_is_no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="No docker command"):
        DockerStack().start_sync()
