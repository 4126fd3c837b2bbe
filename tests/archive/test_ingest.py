"""The way in, from one object to many, and what stands in the archive afterwards."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from accounts import gate
from accounts.errors import Forbidden
from accounts.models import Access
from archive import ingest, keys, packs
from archive.columns import cell_name
from archive.errors import Malformed, Mismatch, Unavailable, Unwanted
from archive.models import Instance, Job, Pack, Patient, Study, StudyKey
from audit.actions import Action
from audit.models import AuditEvent
from tests import builders, forking
from vault.objects import Kind, instance_slots

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]


@pytest.fixture
def sender(modality: Any, actor_of: Actors) -> Any:
    """The CT as it sends."""
    return actor_of(modality)


def opened(actor: Any, instance: Instance) -> bytes:
    """The file of an instance as the archive holds it."""
    receipt = gate.disclose(actor, Action.VIEW, instance.study.uid, found=True)
    slots = instance_slots(instance.study.uid, instance.series.uid, instance.uid)
    stored = packs.read(instance.pack.name, instance.offset, instance.length)
    return keys.unlock(receipt, instance.study.uid).object(
        instance.key_id, Kind.INSTANCE, instance.id, instance.generation, slots, stored
    )


def test_what_went_in_comes_out_byte_for_byte(sender: Any, radiologist: Any, actor_of: Actors) -> None:
    sent = builders.part10(builders.ct_slice())
    hostile = b"MZ" + b"\x90" * 126 + sent[128:]
    stored = ingest.store(sender, hostile)
    assert stored.status == "stored"
    assert opened(actor_of(radiologist), Instance.objects.get(uid=stored.sop_uid)) == hostile


def test_a_study_is_counted_once_for_each_instance(sender: Any) -> None:
    slices = builders.study(5)
    tickets = [ingest.submit(sender, builders.part10(ds)) for ds in slices]
    assert {ticket.result().status for ticket in tickets} == {"stored"}
    study = Study.objects.get()
    assert (study.instance_count, study.series_count, study.modalities, study.date) == (5, 1, "CT", "20260301")
    assert study.size == sum(Instance.objects.values_list("size", flat=True))
    assert study.series.get().instance_count == 5
    assert Patient.objects.count() == 1


def test_a_study_belongs_to_the_groups_of_its_sender(sender: Any) -> None:
    stored = ingest.store(sender, builders.part10(builders.ct_slice()))
    audiences = set(Access.objects.filter(study_uid=stored.study_uid).values_list("audience", flat=True))
    assert audiences == set(sender.audiences[1:])
    assert audiences


def test_the_cells_hold_what_was_sent_and_nothing_opens_them_without_a_receipt(
    sender: Any, radiologist: Any, actor_of: Actors
) -> None:
    identity = builders.Identity()
    stored = ingest.store(sender, builders.part10(builders.ct_slice(identity)))
    study = Study.objects.select_related("patient", "description").get()
    receipt = gate.disclose(actor_of(radiologist), Action.VIEW, stored.study_uid, found=True)
    opener = keys.unlock(receipt, stored.study_uid)
    patient = study.patient
    assert opener.text(cell_name("patient", "name_cell"), patient.id, patient.name_cell) == identity.name
    assert (
        opener.text(cell_name("patient", "patient_id_cell"), patient.id, patient.patient_id_cell) == identity.patient_id
    )
    assert opener.text(cell_name("study", "accession_cell"), study.id, study.accession_cell) == identity.accession
    phrase = study.description
    assert phrase is not None
    assert opener.text(cell_name("phrase", "value_cell"), phrase.id, phrase.value_cell) == identity.description
    with pytest.raises(Exception, match="does not cover"):
        keys.unlock(receipt, "1.2.3.4")


def test_every_acknowledged_object_is_on_record(sender: Any) -> None:
    for ds in builders.study(3):
        ingest.store(sender, builders.part10(ds))
    events = AuditEvent.objects.filter(action=Action.STORE.value)
    assert sum(events.values_list("count", flat=True)) == 3
    assert {event.actor_ae_title for event in events} == {"CT_ONE"}


def test_work_is_promised_with_the_rows(sender: Any) -> None:
    ingest.store(sender, builders.part10(builders.ct_slice()))
    series = str(Study.objects.get().series.get().id)
    assert set(Job.objects.values_list("kind", "subject")) == {
        (kind, series) for kind in ("preview", "metadata", "digest")
    }


def test_the_same_again_changes_nothing_but_the_record(sender: Any) -> None:
    sent = builders.part10(builders.ct_slice())
    ingest.store(sender, sent)
    # Another preamble and another file header around the same data set: as another path brings it.
    again = b"\x01" * 128 + sent[128:]
    assert ingest.store(sender, again).status == "same"
    assert Instance.objects.count() == 1
    assert Pack.objects.count() == 1
    assert AuditEvent.objects.filter(action=Action.DUPLICATE.value).count() == 1


@pytest.mark.flaky(reruns=1, only_rerun="RightsUnknown")  # A machine that stands still for two seconds knows no rights.
def test_eight_threads_with_one_uid_store_it_once(sender: Any) -> None:
    sent = builders.part10(builders.ct_slice(side=128))
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: ingest.store(sender, sent).status, range(8)))
    assert statuses == ["same"] * 7 + ["stored"]
    assert Instance.objects.count() == 1


def test_studies_of_one_new_patient_share_the_patient(sender: Any) -> None:
    identity = builders.Identity()
    sent = [builders.part10(builders.ct_slice(identity)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda data: ingest.store(sender, data).status, sent))
    assert statuses == {"stored"}
    assert (Patient.objects.count(), Study.objects.count()) == (1, 8)
    assert StudyKey.objects.filter(scope="patient").count() == 1
    assert not Study.objects.filter(identity_differs=True).exists()


def test_another_name_under_the_same_id_is_flagged_and_findable(sender: Any) -> None:
    identity = builders.Identity()
    ingest.store(sender, builders.part10(builders.ct_slice(identity)))
    other = builders.ct_slice(identity, PatientName="OTHER^NAME")
    ingest.store(sender, builders.part10(other))
    flagged = Study.objects.get(uid=other.StudyInstanceUID)
    assert flagged.identity_differs
    assert flagged.name_cell
    assert flagged.tokens.filter(column=1).exists()
    assert not Study.objects.exclude(uid=flagged.uid).get().identity_differs
    assert Patient.objects.count() == 1


def test_an_empty_patient_id_is_a_patient_of_that_study_alone(sender: Any) -> None:
    for _ in range(2):
        ingest.store(sender, builders.part10(builders.ct_slice(PatientID="")))
    assert Patient.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"StudyInstanceUID": "../../etc/passwd"}, Malformed),
        ({"SeriesInstanceUID": "1." + "2" * 80}, Malformed),
        ({"SOPClassUID": "1.2.840.10008.1.3.10"}, Unwanted),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.31"}, Unwanted),
    ],
)
def test_what_is_not_taken_is_refused_and_on_record(sender: Any, change: dict[str, Any], error: type) -> None:
    with pytest.raises(error):
        ingest.store(sender, builders.part10(builders.ct_slice(**change)))
    assert AuditEvent.objects.filter(action=Action.REJECTED.value).count() == 1
    assert not Instance.objects.exists()
    assert not StudyKey.objects.exists()


def test_an_object_for_another_study_than_announced_is_refused(sender: Any) -> None:
    with pytest.raises(Mismatch):
        ingest.store(sender, builders.part10(builders.ct_slice()), expected_study_uid="1.2.3")


def test_a_device_bound_to_other_classes_is_refused(modality: Any, actor_of: Actors) -> None:
    from dataclasses import replace

    bound = replace(actor_of(modality), sop_classes=frozenset({"1.2.840.10008.5.1.4.1.1.4"}))
    with pytest.raises(Unwanted):
        ingest.store(bound, builders.part10(builders.ct_slice()))


def test_who_may_not_store_stores_nothing(radiologist: Any, actor_of: Actors) -> None:
    with pytest.raises(Forbidden):
        ingest.store(actor_of(radiologist), builders.part10(builders.ct_slice()))
    assert not Instance.objects.exists()


def test_a_bad_neighbour_does_not_spoil_a_flush(sender: Any) -> None:
    good = [builders.part10(ds) for ds in builders.study(4)]
    tickets = [ingest.submit(sender, data) for pair in zip(good, [b"bad"] * 4, strict=True) for data in pair]
    statuses = []
    for ticket in tickets:
        try:
            statuses.append(ticket.result().status)
        except Malformed:
            statuses.append("malformed")
    assert statuses == ["stored", "malformed"] * 4


def test_an_object_that_no_code_foresaw_fails_alone(sender: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from archive import index

    slices = [builders.part10(ds) for ds in builders.study(6)]
    made = index.instance

    def instance(facts: Any, *rest: Any) -> dict[str, Any]:
        if facts.number("number") == 3:
            raise ArithmeticError
        return made(facts, *rest)

    monkeypatch.setattr(index, "instance", instance)
    tickets = [ingest.submit(sender, data) for data in slices]
    said = []
    for ticket in tickets:
        try:
            said.append(ticket.result().status)
        except Unavailable:
            said.append("unavailable")
    assert said == ["stored", "stored", "unavailable", "stored", "stored", "stored"]
    assert Study.objects.get().instance_count == 5


def test_nothing_is_acknowledged_while_the_record_cannot_be_written(
    sender: Any, unwritable: Callable[[bool], None]
) -> None:
    from audit.errors import LogUnavailable

    sent = builders.part10(builders.ct_slice())
    unwritable(True)
    with pytest.raises(LogUnavailable):
        ingest.store(sender, sent)
    connections["default"].close()
    assert not Instance.objects.exists()
    assert not Study.objects.exists()
    assert not Patient.objects.exists()
    unwritable(False)
    assert ingest.store(sender, sent).status == "stored"


@pytest.fixture
def unwritable(installation: Any) -> Callable[[bool], None]:
    """Make the audit table refuse every row, or take it back."""
    from django.db import connection

    def switch(on: bool) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(
                    "CREATE TRIGGER broken BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'full'); END"
                    if on
                    else "DROP TRIGGER broken"
                )
            else:
                verb = "ADD CONSTRAINT broken CHECK (false) NOT VALID" if on else "DROP CONSTRAINT broken"
                cursor.execute(f"ALTER TABLE audit_event {verb}")

    return switch


def test_a_forked_child_stores_with_a_writer_and_packs_of_its_own(sender: Any) -> None:
    slices = [builders.part10(ds) for ds in builders.study(4)]
    ingest.store(sender, slices[0])
    # After this answer the writer has nothing to note of the device and rests: SQLite's locks do not survive a fork.
    ingest.store(sender, slices[0])
    connections["default"].close()

    def stores() -> bool:
        connections["default"].connection = None
        stored = ingest.store(sender, slices[1]).status == "stored"
        ingest.stop()
        return stored

    child = forking.child(stores)
    assert ingest.store(sender, slices[2]).status == "stored"
    assert forking.ended(child) == 0
    assert ingest.store(sender, slices[3]).status == "stored"
    assert Study.objects.get().instance_count == 4
    assert Pack.objects.count() == 2
    for pack in Pack.objects.all():
        assert len(list(packs.records(pack.name))) == Instance.objects.filter(pack=pack).count()
