"""Plain statements on models read and write what Django's own do."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from archive import ingest
from archive.models import Instance, Job, Patient, PatientToken, Series, Study, StudyKey
from archive.tokens import OfPatient
from audit import plain_models
from tests import builders
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases


@pytest.fixture
def stored(modality: Any, actor_of: Callable[[Any], Any]) -> Iterator[None]:
    """A study of two images, by a device."""
    for ds in builders.study(2):
        ingest.store(actor_of(modality), builders.part10(ds))
    yield
    ingest.stop()


def _values(row: Any) -> dict[str, Any]:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in values.items()}


@pytest.mark.parametrize("model", [StudyKey, Patient, Study, Series, Instance])
def test_rows_are_read_as_django_reads_them(installation: Installation, stored: None, model: Any) -> None:
    rows = list(model.objects.order_by("id"))
    assert rows
    read = plain_models.select(model, "id", [row.id for row in rows])
    assert [_values(row) for row in read] == [_values(row) for row in rows]
    assert not read[0]._state.adding


def test_rows_are_written_as_django_writes_them(installation: Installation) -> None:
    now = datetime(2026, 11, 27, 12, 30, 15, 123456, tzinfo=UTC)
    rows = [Job(kind="preview", subject=str(number), due_at=now, claimed_until=now) for number in range(3)]
    plain_models.insert(Job, rows)
    for row in rows:
        assert row.created_at is not None
        assert _values(Job.objects.get(id=row.id)) == _values(row)


def test_what_is_there_already_is_left_as_it_is_where_that_was_asked_for(installation: Installation) -> None:
    first, second = (Job(kind="preview", subject="1", due_at=datetime.now(UTC)) for _ in "12")
    plain_models.insert(Job, [first], ignore=True)
    plain_models.insert(Job, [second], ignore=True)
    assert [row.id for row in Job.objects.all()] == [first.id]
    with pytest.raises(IntegrityError), transaction.atomic():
        plain_models.insert(Job, [second])


def test_what_is_no_row_of_the_model_is_written_by_its_names(installation: Installation, stored: None) -> None:
    (patient,) = Patient.objects.all()
    many = [OfPatient(1, number, patient.id) for number in range(10_000, 11_234)]
    plain_models.insert(PatientToken, many, ignore=True)
    assert PatientToken.objects.filter(token__gte=10_000, token__lt=11_234, patient=patient).count() == 1234


def test_more_values_than_one_statement_names_are_found_all_the_same(installation: Installation) -> None:
    rows = [Job(kind="preview", subject=str(number), due_at=datetime.now(UTC)) for number in range(1100)]
    plain_models.insert(Job, rows)
    found = plain_models.select(Job, "id", {row.id for row in rows} | {uuid4()})
    assert {row.id for row in found} == {row.id for row in rows}


def test_an_update_writes_the_columns_that_are_named_and_no_others(installation: Installation, stored: None) -> None:
    (study,) = Study.objects.all()
    study.sender, study.size = "OTHER", 7
    plain_models.update(study, ["size"])
    (now,) = Study.objects.all()
    assert (now.size, now.sender == "OTHER") == (7, False)
