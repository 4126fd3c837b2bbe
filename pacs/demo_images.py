"""Synthetic studies for a demo without sample files: a ball in a box; a patient seen twice, and another one."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SIDE = 256
SLICES = 40
STUDIES = (("DOE^JANE", "DEMO-1", "19600229", "20260110"), ("DOE^JANE", "DEMO-1", "19600229", "20261015"),
           ("MARTIN^LÉA", "DEMO-2", "19821130", "20261102"))  # fmt: skip


def studies() -> Iterator[bytes]:
    """Yield every slice of every sample study as a DICOM file (PS3.10)."""
    for number, (name, patient, born, date) in enumerate(STUDIES):
        study, series, frame = (
            generate_uid(entropy_srcs=[patient, date, part]) for part in ("study", "series", "frame")
        )
        for slice_number in range(SLICES):
            ds = _identity(name, patient, born, date)
            ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
            ds.SOPInstanceUID = generate_uid(entropy_srcs=[series, str(slice_number)])
            _pixels(ds, slice_number, radius=60 + 12 * number)
            yield _file(ds)


def _identity(name: str, patient: str, born: str, date: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.Modality = CTImageStorage, "CT"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = name, patient, born, "F"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = date
    ds.StudyTime, ds.StudyID, ds.AccessionNumber, ds.SeriesNumber = "101500", "1", f"A{date}", "1"
    ds.StudyDescription, ds.SeriesDescription = "Demonstration", "Ball in a box"
    ds.ReferringPhysicianName = "REFERRING^RITA"
    return ds


def _pixels(ds: Dataset, number: int, radius: int) -> None:
    """Put one slice of the ball into the data set, in Hounsfield units shifted by 1024 (PS3.3 §C.8.2.1)."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    depth = (number - SLICES // 2) * 3
    values = np.full((SIDE, SIDE), 24, dtype="<u2")
    values[(np.abs(x) < 110) & (np.abs(y) < 110)] = 1024
    values[x * x + y * y + depth * depth < radius * radius] = 1084
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = SIDE, SIDE, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.WindowCenter, ds.WindowWidth = "-1024", "1", "40", "400"
    ds.PixelSpacing, ds.SliceThickness = ["1", "1"], "3"
    ds.ImageOrientationPatient, ds.ImagePositionPatient = ["1", "0", "0", "0", "1", "0"], ["-128", "-128", str(depth)]
    ds.InstanceNumber = number + 1
    ds.PixelData = values.tobytes()


def _file(ds: Dataset) -> bytes:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()
