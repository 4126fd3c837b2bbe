"""Rows of a search as DICOM JSON (PS3.18 Annex F and §10.6.3.3). Every level carries the attributes of those above."""

from typing import Any

from archive.query.rows import InstanceRow, SeriesRow, StudyRow

Attributes = dict[str, dict[str, Any]]


def person_name(value: str) -> dict[str, str]:
    """A person name as its groups, empty ones left out (PS3.18 §F.2.2)."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("="), strict=False)
    return {name: text for name, text in groups if text}


def _attribute(vr: str, *values: Any) -> dict[str, Any]:
    """One attribute; without a value it has no Value at all."""
    kept = [value for value in values if value not in ("", None, {})]
    return {"vr": vr, "Value": kept} if kept else {"vr": vr}


def study(row: StudyRow, root: str) -> Attributes:
    """A study; `root` is the absolute URL of the service, without a slash at its end."""
    return {
        "00080005": _attribute("CS", "ISO_IR 192"),
        "00080020": _attribute("DA", row.date),
        "00080030": _attribute("TM", row.time),
        "00080050": _attribute("SH", row.accession_number),
        "00080056": _attribute("CS", "ONLINE"),
        "00080061": _attribute("CS", *row.modalities),
        "00080090": _attribute("PN", person_name(row.referring)),
        "00081030": _attribute("LO", row.description),
        "00081190": _attribute("UR", f"{root}/studies/{row.uid}"),
        "00100010": _attribute("PN", person_name(row.patient_name)),
        "00100020": _attribute("LO", row.patient_id),
        "00100021": _attribute("LO", row.issuer),
        "00100030": _attribute("DA", row.birth_date),
        "00100040": _attribute("CS", row.sex),
        "0020000D": _attribute("UI", row.uid),
        "00200010": _attribute("SH", row.study_id),
        "00201206": _attribute("IS", row.series_count),
        "00201208": _attribute("IS", row.instance_count),
    }


def series(row: SeriesRow, root: str) -> Attributes:
    """A series with the attributes of its study."""
    own = {
        "00080021": _attribute("DA", row.date),
        "00080031": _attribute("TM", row.time),
        "00080060": _attribute("CS", row.modality),
        "0008103E": _attribute("LO", row.description),
        "00081050": _attribute("PN", person_name(row.performing)),
        "00081190": _attribute("UR", f"{root}/studies/{row.study.uid}/series/{row.uid}"),
        "0020000E": _attribute("UI", row.uid),
        "00200011": _attribute("IS", row.number),
        "00201209": _attribute("IS", row.instance_count),
    }
    return _ordered({**study(row.study, root), **own})


def instance(row: InstanceRow, root: str) -> Attributes:
    """An instance with the attributes of its series and study."""
    path = f"{root}/studies/{row.study.uid}/series/{row.series.uid}/instances/{row.uid}"
    own = {
        "00080016": _attribute("UI", row.sop_class),
        "00080018": _attribute("UI", row.uid),
        "00081190": _attribute("UR", path),
        "00083002": _attribute("UI", row.transfer_syntax),
        "00200013": _attribute("IS", row.number),
    }
    if row.rows is not None:
        own |= {
            "00280008": _attribute("IS", row.frames or None),
            "00280010": _attribute("US", row.rows),
            "00280011": _attribute("US", row.columns),
            "00280100": _attribute("US", row.bits_allocated),
        }
    return _ordered({**series(row.series, root), **own})


def _ordered(attributes: Attributes) -> Attributes:
    return dict(sorted(attributes.items()))
