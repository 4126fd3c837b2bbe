"""What the measure of searches plants is what an archive would have, and what it asks is found."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from random import Random  # noqa: TID251 - the same questions in every run
from typing import Any

import pytest

from accounts.actors import Actor
from archive import dataset, ingest, query
from archive.dicomweb import parameters
from archive.models import Instance, Patient, Series, Study
from bench import invented, loading, planted_archive, tiny
from bench.works import qido
from tests.conftest import Installation

STUDIES = 90
RANDOM = {"id", "owner", "key", "key_id", "wrapped", "epoch", "patient", "study", "series", "pack", "created_at"}
"""What no two rows have alike: names of keys and rows, and when."""

NOT_THERE = {"first_received_at", "last_received_at", "received_at", "offset", "length", "size", "dataset_offset"}
"""What only a stored object has, and how large it is."""


@pytest.mark.both_databases
def test_a_planted_study_leaves_the_rows_that_a_stored_one_does(
    installation: Installation, modality: Any, actor_of: Callable[[Any], Actor]
) -> None:
    sender, arrived = actor_of(modality), datetime(2026, 3, 1, tzinfo=UTC)
    one = invented.Study(7, STUDIES)
    ingest.store(sender, tiny.part10(one))
    stored = {model: rows(model) for model in loading.ORDERS}
    facts = dataset.facts(tiny.part10(one))
    made = planted_archive.rows([planted_archive.admitted(sender, facts, arrived)], sender.audiences[1:])
    planted = {model: [told(model, row) for row in found] for model, found in made.items()}
    for model in loading.ORDERS:
        assert sorted(map(repr, planted[model])) == sorted(map(repr, stored[model])), model


def rows(model: Any) -> list[dict[str, Any]]:
    return [told(model, row) for row in model.objects.all()]


def told(model: Any, row: Any) -> dict[str, Any]:
    """A row but for what is random in it; of a sealed cell, how long it is."""
    found = {}
    for field in model._meta.concrete_fields:
        if field.name == "name" or field.name in RANDOM | NOT_THERE:
            continue
        value = getattr(row, field.attname)
        if field.name in ("description", "referring", "performing", "name_digest", "birth_date_digest"):
            value = bool(value)
        value = int(value) if isinstance(value, IntEnum) else value
        found[field.name] = len(value) if isinstance(value, bytes | memoryview) else str(value)
    return found


@pytest.mark.both_databases
def test_what_is_planted_is_found_and_opens(
    installation: Installation, actor_of: Callable[[Any], Actor], radiologist: Any, tmp_path: Any
) -> None:
    with planted_archive.dictionary(STUDIES):
        places = loading.places(tmp_path, 2)
        for part, place in enumerate(places):
            with loading.aside(place) as put:
                for batch in planted_archive.batches(STUDIES, part, 2):
                    put(batch)
        loading.brought(places)
    assert Study.objects.count() == Series.objects.count() == Instance.objects.count() == STUDIES
    assert Patient.objects.count() == invented.patients(STUDIES)
    reader, random = actor_of(radiologist), Random(5)
    for shape in qido.SHAPES:
        path, one = qido.asked(shape, STUDIES, random)
        asked = parameters.read(path.partition("?")[2], "studies")
        found = query.studies(reader, asked.criteria(), asked.page).rows
        assert found, shape
        if "offset" not in path:
            row = next(row for row in found if row.uid == one.uid)
            assert (row.patient_name, row.patient_id, row.accession_number, row.description, row.referring) == (
                one.patient.name,
                one.patient.id,
                one.accession,
                one.description,
                one.referring,
            )
