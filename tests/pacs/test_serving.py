"""The whole archive from nothing: set-up, every role under one supervisor, and starts that are refused."""

import contextlib
import http.client
import json
import os
import signal
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pacs.serving import ROOT, free_port, wait_for
from tests.pacs.test_supervisor import alive, until


@dataclass(frozen=True)
class Place:
    """An installation below a folder of its own, with ports of its own."""

    root: Path
    environ: dict[str, str]
    port: int

    def manage(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        environ = {**self.environ, **more}
        return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)

    def get(self, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Ask the web server, trusting the authority that set-up made and nobody else."""
        trusting = ssl.create_default_context(cafile=str(self.root / "keys" / "tls" / "authority.pem"))
        asked = http.client.HTTPSConnection("localhost", self.port, timeout=10, context=trusting)
        with contextlib.closing(asked):
            asked.request("GET", path)
            answer = asked.getresponse()
            return answer.status, answer.headers, answer.read()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    root = tmp_path_factory.mktemp("custos")
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PACS_")}
    environ |= {
        "PACS_DATA_DIR": str(root / "data"),
        "PACS_KEK_URL": f"file:{root / 'keys' / 'root.key'}",
        "PACS_ANCHORS": f"file:{root / 'anchors'}",
        "PACS_WEB_PORT": str(port),
        "PACS_DICOM_PORT": str(free_port()),
        "PACS_DICOM_TLS_PORT": str(free_port()),
    }
    made = Place(root, environ, port)
    ended = made.manage("setup")
    assert ended.returncode == 0, ended.stderr
    assert f"https://localhost:{port}/setup/#" in ended.stdout
    return made


def children(pid: int) -> list[int]:
    """Return the ids of every living process below this one."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


@pytest.fixture
def served(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "manage.py", "serve", "all"]
    process = subprocess.Popen(command, cwd=ROOT, env=place.environ, start_new_session=True)
    try:
        wait_for(place.port, process, seconds=60)
        wait_for(int(place.environ["PACS_DICOM_PORT"]), process, seconds=60)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(40)


def test_nothing_that_set_up_makes_can_be_read_by_others(place: Place) -> None:
    for path in (place.root / "data", place.root / "keys", place.root / "anchors"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    files = [path for path in place.root.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if path.stat().st_mode & 0o077] == []


def test_setting_up_again_changes_no_key_and_prints_another_link(place: Place) -> None:
    keys = {path: path.read_bytes() for path in (place.root / "keys").rglob("*") if path.is_file()}
    again = place.manage("setup", "link")
    assert again.returncode == 0
    assert "/setup/#" in again.stdout
    assert place.manage("setup", "--no-link").returncode == 0
    assert {path: path.read_bytes() for path in (place.root / "keys").rglob("*") if path.is_file()} == keys


def test_a_lost_root_key_is_never_replaced(place: Place) -> None:
    key, aside = place.root / "keys" / "root.key", place.root / "aside"
    key.rename(aside)
    try:
        ended = place.manage("setup")
        assert ended.returncode != 0
        assert "PACS_KEK_URL" in ended.stderr
        assert not key.exists()
    finally:
        aside.rename(key)


def test_unsafe_settings_refuse_the_start_all_at_once_each_by_its_name(place: Place) -> None:
    unsafe = {
        "PACS_HOSTS": ("*", "custos.E007"),
        "PACS_BIND": ("0.0.0.0", "custos.E010"),
        "PACS_ANCHORS": (f"file:{place.root}/data/anchors", "custos.E012"),
        "PACS_FUOR_EYES": ("on", "custos.E014"),
        "PACS_SECRET_KEY": ("change-me", "custos.E009"),
        "PACS_KEK_URL": ("file:/nowhere/root.key", "custos.E001"),
        "PACS_TLS": ("off", "custos.E006"),
    }
    ended = place.manage("serve", "scheduler", **{name: value for name, (value, _) in unsafe.items()})
    assert ended.returncode == os.EX_CONFIG
    lines = ended.stderr.splitlines()
    for name, (_, code) in unsafe.items():
        assert [line for line in lines if line.startswith(code) and name in line], name
    assert "Traceback" not in ended.stderr


def test_a_setting_that_cannot_be_read_refuses_every_command(place: Place) -> None:
    ended = place.manage("serve", "web", PACS_WEB_PORT="eighty")
    assert ended.returncode == os.EX_CONFIG
    assert ended.stderr.startswith("PACS_WEB_PORT")


def test_a_root_key_of_another_installation_is_refused(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "root.key"
    made = f"from pathlib import Path; from keystore import roots; roots.create_file(Path({str(other)!r}))"
    setting = {**place.environ, "DJANGO_SETTINGS_MODULE": "pacs.settings"}
    subprocess.run([sys.executable, "-c", made], cwd=ROOT, env=setting, check=True)
    ended = place.manage("serve", "web", PACS_KEK_URL=f"file:{other}", PACS_SECRET_KEY="q7Zr-T1wLx0vGm3KdPfJ8sYbN5" * 3)
    assert ended.returncode == os.EX_CONFIG
    assert "PACS_KEK_URL" in ended.stderr


def test_every_role_serves_survives_a_kill_and_ends_together(place: Place, served: subprocess.Popen[bytes]) -> None:
    assert place.get("/readyz")[0] == 200
    status, headers, _ = place.get("/studies/")
    assert (status, headers["Location"].partition("?")[0]) == (302, "/sign-in/")
    assert place.get("/dicom-web/studies")[0] == 401
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert place.manage("healthy").returncode == 0

    running = children(served.pid)
    assert len(running) >= 6
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    until(lambda: place.manage("healthy").returncode == 0, seconds=60)

    running = children(served.pid)
    served.send_signal(signal.SIGTERM)
    assert served.wait(40) == 0
    assert not any(alive(pid) for pid in running)
    assert place.manage("healthy", "web").returncode == 1


def test_every_line_of_the_servers_is_json(place: Place) -> None:
    command = [sys.executable, "manage.py", "serve", "scheduler"]
    process = subprocess.Popen(command, cwd=ROOT, env=place.environ, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    process.terminate()
    _, rest = process.communicate(timeout=30)
    # Until its start is on record it may be ended like any program; after that it ends between two ticks.
    assert process.returncode in (0, -signal.SIGTERM)
    for line in (first + rest).splitlines():
        assert json.loads(line)["logger"]
