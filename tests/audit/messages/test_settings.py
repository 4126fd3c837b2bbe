"""What may be named as a collector, what the command says of it, and that the scheduler does the telling."""

import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from pytest_django import Settings

from audit import log
from audit.actions import Action
from audit.events import Event
from audit.messages import cursor
from audit.models import AuditEvent
from pacs import checks
from tests.audit.messages.collector import Collector
from tests.audit.messages.conftest import until
from tests.conftest import Installation

ROOT = Path(__file__).resolve().parents[3]
Make = Callable[..., Event]


def codes(certificates: Path, **given: str) -> set[str]:
    names = {"CA": "ca.pem", "CERT": "archive.pem", "KEY": "archive.key"}
    conf = {f"PACS_SYSLOG_{name}": str(certificates / file) for name, file in names.items()}
    conf |= {"PACS_SYSLOG_URL": "tls://collector.example.org:6514", **given}
    return {str(one.id) for one in checks.findings(SimpleNamespace(**conf), (checks.collector,))}


def test_a_collector_over_tls_with_its_files_is_sound_and_none_is_too(certificates: Path) -> None:
    assert codes(certificates) == set()
    assert codes(certificates, PACS_SYSLOG_URL="tls://[::1]:6514", PACS_SYSLOG_CERT="", PACS_SYSLOG_KEY="") == set()
    assert codes(certificates, PACS_SYSLOG_URL="", PACS_SYSLOG_CA="") == set()
    assert checks.collector in checks.RULES


@pytest.mark.parametrize(
    "url",
    [
        *("tcp://collector:514", "udp://collector:514", "collector:6514", "tls://collector", "tls://:6514", "tls:6514"),
        *("tls://collector:99999", "tls://collector:6514/x", "tls://name:word@collector:6514", "TLS//collector:6514"),
    ],
)
def test_everything_but_tls_to_a_host_and_a_port_is_refused(certificates: Path, url: str) -> None:
    assert codes(certificates, PACS_SYSLOG_URL=url) == {"custos.E040"}


def test_files_that_are_missing_half_or_of_no_use_are_found(certificates: Path, tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nothing")
    assert codes(certificates, PACS_SYSLOG_CA="") == {"custos.E041"}
    assert codes(certificates, PACS_SYSLOG_KEY="") == {"custos.E042"}
    assert codes(certificates, PACS_SYSLOG_CERT="") == {"custos.E042"}
    assert codes(certificates, PACS_SYSLOG_CA=str(nonsense)) == {"custos.E043"}
    assert codes(certificates, PACS_SYSLOG_CA=str(tmp_path / "nowhere")) == {"custos.E043"}
    assert codes(certificates, PACS_SYSLOG_KEY=str(certificates / "collector.key")) == {"custos.E043"}
    (certificates / "archive.key").chmod(0o440)
    assert codes(certificates) == {"custos.E043"}


def said(*options: str) -> str:
    out = StringIO()
    call_command("audit", "messages", *options, stdout=out)
    return out.getvalue()


@pytest.mark.both_databases
def test_the_command_says_how_far_it_is_and_begins_again_on_record(
    installation: Installation, settings: Settings, event: Make
) -> None:
    settings.PACS_SYSLOG_URL = ""
    assert "No collector" in said()
    settings.PACS_SYSLOG_URL = url = "tls://127.0.0.1:1"
    assert "not told anything yet" in said()
    log.commit([event() for _ in range(3)])
    cursor.begin(url)
    log.commit([event() for _ in range(4)])
    told = json.loads(said("--json"))
    assert (told["destination"], told["log"], told["waiting"]) == (url, 1, 4)
    assert "4 rows wait" in said()
    before = AuditEvent.objects.count()
    assert json.loads(said("--json", "--again"))["waiting"] == before + 1
    row = AuditEvent.objects.latest("log", "seq")
    assert (row.action, row.actor_kind) == (Action.LOG_EXPORTED.value, "shell")
    assert log.open_details(row) == {"form": "messages", "destination": url}
    assert cursor.of(url) == cursor.BEGINNING


@pytest.mark.rsyslog
def test_the_scheduler_tells_the_log_and_ends_at_once_when_told_to(
    installation: Installation, collector: Collector, certificates: Path, event: Make
) -> None:
    cursor.rewind(collector.url)
    log.commit([event() for _ in range(3)])
    environment = {
        **installation.environment,
        "PACS_SECRET_KEY": "q7Zr-T1wLx0_vGm3KdPfJ8sYbN5hUcE2aRoQ9iWtXzVk6MnBgHyD4lSu",
        "PACS_SYSLOG_URL": collector.url,
        "PACS_SYSLOG_CA": str(certificates / "ca.pem"),
        "PACS_SYSLOG_CERT": str(certificates / "archive.pem"),
        "PACS_SYSLOG_KEY": str(certificates / "archive.key"),
    }
    command = [sys.executable, "-c", "import django; django.setup(); from pacs import serve; serve.scheduler()"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT)
    try:
        until(lambda: len(collector.rows()) >= 3)
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
