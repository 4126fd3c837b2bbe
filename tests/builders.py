"""Synthetic DICOM objects in memory: small, valid, and each with an identity that a sweep can look for."""

from dataclasses import dataclass, field
from io import BytesIO
from secrets import choice, randbelow, token_bytes
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

CT_IMAGE = UID("1.2.840.10008.5.1.4.1.1.2")
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def word(length: int = 12) -> str:
    """Random letters that occur nowhere by chance."""
    return "".join(choice(LETTERS) for _ in range(length))


def fresh_uid() -> str:
    """A UID nobody has, as long as a UID may be, so that objects that differ in UIDs alone are of one length."""
    while len(uid := generate_uid()) < 64:
        continue
    return str(uid)


@dataclass(frozen=True)
class Identity:
    """What is sealed about a patient and a study, each a word that can be searched for."""

    name: str = field(default_factory=lambda: f"{word()}^{word()}")
    patient_id: str = field(default_factory=lambda: f"PID{word()}")
    other_id: str = field(default_factory=lambda: f"OID{word()}")
    birth_date: str = field(default_factory=lambda: f"19{10 + randbelow(80)}0{1 + randbelow(9)}1{randbelow(9)}")
    accession: str = field(default_factory=lambda: f"ACC{word()}")
    study_id: str = field(default_factory=lambda: f"SID{word(10)}")
    referring: str = field(default_factory=lambda: f"{word()}^{word()}")
    performing: str = field(default_factory=lambda: f"{word()}^{word()}")
    description: str = field(default_factory=lambda: f"{word()} {word()}")
    series_description: str = field(default_factory=lambda: f"{word()} {word()}")

    def words(self) -> list[str]:
        """Every word that must be readable nowhere (a birth date alone is too short to look for)."""
        values = [value for key, value in vars(self).items() if key != "birth_date"]
        return [part for value in values for part in value.replace("^", " ").split()]

    def stamp(self, ds: Dataset) -> Dataset:
        """Write this identity over the data set's own; return it."""
        ds.PatientName, ds.PatientID, ds.PatientBirthDate = self.name, self.patient_id, self.birth_date
        ds.OtherPatientIDs = self.other_id
        ds.AccessionNumber, ds.StudyID = self.accession, self.study_id
        ds.ReferringPhysicianName, ds.PerformingPhysicianName = self.referring, self.performing
        ds.StudyDescription, ds.SeriesDescription = self.description, self.series_description
        return ds


def ct_slice(
    identity: Identity | None = None,
    *,
    study_uid: str = "",
    series_uid: str = "",
    sop_uid: str = "",
    number: int = 1,
    side: int = 32,
    **attributes: Any,
) -> Dataset:
    """One small axial CT image with random pixels; keyword arguments overwrite attributes."""
    ds = (identity or Identity()).stamp(Dataset())
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = CT_IMAGE, sop_uid or fresh_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study_uid or fresh_uid(), series_uid or fresh_uid()
    ds.StudyDate, ds.StudyTime, ds.SeriesDate, ds.SeriesTime = "20260301", "101500", "20260301", "101600"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.PatientSex = "CT", 1, number, "O"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 2 * number], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness = [0.7, 0.7], 2
    ds.Rows = ds.Columns = side
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleSlope, ds.RescaleIntercept, ds.WindowCenter, ds.WindowWidth = 1, -1024, 40, 400
    ds.PixelData = (np.frombuffer(token_bytes(2 * side * side), dtype="<u2") & 0x0FFF).tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def study(slices: int = 3, identity: Identity | None = None, **attributes: Any) -> list[Dataset]:
    """One CT series of one new study."""
    who = identity or Identity()
    study_uid, series_uid = fresh_uid(), fresh_uid()
    return [
        ct_slice(who, study_uid=study_uid, series_uid=series_uid, number=number, **attributes)
        for number in range(1, slices + 1)
    ]


def part10(ds: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The data set as a DICOM file (PS3.10), as a client would send it by STOW-RS."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = UID(transfer_syntax)
    ds.file_meta = meta
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
