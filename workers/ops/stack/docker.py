"""The provider `docker`: the servers of compose.yaml, where a Docker engine answers."""

import shutil
import subprocess
from pathlib import Path

from workers.ops.stack.interface import Endpoints, Progress, Provider, Stack, StackError, silent

COMPOSE_FILE = Path(__file__).resolve().parents[3] / "compose.yaml"
# Service and the port it listens on inside; the published one is asked for after the start.
PORTS = {"kafka": 9092, "dynamodb": 8000, "moto": 5000}
ENGINE_SECONDS = 5.0
# The first start pulls images.
UP_SECONDS = 900.0
ANSWER_SECONDS = 60.0


class DockerStack(Stack):
    """Started by `docker compose up --wait`, so ready means healthy by each service's own check.

    Unlike the local provider's, these servers outlive this process if it is killed: `docker compose down -v` ends them.
    """

    provider = Provider.DOCKER

    def __init__(self, compose_file: Path = COMPOSE_FILE, on_progress: Progress = silent) -> None:
        self._compose_file = compose_file
        self._on_progress = on_progress

    def why_not(self) -> StackError | None:
        try:
            _require_engine()
            _compose_command()
        except StackError as error:
            return error
        return None if self._compose_file.is_file() else _no_compose_file(self._compose_file)

    def start_sync(self) -> Endpoints:
        if (obstacle := self.why_not()) is not None:
            raise obstacle
        self._on_progress("docker: starting " + ", ".join(PORTS))
        try:
            self._compose("up", "-d", "--wait", *PORTS, seconds=UP_SECONDS)
            kafka, dynamodb, moto = (self._published(service, port) for service, port in PORTS.items())
        except BaseException:
            self.stop_sync()
            raise
        return Endpoints(kafka, f"http://{dynamodb}", f"http://{moto}", None)

    def stop_sync(self) -> None:
        """Removes the containers and their volumes. Silent where there is no engine: then nothing runs."""
        if self.why_not() is None:
            self._compose("down", "-v", "--timeout", "5", seconds=ANSWER_SECONDS)

    def _published(self, service: str, port: int) -> str:
        address = self._compose("port", service, str(port), seconds=ANSWER_SECONDS).strip()
        return address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - nothing is bound here

    def _compose(self, *arguments: str, seconds: float) -> str:
        command = [*_compose_command(), "-f", str(self._compose_file), *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - the command is the project's own
                command, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise _compose_failed(command, f"It did not end within {seconds:.0f} s.") from None
        if done.returncode != 0:
            raise _compose_failed(command, f"It says: {done.stderr.strip()[-1500:]}")
        return done.stdout


def _require_engine() -> None:
    if shutil.which("docker") is None:
        raise StackError(
            "No docker command was found on PATH.", "The provider docker needs it.", "Install Docker, or set MINDLINKS_STACK=local."
        )
    if not _succeeds(["docker", "info", "--format", "{{.ServerVersion}}"]):
        raise StackError(
            "Docker's engine does not answer (docker info).",
            "The command is there, but no engine that could run containers.",
            "Start the engine, check that you may use it, or set MINDLINKS_STACK=local.",
        )


def _compose_command() -> list[str]:
    """The plug-in if there is one, else the older command of its own."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is not None and _succeeds([*command, "version"]):
            return command
    raise StackError(
        "Neither 'docker compose' nor 'docker-compose' works here.",
        "The provider docker starts the services of compose.yaml by it.",
        "Install Docker's Compose plug-in, or set MINDLINKS_STACK=local.",
    )


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=ENGINE_SECONDS, check=False)  # noqa: S603 - the project's own
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _no_compose_file(path: Path) -> StackError:
    return StackError(
        f"There is no {path}.",
        "The provider docker runs from a clone of the repository, where compose.yaml names its services.",
        "Run it in a clone, or set MINDLINKS_STACK to local or embedded.",
    )


def _compose_failed(command: list[str], reason: str) -> StackError:
    return StackError(
        f"'{' '.join(command)}' failed.",
        f"The services of compose.yaml are not up. {reason}",
        "If an image could not be pulled, check the network; if a port is taken, set MINDLINKS_KAFKA_PORT, MINDLINKS_DYNAMODB_PORT "
        "or MINDLINKS_MOTO_PORT; or set MINDLINKS_STACK=local.",
    )
