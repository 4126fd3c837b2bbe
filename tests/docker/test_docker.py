"""No engine runs here; so the image and the compose file are held against the project's own commands and settings."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands, load_command_class

from pacs.names import NAMES
from pacs.serve import SERVERS
from tests.house import REGISTRIES

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"].startswith("custos")}
ENV_EXAMPLE = (ROOT / "docker" / ".env.example").read_text()


def runs(arguments: list[str]) -> None:
    """Fail unless manage.py understands these arguments."""
    name, *rest = arguments
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    parser.parse_args(rest)


def test_every_role_has_its_service_and_every_command_is_one_of_ours() -> None:
    assert set(OURS) == {*SERVERS, "setup"} - {"all"}
    for service in OURS.values():
        runs(service["command"])


def test_every_health_check_asks_a_command_of_ours_for_its_own_role() -> None:
    for name, service in OURS.items():
        if name == "setup":
            continue
        kind, python, manage, *arguments = service["healthcheck"]["test"]
        assert (kind, python, manage) == ("CMD", "python", "manage.py")
        assert arguments == ["healthy", name]
        runs(arguments)


def test_the_image_starts_and_is_asked_through_commands_of_ours() -> None:
    assert re.search(r'^ENTRYPOINT \["python", "manage.py"\]$', DOCKERFILE, re.M)
    for line in re.findall(r"^(?:CMD|HEALTHCHECK.*CMD) (\[.*\])$", DOCKERFILE, re.M):
        words = yaml.safe_load(line)
        runs([word for word in words if word not in ("python", "manage.py")])


@pytest.mark.parametrize("text", [DOCKERFILE, (ROOT / "docker" / "compose.yml").read_text(), ENV_EXAMPLE])
def test_every_setting_that_is_named_exists(text: str) -> None:
    named = {name.removesuffix("_FILE") for name in re.findall(r"PACS_[A-Z0-9_]+", text)}
    assert named <= NAMES


def test_every_variable_that_compose_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(PACS_[A-Z0-9_]+)", (ROOT / "docker" / "compose.yml").read_text()))
    assert asked == set(re.findall(r"^(PACS_[A-Z0-9_]+)=", ENV_EXAMPLE, re.M))


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_service_is_read_only_and_without_privileges(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert name == "setup" or service["healthcheck"]["test"]
    assert not service.get("privileged")
    assert ":latest" not in service["image"] or service["image"] == "custos:latest"


def test_the_program_runs_as_the_same_nobody_in_the_image_and_in_compose() -> None:
    uid = re.search(r"--uid (\d+)", DOCKERFILE)
    assert uid is not None
    assert int(uid.group(1)) >= 1000
    assert {service["user"] for service in OURS.values()} == {f"{uid.group(1)}:{uid.group(1)}"}
    assert re.search(r"^USER custos$", DOCKERFILE, re.M)
    assert DOCKERFILE.rindex("USER custos") > DOCKERFILE.rindex("FROM ")


def test_ports_are_those_of_the_settings_and_only_doors_are_published() -> None:
    ports = {settings.PACS_WEB_PORT, settings.PACS_DICOM_PORT, settings.PACS_DICOM_TLS_PORT}
    exposed = re.search(r"^EXPOSE (.*)$", DOCKERFILE, re.M)
    assert exposed is not None
    assert {int(port) for port in exposed.group(1).split()} == ports
    published = {name: service.get("ports", []) for name, service in COMPOSE["services"].items()}
    assert {name for name, found in published.items() if found} == {"web", "dimse"}
    assert {int(p.split(":")[1]) for found in published.values() for p in found} == ports


def test_what_the_image_writes_to_are_volumes_and_the_key_is_not_with_the_data() -> None:
    volumes = set(yaml.safe_load(re.search(r"^VOLUME (.*)$", DOCKERFILE, re.M).group(1)))  # type: ignore[union-attr]
    for service in OURS.values():
        assert {mount.split(":")[1] for mount in service["volumes"]} == volumes
    data = re.search(r"PACS_DATA_DIR=(\S+)", DOCKERFILE).group(1)  # type: ignore[union-attr]
    key = re.search(r"PACS_KEK_URL=file:(\S+)", DOCKERFILE).group(1)  # type: ignore[union-attr]
    assert data in volumes
    assert str(Path(key).parent) in volumes
    assert not Path(key).is_relative_to(data)


def test_every_secret_is_a_file_that_is_declared_and_only_setup_knows_the_owner() -> None:
    declared = set(COMPOSE["secrets"])
    for name, service in COMPOSE["services"].items():
        assert set(service.get("secrets", [])) <= declared
        assert ("database_migrate_url" in service.get("secrets", [])) == (name == "setup")
        for key, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD$|SECRET_KEY$|_URL$", key), f"{name} has {key} in its environment"
            if key.endswith("_FILE"):
                assert str(value).removeprefix("/run/secrets/") in service["secrets"]


def test_everything_the_image_copies_exists_and_every_room_is_in_it() -> None:
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M):
        *sources, _ = line.split()
        copied |= {source.rstrip("/") for source in sources}
    missing = {source for source in copied if not (ROOT / source).exists()}
    assert missing == set()
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert rooms | {"templates", "static", "locale"} <= copied


def test_nothing_names_a_registry() -> None:
    whole = DOCKERFILE + (ROOT / "docker" / "compose.yml").read_text()
    assert not [host for host in REGISTRIES if host in whole]
    images = [*re.findall(r"^FROM (\S+)", DOCKERFILE, re.M), *(s["image"] for s in COMPOSE["services"].values())]
    assert all(re.fullmatch(r"[a-z]+:[\w.-]+", image) for image in images)
