"""Rows of the index opened into what people read: cells under a search receipt, each study and series once."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from archive.columns import cell_name
from archive.models import Instance, Patient, Series, Study
from archive.openers import CellOpener
from archive.query.listed import AnyPatient, AnyStudy, ListedPatient, ListedStudy
from archive.query.phrases import Phrases
from archive.query.rows import InstanceRow, SeriesRow, StudyRow


class Cells:
    """Opens the cells of one batch of rows, and remembers for that batch what it has opened."""

    def __init__(self, opener: CellOpener, phrases: Iterable[UUID] = ()) -> None:
        self._opener = opener
        self._phrases = Phrases(opener, phrases)
        self._known: dict[tuple[str, int], str] = {}
        self._studies: dict[UUID, StudyRow] = {}
        self._series: dict[UUID, SeriesRow] = {}

    def text(self, row: AnyPatient | AnyStudy, field: str) -> str:
        """One cell of a patient or a study as text, empty where there is none."""
        sealed = getattr(row, field)
        if not sealed:
            return ""
        name = cell_name(_TABLES[type(row)], field)
        # A number has its hash at hand; a page asks this a thousand times.
        place = (name, row.id.int)
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = self._opener.text(name, row.id, sealed)
        return found

    def phrase(self, phrase: UUID | None) -> str:
        """The value of a dictionary row."""
        return self._phrases.text(phrase) if phrase else ""

    def patient_name(self, study: AnyStudy) -> str:
        """The name as this study says it, else the patient's."""
        return self.text(study, "name_cell") or self._of_patient(study, "name_cell")

    def birth_date(self, study: AnyStudy) -> str:
        return self.text(study, "birth_date_cell") or self._of_patient(study, "birth_date_cell")

    def _of_patient(self, study: AnyStudy, field: str) -> str:
        """What other studies said of the patient: shown with a study that names its patient, never to one who only
        knew the id and sent an image without a name."""
        return self.text(study.patient, field) if study.named else ""

    def study(self, study: AnyStudy) -> StudyRow:
        if study.id not in self._studies:
            self._studies[study.id] = self._open_study(study)
        return self._studies[study.id]

    def _open_study(self, study: AnyStudy) -> StudyRow:
        patient = study.patient
        return StudyRow(
            uid=study.uid,
            date=study.date,
            time=study.time,
            modalities=tuple(filter(None, study.modalities.split("\\"))),
            patient_name=self.patient_name(study),
            patient_id=self.text(patient, "patient_id_cell"),
            issuer=self.text(patient, "issuer_cell"),
            birth_date=self.birth_date(study),
            sex=self._of_patient(study, "sex_cell"),
            accession_number=self.text(study, "accession_cell"),
            referring=self.phrase(study.referring_id),
            description=self.phrase(study.description_id),
            study_id=self.text(study, "study_id_cell"),
            series_count=study.series_count,
            instance_count=study.instance_count,
            first_received_at=study.first_received_at,
            last_received_at=study.last_received_at,
            held_count=study.held_count,
            same_count=study.same_count,
            identity_differs=study.identity_differs,
        )

    def series(self, series: Series) -> SeriesRow:
        if series.id not in self._series:
            self._series[series.id] = SeriesRow(
                study=self.study(series.study),
                uid=series.uid,
                modality=series.modality,
                number=series.number,
                date=series.date,
                time=series.time,
                description=self.phrase(series.description_id),
                performing=self.phrase(series.performing_id),
                instance_count=series.instance_count,
            )
        return self._series[series.id]

    def instance(self, instance: Instance) -> InstanceRow:
        return InstanceRow(
            series=self.series(instance.series),
            uid=instance.uid,
            sop_class=instance.sop_class,
            transfer_syntax=instance.transfer_syntax,
            number=instance.number,
            rows=instance.rows,
            columns=instance.columns,
            bits_allocated=instance.bits_allocated,
            frames=instance.frames,
            size=instance.size,
            received_at=instance.received_at,
            damaged=instance.damaged_at is not None,
        )


_TABLES: Final[dict[type, str]] = {Patient: "patient", ListedPatient: "patient", Study: "study", ListedStudy: "study"}
