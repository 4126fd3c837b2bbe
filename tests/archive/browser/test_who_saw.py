"""The privacy officer finds the right patient by name or number, sees nothing else, and never without a record."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts import gate
from archive import keys
from archive.models import Patient, Study
from archive.query import patients
from audit import aliases, log
from audit.actions import Action
from audit.models import AuditEvent
from tests.archive.browser.conftest import SignIn
from tests.archive.browser.reading import read
from tests.audit.planted import refused_inserts

Arrive = Callable[..., list[Dataset]]
FIND = "/record/patients/"


def pseudonym_of(dataset: Dataset) -> str:
    return Study.objects.get(uid=dataset.StudyInstanceUID).patient.pseudonym


@pytest.fixture
def officer(signed_in: SignIn, privacy_officer: Any) -> Any:
    return signed_in(privacy_officer)


def test_a_patient_is_found_by_name_and_by_number_and_nothing_of_a_study_is_told(officer: Any, arrived: Arrive) -> None:
    (mine,) = arrived(
        slices=1, PatientName="Zwilling^Ada", PatientID="Z-77", PatientBirthDate="19700102", StudyDescription="SECRET"
    )
    arrived(PatientName="Other^Bob", PatientID="B-1")
    for wanted in ("zwill", "Z-77"):
        answer = officer.post(FIND, {"wanted": wanted})
        page = read(answer.content)
        assert "Zwilling, Ada" in page.words
        assert "Other, Bob" not in page.words
        assert f"{FIND}{pseudonym_of(mine)}/" in page.addresses
        assert "SECRET" not in answer.content.decode()
        assert str(mine.StudyInstanceUID) not in answer.content.decode()
        row = AuditEvent.objects.filter(action=Action.PATIENT_REPORT).latest("seq")
        assert log.open_details(row) == {"wanted": wanted, "patients": [pseudonym_of(mine)]}
    for wanted in ("*", "?*", "z"):
        assert "No patient matches." in read(officer.post(FIND, {"wanted": wanted}).content).text
    for answer in (officer.get(f"{FIND}?wanted=zwill"), officer.get(f"{FIND}zwilling/")):
        assert "Zwilling" not in answer.content.decode()


def test_a_patient_of_two_pseudonyms_is_chosen_as_one(officer: Any, arrived: Arrive) -> None:
    first, second = (arrived(PatientName="Zwilling^Ada", PatientID=number)[0] for number in ("Z-1", "Z-2"))
    aliases.join(pseudonym_of(first), pseudonym_of(second), "merge")
    page = officer.post(FIND, {"wanted": "Zwilling"}).content.decode()
    assert len(re.findall(r'href="/record/patients/[0-9a-f]{32}/"', page)) == 1
    assert "Z-1" in page
    assert "Z-2" in page


def test_a_name_that_is_markup_stays_text(officer: Any, arrived: Arrive) -> None:
    arrived(PatientName="<script>x^=HYPERLINK", PatientID="M-1")
    page = officer.post(FIND, {"wanted": "M-1"}).content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_no_patient_is_named_when_the_record_cannot_be_written(officer: Any, arrived: Arrive) -> None:
    arrived(PatientName="Zwilling^Ada", PatientID="Z-77")
    with refused_inserts():
        answer = officer.post(FIND, {"wanted": "Zwilling"})
    assert answer.status_code == 503
    assert "Ada" not in answer.content.decode()


def test_a_study_whose_patient_has_no_number_is_reported(
    officer: Any, arrived: Arrive, actor_of: Any, radiologist: Any
) -> None:
    (nameless,) = arrived(slices=1, PatientID="", PatientName="")
    uid, pseudonym = str(nameless.StudyInstanceUID), pseudonym_of(nameless)
    gate.view(actor_of(radiologist), uid, found=True)
    page = officer.get(f"{FIND}{pseudonym}/").content.decode()
    assert uid in page
    assert "radiologist" in page


def test_studies_that_are_gone_count_and_those_of_other_patients_never(arrived: Arrive) -> None:
    (mine,), (others,) = (arrived(slices=1, PatientID=number) for number in ("A-1", "B-1"))
    said = ["1.2.3.4", str(others.StudyInstanceUID)]
    assert patients.studies_of([pseudonym_of(mine)], said) == {"1.2.3.4", str(mine.StudyInstanceUID)}


def test_cells_of_patients_open_with_their_receipt_alone(installation: Any) -> None:
    with pytest.raises(TypeError):
        keys.unlock_patients(object(), [])  # type: ignore[arg-type]
    assert not Patient.objects.exists()
