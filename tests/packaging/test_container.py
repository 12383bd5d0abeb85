"""What the container's files promise each other; docker/rehearse.sh builds and runs it."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config import settings_shape
from bot.config_sources import from_environment

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")


def service() -> dict[str, Any]:
    """Return what compose.yaml says of the one container."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["deskhand"]
    return found


def test_the_build_gets_what_it_copies() -> None:
    """Each file that the Dockerfile copies from here exists, and .dockerignore lets it through."""
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [shlex.split(line)[1:-1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    sources = [source for line in copied for source in line]
    assert len(sources) > 4
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(Path(source).is_relative_to(line) for line in let_through), source


def test_the_image_listens_where_its_health_check_asks() -> None:
    """The settings in the image are settings that there are, and the published port is theirs."""
    variables = dict(re.findall(r"(DESKHAND_\w+)=(\S+)", DOCKERFILE))
    assert variables == {"DESKHAND_WEB__HOST": "0.0.0.0", "DESKHAND_WEB__PORT": "8080"}
    assert from_environment(variables, settings_shape(), "demo").findings == []
    assert service()["ports"] == ["127.0.0.1:8080:8080"]


def test_compose_gives_the_container_no_more_than_it_needs() -> None:
    """A read-only system, no capabilities, one volume, and the token as a file that is a setting."""
    given = service()
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert [volume for volume in given["volumes"] if not volume.endswith(":ro")] == ["data:/data"]
    assert given["environment"] == {"DESKHAND_TELEGRAM__TOKEN_FILE": "/run/secrets/telegram-token"}
    assert given["secrets"] == ["telegram-token"]


@pytest.mark.parametrize("path", [".ci/run", "docker/rehearse.sh"])
def test_what_is_started_by_name_can_be_started(path: str) -> None:
    """The scripts that people start are executable."""
    assert os.access(ROOT / path, os.X_OK)
