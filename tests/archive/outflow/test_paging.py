"""Pages of a search: whole, read in a bounded number of steps, and plain about where they stopped."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from accounts.actors import Actor
from archive import query
from archive.models import Study
from archive.query import Criteria, Page, Span
from tests.builders import Identity

Store = Callable[..., Dataset]


def test_what_no_index_has_is_looked_for_among_the_newest_and_the_answer_says_where_it_stopped(
    store: Store, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = Identity()
    old = store(who, StudyDate="20200101", StudyTime="080000").StudyInstanceUID
    new = [store(StudyDate=f"2026010{n + 1}", StudyTime="120000").StudyInstanceUID for n in range(3)]
    monkeypatch.setattr("archive.query.clear.MOST_WALKED", 3)
    monkeypatch.setattr("archive.query.clear.MOST_WALKED_BELOW", 3)
    monkeypatch.setattr("archive.query.levels.scope.has_few", lambda actor: False)
    early = Criteria(study_time=Span("08", "08"))

    stopped = query.studies(reader, early, Page())
    assert (stopped.rows, stopped.scanned_out) == ((), True)
    further = query.studies(reader, early, Page(after=stopped.next))
    assert [row.uid for row in further.rows] == [old]
    assert (further.scanned_out, further.next) == (False, None)

    narrowed = Criteria(study_time=early.study_time, patient_id=who.patient_id)
    assert [row.uid for row in query.studies(reader, narrowed, Page()).rows] == [old]
    dated = Criteria(study_time=early.study_time, study_date=Span("", "20251231"))
    assert not query.studies(reader, dated, Page()).scanned_out
    assert query.series(reader, early, Page()).scanned_out
    assert query.instances(reader, Criteria(instance_number=77), Page()).scanned_out
    assert [row.uid for row in query.studies(reader, Criteria(study_time=Span("12", "12")), Page(3)).rows] == new[::-1]


def test_as_many_studies_as_are_looked_through_are_all_that_there_are(
    store: Store, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        store(StudyTime="120000")
    monkeypatch.setattr("archive.query.clear.MOST_WALKED", 2)
    monkeypatch.setattr("archive.query.levels.scope.has_few", lambda actor: False)
    found = query.studies(reader, Criteria(study_time=Span("08", "08")), Page())
    assert (found.rows, found.scanned_out, found.next) == ((), False, None)


@pytest.mark.both_databases
@pytest.mark.parametrize("told", ["as they are", "none", "too many"])
def test_pages_of_series_and_instances_are_whole_whatever_a_study_says_of_how_many_it_has(
    store: Store, reader: Actor, told: str
) -> None:
    for number in range(3):
        study = generate_uid()
        for series in range(1 + number):
            store(study_uid=study, StudyDate=f"2026010{number + 1}", SeriesNumber=series, Modality="CT")
    if told != "as they are":
        Study.objects.update(**dict.fromkeys(("series_count", "instance_count"), 0 if told == "none" else 50))
    for search in (query.series, query.instances):
        whole = [row.uid for row in search(reader, Criteria(), Page(100)).rows]
        assert len(set(whole)) == 6
        for size in (1, 2, 4):
            paged = [row.uid for at in range(0, 8, size) for row in search(reader, Criteria(), Page(size, at)).rows]
            assert paged == whole


def test_a_page_takes_no_more_statements_for_more_studies(store: Store, reader: Actor) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            query.studies(reader, Criteria(), Page())
        return len(seen)

    store()
    query.studies(reader, Criteria(), Page())
    one = statements()
    for _ in range(3):
        store()
    query.studies(reader, Criteria(), Page())
    assert statements() == one
