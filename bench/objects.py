"""Realistic DICOM objects of any number: structure under noise, and headers as long as scanners write them.

Every UID holds ``RUN``, ten digits that a sender replaces by those of its run: the same bytes are new to an archive
each time, and no side answers from what it already has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
)

RUN: Final = b"1999999999"
ROOT: Final = f"1.2.826.0.1.3680043.8.498.{RUN.decode()}"
SIDE, SMALL = 512, 128
PRIVATE: Final = 0x0029
MULTIFRAME: Final = UID("1.2.840.10008.5.1.4.1.1.7.3")
"""Multi-frame Grayscale Word Secondary Capture Image Storage."""

PRIVATE_BYTES: Final = 2048
"""What a scanner keeps for itself in each header."""


@dataclass(frozen=True, slots=True)
class Made:
    """One object as a file: its data set begins at ``offset``."""

    sop_class: str
    sop_uid: str
    study_uid: str
    series_uid: str
    part10: bytes
    offset: int

    @property
    def dataset(self) -> memoryview:
        """What a C-STORE sends of it, in Explicit VR Little Endian."""
        return memoryview(self.part10)[self.offset :]


def run_token(run: int) -> bytes:
    """The ten digits of a run; as many as in ``RUN``."""
    return b"1%09d" % run


def renewed(data: bytes, run: int) -> bytes:
    """The same bytes under the UIDs of a run."""
    return data.replace(RUN, run_token(run))


def of_run(uid: str, run: int) -> str:
    """A UID as it is in a run."""
    return uid.replace(RUN.decode(), run_token(run).decode())


def ct(count: int = 500) -> Iterator[Made]:
    """Slices of one CT series, 512 x 512 x 16 bit."""
    for number in range(count):
        yield _made(1, 1, number, CTImageStorage, SIDE, _slice(number, SIDE), partial(_ct_words, number))


def mr(studies: int = 20, each: int = 100) -> Iterator[Made]:
    """Small MR images in so many studies: 128 x 128 x 16 bit."""
    for study in range(studies):
        for number in range(each):
            image = _slice(study * each + number, SMALL)
            yield _made(100 + study, 1, number, MRImageStorage, SMALL, image, partial(_mr_words, number))


def multiframe(count: int, frames: int) -> Iterator[Made]:
    """So many images of so many frames each, 512 x 512 x 16 bit; no two frames are alike, nor easily deflated."""
    for number in range(count):
        shown = _slice(number, SIDE)
        noise = np.random.default_rng(number).integers(0, 64, (frames, SIDE, SIDE), dtype=np.int16)
        yield _made(500 + number, 1, number, MULTIFRAME, SIDE, noise + shown, partial(_many_words, frames))


def kept(made: Iterator[Made], folder: Path) -> list[Made]:
    """The objects, written to a folder for the senders as well."""
    folder.mkdir(parents=True, exist_ok=True)
    all_of_them = list(made)
    for number, one in enumerate(all_of_them):
        (folder / f"{number:05}.dcm").write_bytes(one.part10)
    return all_of_them


def _slice(number: int, side: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    """A body with organs that change from slice to slice, and the noise of a detector."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    image = np.full((side, side), -1000.0)
    image[x**2 / 0.7 + y**2 / 0.5 < 1] = 40
    for organ in range(5):
        turn = organ * 1.3 + number / 40
        inside = (x - 0.4 * np.cos(turn)) ** 2 + (y - 0.3 * np.sin(turn)) ** 2 < 0.02 + 0.01 * organ
        image[inside] = 60 + 90 * organ
    return (image + random.normal(0, 12, image.shape)).astype(np.int16)


def _made(study: int, series: int, number: int, sop_class: str, side: int, pixels, words) -> Made:  # type: ignore[no-untyped-def]
    image = Dataset()
    _identity(image, study, series, number, sop_class)
    _geometry(image, number, side)
    words(image)
    block = image.private_block(PRIVATE, "CUSTOS BENCH", create=True)
    block.add_new(0x10, "OB", bytes(np.random.default_rng(number).integers(0, 255, PRIVATE_BYTES, dtype=np.uint8)))
    image.PixelData = pixels.tobytes()
    image["PixelData"].VR = "OW"
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    dcmwrite(out, image, enforce_file_format=True)
    part10 = out.getvalue()
    offset = 144 + int.from_bytes(part10[140:144], "little")
    return Made(sop_class, image.SOPInstanceUID, image.StudyInstanceUID, image.SeriesInstanceUID, part10, offset)


def _identity(image: Dataset, study: int, series: int, number: int, sop_class: str) -> None:
    image.SpecificCharacterSet = "ISO_IR 100"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.SOPClassUID = UID(sop_class)
    image.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number + 1}"
    image.StudyInstanceUID = f"{ROOT}.{study}"
    image.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    image.FrameOfReferenceUID = f"{ROOT}.{study}.{series}.0"
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = "20260102"
    image.StudyTime, image.SeriesTime = "101500.000", "101730.250"
    image.AcquisitionTime = image.ContentTime = f"10{20 + number // 60 % 40}{number % 60:02}.125"
    image.AccessionNumber = f"A{study:06}"
    image.Manufacturer, image.ManufacturerModelName = "BENCH MEDICAL", "Somewhere 64"
    image.InstitutionName, image.StationName = "St. Measure", "CT01"
    image.DeviceSerialNumber, image.SoftwareVersions = "4711", "syngo CT 2026A"
    image.ReferringPhysicianName, image.OperatorsName = "Referrer^Ruth", "Operator^Otto"
    image.StudyDescription, image.SeriesDescription = "CT CHEST W/O CONTRAST", "Axial 0.75 B40f"
    image.PatientName, image.PatientID = f"Bench^Person{study}", f"BENCH-{study:05}"
    image.PatientBirthDate, image.PatientSex, image.PatientAge = "19600101", "F", "066Y"
    image.PatientWeight, image.PatientSize = "70", "1.70"
    image.StudyID, image.SeriesNumber, image.InstanceNumber = str(study), series, number + 1
    image.BodyPartExamined, image.PatientPosition, image.ProtocolName = "CHEST", "HFS", "Thorax routine"
    for name in ("ReferencedStudySequence", "ProcedureCodeSequence", "RequestAttributesSequence"):
        setattr(image, name, [_reference(study, name) for _ in range(2)])


def _reference(study: int, name: str) -> Dataset:
    item = Dataset()
    if name == "ReferencedStudySequence":
        item.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
        item.ReferencedSOPInstanceUID = f"{ROOT}.{study}.9"
    else:
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "CTCHEST", "99LOCAL", "CT of the chest"
    return item


def _geometry(image: Dataset, number: int, side: int) -> None:
    image.Rows = image.Columns = side
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.PixelSpacing = ["0.703125", "0.703125"]
    image.ImagePositionPatient = ["-180", "-180", f"{number * 0.75:.2f}"]
    image.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    image.SliceThickness, image.SliceLocation = "0.75", f"{number * 0.75:.2f}"
    image.WindowCenter, image.WindowWidth = ["40", "-600"], ["400", "1500"]
    image.WindowCenterWidthExplanation = ["SOFT", "LUNG"]
    image.SmallestImagePixelValue, image.LargestImagePixelValue = -1024, 3071


def _many_words(frames: int, image: Dataset) -> None:
    image.Modality = "OT"
    image.NumberOfFrames = frames


def _ct_words(number: int, image: Dataset) -> None:
    image.Modality = "CT"
    image.KVP, image.XRayTubeCurrent, image.ExposureTime, image.Exposure = "120", 210 + number % 60, 500, 105
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = "0", "1", "HU"
    image.ConvolutionKernel, image.FilterType, image.GeneratorPower = "B40f", "FLAT", "25"
    image.ReconstructionDiameter, image.DataCollectionDiameter = "360", "500"
    image.DistanceSourceToDetector, image.DistanceSourceToPatient = "1040", "570"
    image.GantryDetectorTilt, image.TableHeight, image.RotationDirection = "0", "152", "CW"
    image.CTDIvol, image.SpiralPitchFactor = 6.4, 1.2


def _mr_words(number: int, image: Dataset) -> None:
    image.Modality = "MR"
    image.ScanningSequence, image.SequenceVariant, image.MRAcquisitionType = "SE", "SK", "2D"
    image.RepetitionTime, image.EchoTime, image.FlipAngle = f"{500 + number}", "14", "90"
    image.MagneticFieldStrength, image.ImagedNucleus, image.NumberOfAverages = "1.5", "1H", "2"
    image.EchoTrainLength, image.PixelBandwidth, image.SAR = 1, "150", "0.3"
