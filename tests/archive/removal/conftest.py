"""A study at the end of its time in the trash, and who may destroy it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import people
from accounts.models import Withdrawn
from archive import ingest, removal
from archive.models import Instance, Study, StudyKey
from tests import builders
from tests.conftest import PASSWORD, Installation

Actors = Callable[[Any], Any]


@pytest.fixture
def sender(modality: Any, actor_of: Actors) -> Any:
    return actor_of(modality)


@pytest.fixture
def keeper(installation: Installation) -> Any:
    return people.create("keeper", password=PASSWORD, roles=["keeper"], groups=[])


@dataclass(frozen=True)
class Doomed:
    """A trashed study whose delay has passed, and what is known of it from before."""

    uid: str
    sent: bytes
    identity: builders.Identity
    instance: Instance
    wrapped: dict[str, bytes]
    key_ids: set[Any]
    folder: Path


@pytest.fixture
def doomed(installation: Installation, sender: Any, technologist: Any, actor_of: Actors) -> Doomed:
    identity = builders.Identity()
    sent = builders.part10(builders.ct_slice(identity))
    stored = ingest.store(sender, sent)
    removal.trash(actor_of(technologist), stored.study_uid)
    past(stored.study_uid)
    keys = list(StudyKey.objects.all())
    instance = Instance.objects.select_related("study", "series", "pack").get(study__uid=stored.study_uid)
    return Doomed(
        stored.study_uid,
        sent,
        identity,
        instance,
        {key.scope: bytes(key.wrapped) for key in keys},
        {key.id for key in keys},
        (installation.data / "packs" / instance.pack.name).parent,
    )


def past(study_uid: str) -> None:
    """Let the delay in the trash be over."""
    Withdrawn.objects.filter(study_uid=study_uid).update(at=timezone.now() - timedelta(days=31))


def gone(doomed: Doomed) -> bool:
    """Whether nothing of the study is left in tables and packs."""
    rows = Study.objects.filter(uid=doomed.uid).exists() or StudyKey.objects.filter(id__in=doomed.key_ids).exists()
    return not rows and not doomed.folder.exists()


def raw(installation: Installation) -> bytes:
    """The bytes of the key table as they lie on disk, its journal with them."""
    if connection.vendor == "sqlite":
        return b"".join(path.read_bytes() for path in sorted(installation.data.glob("index.sqlite3*")))
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute("SELECT pg_read_binary_file(pg_relation_filepath('archive_studykey'))")
        return bytes(cursor.fetchone()[0])
