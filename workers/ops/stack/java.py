"""The Java and the Maven that the local stack needs, found on this machine."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from workers.ops.stack.interface import StackError

LOWEST_JAVA = 17
ANSWER_SECONDS = 20.0
INSTALL_JAVA = "Install a Java runtime 17 or newer (Debian: apt install openjdk-17-jre-headless) and put it on PATH or in JAVA_HOME"


def find_java() -> Path:
    """The java of JAVA_HOME, else of PATH, proved to be 17 or newer. Raises StackError."""
    java = _java_candidate()
    if java is None:
        raise StackError(
            "No Java was found, neither in JAVA_HOME nor on PATH.",
            "The local stack runs a real Kafka broker and DynamoDB Local, both Java programs.",
            f"{INSTALL_JAVA}; or set MINDLINKS_STACK=embedded, which needs Python alone.",
        )
    answer = _answer(java)
    major = java_major(answer)
    if major is None or major < LOWEST_JAVA:
        found = f"Java {major}" if major is not None else f"of no known version ({answer.strip().splitlines()[:1]})"
        raise StackError(
            f"{java} is {found}; {LOWEST_JAVA} or newer is needed.",
            f"Kafka 4 and DynamoDB Local are compiled for Java {LOWEST_JAVA} and do not load in an older one.",
            f"{INSTALL_JAVA}.",
        )
    return java


def find_maven() -> Path:
    """The mvn of PATH. Only asked for while jars are missing. Raises StackError."""
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(
            "No Maven (mvn) was found on PATH.",
            "The jars of Kafka and DynamoDB Local are not here yet, and Maven is what downloads them (once, about 100 MB).",
            "Install Maven (Debian: apt install maven) and start again; or set MINDLINKS_STACK=embedded, which needs Python alone.",
        )
    return Path(maven)


def java_major(version_output: str) -> int | None:
    """17 for 'openjdk version "17.0.15"', 8 for 'java version "1.8.0_402"'; None if there is no version in the text."""
    found = re.search(r'version "(?:1\.)?(\d+)', version_output)
    return int(found.group(1)) if found else None


def _java_candidate() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    if home and (java := Path(home) / "bin" / "java").is_file():
        return java
    on_path = shutil.which("java")
    return Path(on_path) if on_path else None


def _answer(java: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the command is the project's own
            [java, "-version"], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr + done.stdout
