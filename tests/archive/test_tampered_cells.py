"""Sealed cells changed, swapped between rows or moved to another column do not open: nobody sees one patient's words
beside another's, and people are told."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models import Model

from accounts import epoch
from accounts.actors import Actor
from archive import ingest, keyring, openers, query
from archive.errors import Damaged
from archive.models import Patient, Phrase, Study, StudyKey
from archive.openers import Bunch, CellOpener
from archive.query import Criteria, Page
from audit.models import Alert
from tests import builders
from vault import cells

CELLS: list[tuple[type[Model], str]] = [
    *((Patient, name) for name in ("name_cell", "patient_id_cell", "issuer_cell", "birth_date_cell", "sex_cell")),
    *((Study, name) for name in ("accession_cell", "study_id_cell")),
    (Phrase, "value_cell"),
]
MANY = [pytest.param(*one, id=f"{one[0].__name__.lower()}.{one[1]}") for one in CELLS]


@pytest.fixture
def two(modality: Any, radiologist: Any, actor_of: Callable[[Any], Actor]) -> tuple[Actor, list[builders.Identity]]:
    """Two stored studies of two patients, and who may read both."""
    identities = [builders.Identity(), builders.Identity()]
    for who in identities:
        ingest.store(actor_of(modality), builders.part10(builders.ct_slice(who)))
    return actor_of(radiologist), identities


def shown(reader: Actor) -> str:
    """Everything that the study list gives, or nothing where it refuses."""
    try:
        return repr(query.studies(reader, Criteria(), Page()).rows)
    except Damaged:
        return ""


def rows(table: type[Model]) -> list[Any]:
    if table is Phrase:
        return [row.description for row in Study.objects.select_related("description").order_by("pk")]
    return list(table._default_manager.order_by("pk"))


def write(row: Any, cell: str, value: bytes) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**{cell: value})


@pytest.mark.both_databases
@pytest.mark.parametrize(("table", "cell"), MANY)
def test_a_cell_of_another_row_does_not_open(
    two: tuple[Actor, list[builders.Identity]], table: type[Model], cell: str
) -> None:
    reader, _ = two
    assert shown(reader)
    first, second = rows(table)
    one, other = bytes(getattr(first, cell)), bytes(getattr(second, cell))
    assert one
    assert other
    write(first, cell, other)
    write(second, cell, one)
    assert shown(reader) == ""
    assert Alert.objects.filter(kind="damaged").exists()


@pytest.mark.parametrize(("table", "cell"), MANY)
@pytest.mark.parametrize("at", [0, 8, 9, 12, 28, 44, 48, 72, 104, -1])
def test_one_flipped_bit_in_any_field_of_a_cell_is_damage(
    two: tuple[Actor, list[builders.Identity]], table: type[Model], cell: str, at: int
) -> None:
    reader, _ = two
    row = rows(table)[0]
    value = bytearray(getattr(row, cell))
    value[at] ^= 1
    write(row, cell, bytes(value))
    assert shown(reader) == ""
    assert Alert.objects.filter(kind="damaged").exists()


@pytest.mark.parametrize(
    ("table", "cell", "into"),
    [(Patient, "name_cell", "patient_id_cell"), (Patient, "patient_id_cell", "name_cell"),
     (Study, "accession_cell", "study_id_cell")],
)  # fmt: skip
def test_a_cell_does_not_open_in_another_column_of_its_own_row(
    two: tuple[Actor, list[builders.Identity]], table: type[Model], cell: str, into: str
) -> None:
    reader, _ = two
    row = rows(table)[0]
    write(row, into, bytes(getattr(row, cell)))
    assert shown(reader) == ""
    assert Alert.objects.filter(kind="damaged").exists()


@pytest.fixture
def serving(installation: Any) -> Iterator[None]:
    """A process that serves, and so remembers for a minute what its lists showed."""
    openers._TEXTS.forget()
    epoch.start()
    yield
    epoch.stop()
    openers._TEXTS.forget()


@pytest.mark.usefixtures("serving")
@pytest.mark.parametrize(("table", "cell"), MANY[:-1])
def test_what_a_list_showed_a_moment_ago_hides_no_change(
    two: tuple[Actor, list[builders.Identity]], table: type[Model], cell: str
) -> None:
    reader, _ = two
    before = shown(reader)
    assert before
    assert shown(reader) == before
    first, second = rows(table)
    one, other = bytes(getattr(first, cell)), bytes(getattr(second, cell))
    write(first, cell, other)
    write(second, cell, one)
    assert shown(reader) == ""


@pytest.mark.usefixtures("serving")
def test_what_a_list_showed_is_not_told_to_who_has_not_the_key(two: tuple[Actor, list[builders.Identity]]) -> None:
    reader, _ = two
    assert shown(reader)
    row = rows(Patient)[0]
    with pytest.raises(Damaged):
        CellOpener(Bunch({}, frozenset()), tells=False).text("patient.name_cell", row.id, row.name_cell)


@pytest.mark.usefixtures("serving")
def test_a_list_seen_a_moment_ago_is_not_seen_again_without_its_key(
    two: tuple[Actor, list[builders.Identity]],
) -> None:
    reader, _ = two
    assert shown(reader)
    StudyKey.objects.filter(pk=StudyKey.objects.filter(scope="patient")[0].pk).update(subject="destroyed")
    assert shown(reader) == ""


@pytest.mark.usefixtures("serving")
def test_a_list_that_is_looked_at_again_opens_nothing_again(
    two: tuple[Actor, list[builders.Identity]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, who = two
    before = shown(reader)
    assert all(one.name in before for one in who)

    def opened(*_: object) -> bytes:
        raise AssertionError("a cell was opened again")

    monkeypatch.setattr(cells, "unseal_under", opened)
    assert shown(reader) == before


@pytest.mark.both_databases
@pytest.mark.parametrize("scope", ["study", "patient"])
def test_a_wrapped_key_that_was_changed_is_damage_that_people_are_told_of(
    two: tuple[Actor, list[builders.Identity]], scope: str
) -> None:
    reader, _ = two
    row = StudyKey.objects.filter(scope=scope).order_by("id")[0]
    value = bytearray(row.wrapped)
    value[-1] ^= 1
    write(row, "wrapped", bytes(value))
    keyring.forget()
    shown(reader)
    assert "does not open" in Alert.objects.get(kind="damaged", subject=str(row.id)).message
