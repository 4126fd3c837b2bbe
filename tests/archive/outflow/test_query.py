"""Searching finds exactly what a person would, in scope, in order, and on record."""

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from accounts.actors import Actor
from accounts.errors import Forbidden, NotVisible
from archive import query
from archive.query import Criteria, Page, Span
from audit.models import AuditEvent, AuditListed
from tests.builders import Identity

Store = Callable[..., Dataset]

NAMES = {
    "müller": "MÜLLER^JÜRGEN",
    "strauss": "Strauß^Anna",
    "eclair": "ÉCLAIR^Zoë",
    "yamada": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "hong": "Hong^Gildong=洪^吉洞=홍^길동",
    "hyphen": "DOE-SMITH^JOHN^ALBERT^Dr",
    "doe": "DOE^JOHN",
    "istanbul": "İSTANBUL^Ali",
}

# Written as data, by what a reader of PS3.4 expects: pattern and the keys of the names it finds.
EXPECTED = [
    ("muller*", {"müller"}),
    ("MÜLLER^JÜRGEN", {"müller"}),
    ("STRAUSS*", {"strauss"}),
    ("straß*", set()),
    ("strauß^anna", {"strauss"}),
    ("*clai*", {"eclair"}),
    ("éclair^*", {"eclair"}),
    ("*山田*", {"yamada"}),
    ("山田^太郎", {"yamada"}),
    ("やまだ*", {"yamada"}),
    ("홍*", {"hong"}),
    ("DOE*", {"doe", "hyphen"}),
    ("DOE", {"doe"}),
    ("D?E^J*", {"doe"}),
    ("*SMITH*", {"hyphen"}),
    ("istanbul*", {"istanbul"}),
    ("*o*", {"doe", "hyphen", "hong", "yamada", "eclair"}),
    ("*", set(NAMES)),
    ("NOBODY*", set()),
    ("'; DROP TABLE archive_study; --", set()),
]


@pytest.fixture
def named(store: Store) -> dict[str, str]:
    """One study a name; study UID by key."""
    return {
        key: store(Identity(name=name), StudyDate=f"202601{10 + n}").StudyInstanceUID
        for n, (key, name) in enumerate(NAMES.items())
    }


@pytest.mark.both_databases
def test_names_are_found_in_every_script_and_spelling(named: dict[str, str], reader: Actor) -> None:
    for pattern, keys in EXPECTED:
        found = query.studies(reader, Criteria(patient_name=pattern), Page(100))
        assert {row.uid for row in found.rows} == {named[key] for key in keys}, pattern


@pytest.mark.parametrize(
    ("field", "attribute"),
    [
        ("patient_id", "patient_id"),
        ("accession_number", "accession"),
        ("study_id", "study_id"),
        ("description", "description"),
        ("referring", "referring"),
    ],
)
def test_each_sealed_value_is_found_whole_by_beginning_and_by_middle(
    store: Store, reader: Actor, field: str, attribute: str
) -> None:
    identity = Identity()
    wanted = store(identity).StudyInstanceUID
    store()
    value = getattr(identity, attribute)
    for pattern in (value, value.lower(), f"{value[:9]}*", f"*{value[2:8]}*", f"?{value[1:]}"):
        found = query.studies(reader, Criteria(**{field: pattern}), Page())  # type: ignore[arg-type]
        assert [row.uid for row in found.rows] == [wanted], pattern
        assert not found.scanned_out
    assert getattr(found.rows[0], field if hasattr(found.rows[0], field) else attribute) == value


def test_an_opened_row_says_what_was_sent(store: Store, reader: Actor) -> None:
    identity = Identity(name="DOE^JOHN")
    ds = store(identity)
    (row,) = query.studies(reader, Criteria(study_uids=(ds.StudyInstanceUID,)), Page()).rows
    assert (row.patient_name, row.patient_id, row.birth_date, row.sex) == (
        "DOE^JOHN",
        identity.patient_id,
        identity.birth_date,
        "O",
    )
    assert (row.date, row.time, row.modalities, row.series_count, row.instance_count) == (
        "20260301",
        "101500",
        ("CT",),
        1,
        1,
    )


def test_a_nameless_image_under_a_known_id_fishes_no_name(store: Store, reader: Actor) -> None:
    known = Identity()
    store(known)
    nameless = store(known, PatientName="", PatientBirthDate="", PatientSex="")

    row = query.study(reader, nameless.StudyInstanceUID)

    assert (row.patient_id, row.patient_name, row.birth_date, row.sex) == (known.patient_id, "", "", "")
    found = query.studies(reader, Criteria(patient_name=known.name), Page(10)).rows
    assert nameless.StudyInstanceUID not in [one.uid for one in found]
    assert len(found) == 1


def test_birth_dates_are_found_exactly_and_by_range(store: Store, reader: Actor) -> None:
    old, young = Identity(birth_date="19301231"), Identity(birth_date="19900101")
    uids = {who.birth_date: store(who).StudyInstanceUID for who in (old, young)}
    for span, wanted in (
        (Span("19301231", "19301231"), ["19301231"]),
        (Span("19310101", ""), ["19900101"]),
        (Span("", "19891231"), ["19301231"]),
        (Span("19000101", "20000101"), ["19301231", "19900101"]),
    ):
        found = query.studies(reader, Criteria(birth_date=span), Page())
        assert {row.uid for row in found.rows} == {uids[date] for date in wanted}


def test_dates_times_and_modalities_narrow(store: Store, reader: Actor) -> None:
    early = store(StudyDate="20250101", StudyTime="080000.5", Modality="MR").StudyInstanceUID
    late = store(StudyDate="20260101", StudyTime="1159", Modality="CT").StudyInstanceUID
    none = store(StudyDate="", StudyTime="").StudyInstanceUID

    def uids(**asked: object) -> set[str]:
        return {row.uid for row in query.studies(reader, Criteria(**asked), Page()).rows}  # type: ignore[arg-type]

    assert uids(study_date=Span("20250101", "20251231")) == {early}
    assert uids(study_date=Span("", "20991231")) == {early, late}
    assert uids(study_time=Span("08", "08")) == {early}
    assert uids(study_time=Span("1100", "1159")) == {late}
    assert uids(modalities=("MR", "PT")) == {early}
    assert uids() == {early, late, none}


@pytest.mark.both_databases
def test_pages_follow_each_other_without_gap_or_repetition(store: Store, reader: Actor) -> None:
    uids = [store(StudyDate=f"2026010{1 + n % 3}").StudyInstanceUID for n in range(7)]
    expected = [row.uid for row in query.studies(reader, Criteria(), Page(100)).rows]
    assert sorted(expected) == sorted(uids)
    walked: list[str] = []
    place: str | None = None
    while True:
        found = query.studies(reader, Criteria(), Page(2, after=place))
        walked += [row.uid for row in found.rows]
        if found.next is None:
            break
        store(StudyDate="20270101")  # arrives while somebody turns the pages, before what they have not seen
        place = found.next
    assert walked == expected
    by_offset = [query.studies(reader, Criteria(), Page(3, offset)).rows for offset in (3, 6, 9)]
    assert [row.uid for rows in by_offset for row in rows] == expected
    assert query.studies(reader, Criteria(), Page(3, 2**31 - 1)).rows == ()


def test_offset_counts_matches_and_not_candidates(store: Store, reader: Actor) -> None:
    for n in range(6):
        store(Identity(name="AAA^X" if n % 2 else "AAB^X"), StudyDate=f"2026010{n + 1}")
    everybody = query.studies(reader, Criteria(patient_name="A?A*"), Page(100)).rows
    assert len(everybody) == 3
    assert query.studies(reader, Criteria(patient_name="A?A*"), Page(1, 1)).rows == everybody[1:2]
    assert query.studies(reader, Criteria(patient_name="A?A*"), Page(1, 1)).more
    assert not query.studies(reader, Criteria(patient_name="A?A*"), Page(1, 2)).more


def test_a_pattern_too_open_for_the_index_stops_and_says_so(
    store: Store, reader: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.query.scan.MOST_OPENED", 4)
    monkeypatch.setattr("archive.query.scan._BATCH", 2)
    store(Identity(name="QQ^OLD"), StudyDate="20200101")
    for n in range(5):
        store(Identity(name="ZZ^NEW"), StudyDate=f"2026010{n + 1}")
    found = query.studies(reader, Criteria(patient_name="*q*"), Page())
    assert found.rows == ()
    assert found.scanned_out


def test_series_and_instances_are_found_with_what_stands_above_them(store: Store, reader: Actor) -> None:
    study, series = generate_uid(), generate_uid()
    identity = Identity()
    for number in (2, 1, 3):
        store(identity, study_uid=study, series_uid=series, number=number)
    store(identity, study_uid=study, Modality="SR", SeriesNumber=2)
    found = query.series(reader, Criteria(study_uids=(study,)), Page())
    assert [(row.modality, row.number, row.instance_count) for row in found.rows] == [("CT", 1, 3), ("SR", 2, 1)]
    assert found.rows[0].description == identity.series_description
    (only,) = query.series(
        reader, Criteria(series_description=identity.series_description[:6] + "*", modality=("CT",)), Page()
    ).rows
    assert only.study.patient_name == identity.name
    images = query.instances(reader, Criteria(series_uids=(series,)), Page())
    assert [row.number for row in images.rows] == [1, 2, 3]
    assert images.rows[0].study.accession_number == identity.accession
    assert query.instances(reader, Criteria(instance_number=2), Page()).rows[0].number == 2


def test_nothing_of_another_group_is_listed_counted_or_opened(store: Store, stranger: Actor, reader: Actor) -> None:
    identity = Identity()
    ds = store(identity)
    for criteria in (Criteria(), Criteria(patient_name=identity.name), Criteria(study_uids=(ds.StudyInstanceUID,))):
        for search in (query.studies, query.series, query.instances):
            found = search(stranger, criteria, Page())
            assert (found.rows, found.more, found.next) == ((), False, None)
    assert query.studies(reader, Criteria(), Page()).rows


def test_a_study_out_of_reach_is_refused_like_an_unknown_one_and_told_apart_in_the_record(
    store: Store, stranger: Actor
) -> None:
    hidden = store().StudyInstanceUID
    for uid, outcome in ((hidden, "denied"), (generate_uid(), "not-found")):
        for ask in (query.study, query.priors):
            with pytest.raises(NotVisible):
                ask(stranger, uid)
        assert query.series(stranger, Criteria(study_uids=(uid,)), Page()).rows == ()
        events = AuditEvent.objects.filter(study_uid=uid, actor_key=stranger.key)
        assert [event.outcome for event in events] == [outcome] * 3


def test_priors_are_the_other_studies_of_the_same_patient_in_scope(store: Store, reader: Actor) -> None:
    identity = Identity()
    new = store(identity, StudyDate="20260101").StudyInstanceUID
    old = store(identity, StudyDate="20240101").StudyInstanceUID
    store()
    assert [row.uid for row in query.priors(reader, new)] == [old]
    assert query.study(reader, new).patient_id == identity.patient_id


def test_every_search_is_on_record_with_what_it_listed(store: Store, reader: Actor) -> None:
    uids = {store().StudyInstanceUID for _ in range(3)}
    store(Identity(name="OTHER^X"), StudyDate="20000101")
    before = AuditEvent.objects.filter(action="study:search").count()
    query.studies(reader, Criteria(study_date=Span("20260101", "")), Page())
    event = AuditEvent.objects.filter(action="study:search").latest("seq")
    assert AuditEvent.objects.filter(action="study:search").count() == before + 1
    assert (event.count, event.outcome, event.actor_key) == (3, "ok", reader.key)
    assert set(AuditListed.objects.filter(log=event.log, seq=event.seq).values_list("study_uid", flat=True)) == uids


def test_who_may_not_search_is_refused(administrator: object, actor_of: Callable[[object], Actor]) -> None:
    with pytest.raises(Forbidden):
        query.studies(actor_of(administrator), Criteria(), Page())
