"""`manage.py device enrol|revoke`: the commands of docs/OPERATIONS.md, what they leave, and where nothing is left."""

import json
import shlex
import subprocess
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import enrolment
from accounts.models import Device
from audit.models import Alert, AuditEvent
from tests.conftest import Installation
from vault import certificates


@pytest.fixture(autouse=True)
def place(installation: Installation, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.PACS_SECRETS_DIR = installation.root
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def documented(verb: str) -> list[str]:
    """The words of a command as the operations manual prints it."""
    text = (django_settings.BASE_DIR / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(f"manage.py device {verb} ")]
    return shlex.split(line)[1:]


def test_the_documented_commands_enrol_and_revoke(place: Path) -> None:
    told = run(*documented("enrol"))
    device = Device.objects.get(ae_title="CT_ONE")
    certificate = (place / "ct-one" / "certificate.pem").read_bytes()
    assert told["certificate"] == device.certificate == certificates.fingerprint(certificate)
    assert device.certificate_ends == certificates.ends(certificate)
    assert run(*documented("revoke"))["certificate"] == ""
    assert Device.objects.filter(ae_title="CT_ONE", certificate="", certificate_ends=None, only_tls=True).exists()
    for action in ("device:enrolled", "device:changed"):
        assert AuditEvent.objects.filter(action=action, outcome="ok").count() == 1


def test_the_bundle_is_closed_to_others_and_a_strict_verifier_accepts_it(place: Path) -> None:
    told = run("device", "enrol", "CT_ONE", "--into", "out")
    assert (place / "out").stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in (place / "out").iterdir()} == {
        "key.pem": 0o400,
        "certificate.pem": 0o400,
        "authority.pem": 0o400,
    }
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", told["authority_path"]]
    ended = subprocess.run([*verify, told["certificate_path"]], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_private_key_is_kept_nowhere_else(place: Path, installation: Installation) -> None:
    told = run("device", "enrol", "CT_ONE", "--into", "out")
    middle = Path(told["key_path"]).read_bytes().splitlines()[1]
    holding = [path for path in place.rglob("*") if path.is_file() and middle in path.read_bytes()]
    assert holding == [place / "out" / "key.pem"]


def test_a_folder_that_is_there_already_is_refused_and_the_certificate_before_stays(place: Path) -> None:
    before = run("device", "enrol", "CT_ONE", "--into", "out")["certificate"]
    with pytest.raises(CommandError):
        run("device", "enrol", "CT_ONE", "--into", "out")
    assert Device.objects.get(ae_title="CT_ONE").certificate == before


@pytest.mark.parametrize("verb", [("enrol", "--into", "out"), ("revoke",)])
def test_a_device_that_is_not_there_is_told_and_on_record(verb: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run("device", verb[0], "NOBODY", *verb[1:])
    assert AuditEvent.objects.filter(action="device:changed", outcome="not-found").count() == 1


def test_an_end_is_told_30_7_and_1_days_before_and_a_new_certificate_settles_it() -> None:
    run("device", "enrol", "CT_ONE", "--into", "out")
    now = timezone.now()

    def told(days: float) -> int:
        """How many open alerts there are, so long before the end, of which somebody then sees each."""
        Device.objects.filter(ae_title="CT_ONE").update(certificate_ends=now + timedelta(days=days))
        enrolment.look(now)
        enrolment.look(now)
        times = [alert.times for alert in Alert.objects.filter(kind="certificate-ends", seen_at=None)]
        # What was told is as old as the moment it was told at, seen from the next one.
        Alert.objects.filter(kind="certificate-ends", seen_at=None).update(seen_at=now)
        Alert.objects.filter(kind="certificate-ends").update(last_at=now - timedelta(days=1))
        return sum(times)

    assert [told(days) for days in (31, 29.5, 28, 6.5, 5, 0.5, -0.5)] == [0, 1, 0, 1, 0, 1, 0]


def test_a_new_certificate_settles_the_alert_and_a_device_switched_off_raises_none() -> None:
    run("device", "enrol", "CT_ONE", "--into", "out", "--days", "20")
    enrolment.tick()
    assert Alert.objects.get(kind="certificate-ends").subject == "CT_ONE"
    run("device", "enrol", "CT_ONE", "--into", "new")
    assert Alert.objects.get(kind="certificate-ends").seen_by == "enrolment"
    Device.objects.filter(ae_title="CT_ONE").update(is_active=False, certificate_ends=timezone.now())
    enrolment.look(timezone.now())
    assert Alert.objects.filter(kind="certificate-ends", seen_at=None).count() == 0
