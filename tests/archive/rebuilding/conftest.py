"""An archive with a bit of everything, and an empty one elsewhere that has its key table and its packs alone."""

import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from pydicom.uid import ImplicitVRLittleEndian

from accounts.models import Device, Person
from archive import contexts, ingest, tasks
from archive.models import Held, Instance, Job, Rendition, StudyKey
from archive.rebuilding import rebuild
from archive.rebuilding.report import Rebuilt
from tests import builders, services
from tests.archive.rebuilding.reading import Index, index
from tests.archive.tending.conftest import SHELL, Archive, archive, in_bucket  # noqa: F401 - fixtures
from tests.conftest import Installation, _point_at, forget_everything

REAL = (
    "pydicom__pydicom/src/pydicom/data/test_files/image_dfl.dcm",
    "pydicom__pydicom/src/pydicom/data/test_files/SC_rgb_rle_2frame.dcm",
    "pydicom__pydicom/src/pydicom/data/test_files/JPEG2000.dcm",
)


def work() -> None:
    """Do all jobs there are, as workers would, those too that wait for quiet."""
    while Job.objects.filter(state="due").exists():
        Job.objects.filter(state="due").update(due_at=timezone.now())
        for job in Job.objects.filter(state="due").values_list("id", flat=True):
            tasks.run(job)


@dataclass
class Filled:
    """An archive and its index as it was."""

    archive: Archive
    was: Index


def fill(archive: Archive, sample_data: Path) -> None:  # noqa: F811
    """Several senders, patients, studies, series and syntaxes; a newcomer that differs and one that does not."""
    who, ct, echo = builders.Identity(), archive.modality, Device.objects.get(ae_title="ECHO_ONE")

    def store(of: Any, data: bytes) -> ingest.Stored:
        return ingest.store(archive.actor_of(of), data)

    first = builders.study(3, who)
    other = builders.ct_slice(who, study_uid=first[0].StudyInstanceUID, SeriesNumber=2, Modality="SR")
    for ds in (first[0], other, *first[1:]):
        store(ct, builders.part10(ds))
    # The same patient elsewhere, under another name; images that say what others of their study did not.
    renamed = builders.ct_slice(who, PatientName="RENAMED^PERSON", AccessionNumber="")
    store(echo, builders.part10(renamed))
    later = builders.ct_slice(who, study_uid=renamed.StudyInstanceUID, series_uid=renamed.SeriesInstanceUID)
    store(echo, builders.part10(later))
    store(ct, builders.part10(builders.ct_slice(who, study_uid=renamed.StudyInstanceUID)))
    store(ct, builders.part10(builders.ct_slice(PatientID="", PatientName="")))
    store(Person.objects.get(username="technologist"), builders.part10(builders.ct_slice()))
    for path in REAL:
        assert store(ct, (sample_data / path).read_bytes()).status == "stored"
    work()
    changed = deepcopy(first[0])
    changed.PixelData = bytes(len(changed.PixelData))
    assert store(echo, builders.part10(changed)).status == "held"
    assert store(ct, builders.part10(deepcopy(first[1]), ImplicitVRLittleEndian)).status == "held"
    elsewhere = builders.ct_slice(who, sop_uid=first[2].SOPInstanceUID)
    assert store(ct, builders.part10(elsewhere)).status == "held"
    work()
    assert set(Held.objects.values_list("state", flat=True)) == {"held", "same"}


@pytest.fixture
def filled(archive: Archive, sample_data: Path) -> Filled:  # noqa: F811
    fill(archive, sample_data)
    assert Rendition.objects.filter(kind=2).exists()
    assert Rendition.objects.filter(kind=3).exists()
    ingest.stop()
    return Filled(archive, index())


@pytest.fixture
def elsewhere(
    archive: Archive,  # noqa: F811
    templates: Callable[[str], Installation],
    database_kind: str,
    tmp_path: Path,
) -> Iterator[Callable[[], Archive]]:
    """Go on in an empty database that has but the key table, the packs at another path."""
    urls: list[str] = []

    def go() -> Archive:
        rows = list(StudyKey.objects.values())
        forget_everything()
        contexts.forget()
        template, root = templates(database_kind), tmp_path / "elsewhere"
        shutil.copytree(template.root, root)
        url = f"sqlite:{root / 'data' / 'index.sqlite3'}"
        if database_kind == "postgres":
            url = services.create_database("elsewhere", template.database_url)
            urls.append(url)
        place = Installation(root, url)
        _point_at(place)
        shutil.move(archive.place.data / "packs", tmp_path / "another place")
        settings.PACS_BLOB_URL = f"file:{tmp_path / 'another place'}"
        StudyKey.objects.bulk_create([StudyKey(**row) for row in rows])
        extra = {"PACS_BLOB_URL": settings.PACS_BLOB_URL}
        return Archive(place, archive.modality, archive.reader, archive.actor_of, archive.sent, extra)

    yield go
    if urls:
        forget_everything()
        _point_at(archive.place)
        services.drop_database(urls[0])


def run() -> Rebuilt:
    return rebuild.run(SHELL)


def file_of(row: Instance) -> Path:
    """The pack of an instance, wherever packs lie now."""
    return Path(settings.PACS_BLOB_URL.removeprefix("file:")) / f"{row.pack.name}.pack"
