"""A database restored from a copy forgets again what was destroyed since; a forged certificate destroys nothing."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from accounts.models import Destroyed
from archive import certificates, destruction, erasing, ingest, tasks
from archive.models import Instance, Job, Study, StudyKey
from audit import anchors
from audit.actions import Action
from audit.models import Alert, AuditEvent
from keystore import keys as keystore
from tests import services
from tests.archive.removal.conftest import Doomed, gone
from tests.archive.test_ingest import opened
from tests.conftest import Installation, _point_at, forget_everything
from vault import notes
from vault.errors import Tampered

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]

SERVE = "import django; django.setup(); from pacs import start; start.serving('worker')"


@pytest.fixture
def backup(installation: Installation, doomed: Doomed) -> Iterator[Installation]:
    """The same installation with a copy of its database, made before anything was destroyed."""
    forget_everything()
    connections["default"].close()
    if installation.database_url.startswith("sqlite"):
        copied = installation.data / "backup.sqlite3"
        shutil.copy(installation.data / "index.sqlite3", copied)
        yield Installation(installation.root, f"sqlite:{copied}")
        return
    url = services.create_database("backup", installation.database_url)
    yield Installation(installation.root, url)
    forget_everything()
    connections["default"].close()
    services.drop_database(url)


def test_a_restored_database_loses_the_key_again_before_it_serves(
    backup: Installation, doomed: Doomed, keeper: Any, actor_of: Actors
) -> None:
    destruction.destroy(actor_of(keeper), doomed.uid)
    forget_everything()
    _point_at(backup)
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2
    subprocess.run([sys.executable, "-c", SERVE], env=backup.environment, check=True, capture_output=True, timeout=60)
    assert not Study.objects.exists()
    assert not StudyKey.objects.filter(id__in=doomed.key_ids).exists()
    event = AuditEvent.objects.get(action=Action.DESTROYED)
    assert (event.study_uid, event.actor_kind, event.outcome) == (doomed.uid, "system", "ok")
    assert tasks.run(Job.objects.get(kind="destroy").id)
    assert Destroyed.objects.get().completed_at is not None
    assert gone(doomed)
    assert certificates.replay() == 0


def test_a_certificate_touches_nothing_of_the_studys_new_life(
    doomed: Doomed, sender: Any, radiologist: Any, keeper: Any, actor_of: Actors
) -> None:
    destruction.destroy(actor_of(keeper), doomed.uid)
    ingest.store(sender, doomed.sent)
    assert certificates.replay() == 0
    assert opened(actor_of(radiologist), Instance.objects.get()) == doomed.sent


def test_a_forged_certificate_is_passed_over_with_an_alert(doomed: Doomed) -> None:
    study = Study.objects.get()
    (place,) = anchors.places()
    with transaction.atomic():
        _, true = certificates.sign(study, erasing.keys_of(study), "keeper")
    name, secret = certificates.origin(), keystore.installation_key("signing").secret
    text = true.rpartition("\n\n")[0] + "\n"
    for forged in (
        notes.sign_note(name, notes.generate_signer()[0], text),
        true.replace(doomed.uid, "1.2.3"),
        notes.sign_note(name.removesuffix("/destroyed"), secret, text),
        notes.sign_note(name, secret, text.replace(name, "custos/another/destroyed")),
        notes.sign_note(name, secret, f"{name}\n[1]\n"),
    ):
        with pytest.raises(Tampered):
            certificates.read(forged)
        place.append(name, forged)
    assert certificates.replay() == 0
    assert StudyKey.objects.filter(id__in=doomed.key_ids).count() == 2
    assert Alert.objects.get(kind="certificate").times == 5
    place.append(name, true)
    assert certificates.replay() == 1
    assert not StudyKey.objects.filter(id__in=doomed.key_ids).exists()
    event = AuditEvent.objects.get(action=Action.DESTROYED)
    assert (event.study_uid, event.actor_kind, event.outcome) == (doomed.uid, "system", "ok")


def test_a_certificate_says_what_was_destroyed(doomed: Doomed) -> None:
    study = Study.objects.get()
    Instance.objects.update(sha256="ab" * 32)
    with transaction.atomic():
        identifier, note = certificates.sign(study, erasing.keys_of(study), "Kéo")
    one = certificates.read(note)
    assert (one.id, one.study_uid, set(one.keys)) == (identifier, doomed.uid, doomed.key_ids)
    assert "ab" * 32 in note
    assert str(doomed.instance.id) in note
    assert "K\\u00e9o" in note
    assert doomed.identity.name not in note
