"""``python -m bench.planted_archive STUDIES``: plants an index of so many invented studies into a fresh installation.

Keys, sealed cells, search tokens and rows are made by the functions that make them when an object is stored, and are
what it would leave: every identifier is sealed under its own patient's or study's key and opens. What is not there is
the image itself: an instance's row names a pack that was never written, and neither its event nor its background work.

Two processes make rows and put them aside; one brings them into the tables, each in the order in which it would have
grown, and builds again what indexes it took away. Planting commits nothing durably: it is for measuring alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch
from uuid import uuid4

from bench import invented

if TYPE_CHECKING:
    from django.db.models import Model

    from archive.dataset import Facts
    from archive.models import StudyKey
    from archive.tickets import Admission

PROCESSES: Final = 2
BATCH: Final = 350
"""Patients whose rows are made together: about a thousand studies."""

SENDERS: Final = ("CT_ONE", "ECHO_ONE")
SYNTAX: Final = "1.2.840.10008.1.2.1"


def facts(study: invented.Study) -> "Facts":
    """What an object of this study would say of itself."""
    from archive.dataset import Facts

    who = study.patient
    texts = {
        "study_date": study.date,
        "series_date": study.date,
        "study_time": study.time,
        "series_time": study.time,
        "accession": study.accession,
        "modality": study.modality,
        "referring": study.referring,
        "description": study.description,
        "series_description": study.series_description,
        "performing": study.performing,
        "patient_name": who.name,
        "patient_id": who.id,
        "birth_date": who.birth_date,
        "sex": who.sex,
        "study_id": study.study_id,
    }
    numbers = {"series_number": 1, "number": 1, "rows": 512, "columns": 512, "bits_allocated": 16}
    uids = invented.CLASSES[study.modality], study.sop_uid, study.uid, study.series_uid
    return Facts(*uids, SYNTAX, 400, 530_000, texts=texts, numbers=numbers)


def spellings(studies: int) -> "set[tuple[Any, str]]":
    """Every spelling of the dictionary that so many studies use."""
    from archive.columns import Column

    found = set()
    for number in range(min(studies, 50_000)):
        one = invented.Study(number, studies)
        found |= {(Column.DESCRIPTION, one.description), (Column.REFERRING, one.referring)}
        found |= {(Column.SERIES_DESCRIPTION, one.series_description), (Column.PERFORMING, one.performing)}
    return found


@contextmanager
def dictionary(studies: int) -> Iterator[None]:
    """The dictionary is written first, and for as long as the block lasts nobody asks the database for a spelling."""
    from archive import phrases

    ensure = phrases.ensure
    known = ensure(spellings(studies))

    def remembered(wanted: "Iterable[tuple[Any, str]]") -> dict[Any, Any]:
        asked = [one for one in wanted if one[1]]
        known.update(ensure([one for one in asked if one not in known]))
        return {one: known[one] for one in asked}

    with patch.object(phrases, "ensure", remembered):
        yield


def admitted(sender: Any, given: "Facts", arrived: datetime) -> "Admission":
    """An object on its way in, as the writer would have it."""
    from archive import frames, sealing
    from archive.tickets import Ticket

    table = frames.encode(frames.build(b"", given))
    return sealing.admission(Ticket(sender, arrived, facts=given, table=table), given)


def rows(admissions: "list[Admission]", groups: Iterable[Any]) -> "dict[type[Model], list[Model]]":
    """Every row that objects of different studies leave, of whole patients; ``groups`` are those of the sender."""
    from accounts import scope
    from accounts.models import Access
    from archive import index, index_patients, index_studies, tokens
    from archive.models import Instance, Pack, PatientToken, StudyToken
    from archive.packs import Place

    tables: dict[type, type[Model]] = {tokens.OfPatient: PatientToken, tokens.OfStudy: StudyToken}
    found: dict[type[Model], list[Model]] = defaultdict(list)
    patients: dict[str, Any] = {}

    def keep(*made: Any) -> None:
        for row in made:
            found[tables.get(type(row), type(row))].append(row)

    theirs: dict[str, Any] = {}
    for one in admissions:
        if one.pseudonym not in theirs:
            theirs[one.pseudonym] = _key("patient", one.pseudonym, one.ticket.arrived)
            keep(theirs[one.pseudonym])
        own = _key("study", one.facts.study_uid, one.ticket.arrived)
        keep(own)
        one.study_key, one.patient_key = _name(own), _name(theirs[one.pseudonym])
        if one.pseudonym not in patients:
            patients[one.pseudonym] = index_patients._new(one)
            keep(patients[one.pseudonym], *index_patients.carried(patients[one.pseudonym], one))
        study = index_studies._new(one, patients)
        keep(*index_studies._complete(study, one))
        study.series_count = study.instance_count = 1
        study.size, study.modalities = one.facts.size, one.facts.text("modality")
        (series,) = index_studies._new_series([one], {study.uid: study}).values()
        series.instance_count = 1
        pack = Pack(study=study.id, name=f"{study.id}/{uuid4()}")
        one.place = Place(pack.id, study.id, pack.name, 0, one.facts.size + 1000)
        keep(study, series, pack, Instance(**index._instance(one, study.id, series.id)))
        date = one.facts.text("study_date")
        keep(*(Access(audience=group, study_uid=study.uid, date=date, rule=scope.BY_SENDER) for group in groups))
    return found


def _key(scope: str, subject: str, made: datetime) -> "StudyKey":
    """A key's row as `keys.ensure` makes it, held in this process's memory; nobody ends an epoch meanwhile."""
    from archive import keyring
    from archive.models import StudyKey
    from keystore import keys as keystore
    from vault.random import new_secret
    from vault.wrap import wrap

    identifier, epoch = uuid4(), keystore.current_epoch()
    wrapped = wrap(epoch.secret, epoch.id, identifier, new_secret(), slots=keyring.slots(scope, subject))
    row = StudyKey(id=identifier, owner=identifier, scope=scope, subject=subject, epoch=epoch.id, wrapped=wrapped)
    row.created_at = made
    keyring.hold(row)
    return row


def _name(row: "StudyKey") -> Any:
    from archive.keys import KeyName

    return KeyName(row.id, row.owner)


def batches(studies: int, part: int, parts: int) -> "Iterator[dict[type[Model], list[Model]]]":
    """The rows of one process's share, batch by batch."""
    from accounts import identify
    from accounts.models import Device

    senders = [
        (identify.device_actor(device, "127.0.0.1", device.ae_title), list(device.groups.values_list("id", flat=True)))
        for device in Device.objects.filter(ae_title__in=SENDERS).order_by("ae_title")
    ]
    shares: list[list[int]] = [[] for _ in senders]
    for patient in range(part, invented.patients(studies), parts):
        # Every tenth patient is another department's.
        which = 1 if patient % 10 == 3 else 0
        shares[which].append(patient)
        if len(shares[which]) == BATCH:
            yield _batch(studies, shares[which], *senders[which])
            shares[which] = []
    for share, sender in zip(shares, senders, strict=True):
        if share:
            yield _batch(studies, share, *sender)


def _batch(studies: int, share: list[int], sender: Any, groups: list[Any]) -> "dict[type[Model], list[Model]]":
    admissions = []
    for patient in share:
        for study in invented.of_patient(patient, studies):
            arrived = datetime.combine(study.day, time(20, 0, study.number % 60, study.number % 999_983), UTC)
            admissions.append(admitted(sender, facts(study), arrived))
    return rows(admissions, groups)


def _make(studies: int, part: int, parts: int, place: str) -> None:
    """One process's share, put aside."""
    from bench import loading

    with dictionary(studies), loading.aside(place) as put:
        for batch in batches(studies, part, parts):
            put(batch)


def plant(studies: int) -> None:
    """Plant so many studies by several processes; this one has an installation that the populating program peopled."""
    from bench import loading

    with dictionary(studies), tempfile.TemporaryDirectory(prefix="custos-planting-") as folder:
        places = loading.places(Path(folder), PROCESSES)
        command = [sys.executable, "-m", "bench.planted_archive", str(studies), "--part"]
        made = [subprocess.Popen([*command, json.dumps([part, PROCESSES, one])]) for part, one in enumerate(places)]
        if any([one.wait() for one in made]):
            raise RuntimeError("a process that plants has failed")
        loading.brought(places)


def main(arguments: list[str]) -> int:
    """Plant; ``--part`` is for the processes that this one starts."""
    import django

    parser = argparse.ArgumentParser(prog="python -m bench.planted_archive", description=__doc__)
    parser.add_argument("studies", type=int)
    parser.add_argument("--part", default="")
    given = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pacs.settings")
    django.setup()
    if given.part:
        _make(given.studies, *json.loads(given.part))
    else:
        plant(given.studies)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
