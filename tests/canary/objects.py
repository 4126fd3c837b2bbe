"""A study whose every sealed element holds a random word: what must be readable nowhere, however it is kept."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_bytes

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, generate_uid

from tests import builders

ENHANCED_SR = UID("1.2.840.10008.5.1.4.1.1.88.22")
ENCAPSULATED_PDF = UID("1.2.840.10008.5.1.4.1.1.104.1")
SIDE = 64


@dataclass(frozen=True)
class Canary:
    """One patient's study: images, a report and a document, and the words in them that nobody may read at rest."""

    who: builders.Identity = field(default_factory=builders.Identity)
    study_uid: str = field(default_factory=generate_uid)
    series_uid: str = field(default_factory=generate_uid)
    private: str = field(default_factory=builders.word)
    nested: str = field(default_factory=builders.word)
    report: str = field(default_factory=builders.word)
    document: str = field(default_factory=builders.word)
    comment: str = field(default_factory=builders.word)
    pattern: bytes = field(default_factory=lambda: builders.word(32).encode())

    def words(self) -> list[str]:
        own = (self.private, self.nested, self.report, self.document, self.comment, self.pattern.decode())
        return [*self.who.words(), *own]

    def image(self, number: int = 1) -> Dataset:
        """A CT image whose pixels repeat a pattern, with a private block and a sequence."""
        ds = builders.ct_slice(self.who, study_uid=self.study_uid, series_uid=self.series_uid, number=number, side=SIDE)
        ds.PixelData = self.pattern * (2 * SIDE * SIDE // len(self.pattern))
        ds.BitsStored, ds.HighBit = 16, 15
        ds.ImageComments = self.comment
        ds.private_block(0x0099, "CANARY", create=True).add_new(0x01, "LO", self.private)
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99C", self.nested
        ds.ProcedureCodeSequence = Sequence([item])
        return ds

    def changed(self, original: Dataset) -> Dataset:
        """Other pixels under the same SOP Instance UID: an image that is held back."""
        ds = Dataset()
        ds.update(original)
        ds.PixelData = token_bytes(16) + bytes(original.PixelData[16:])
        return ds

    def text(self) -> Dataset:
        """A structured report of one line."""
        ds = self._other(ENHANCED_SR, "SR", 2)
        line = Dataset()
        line.RelationshipType, line.ValueType, line.TextValue = "CONTAINS", "TEXT", self.report
        ds.ValueType, ds.ContentSequence = "CONTAINER", Sequence([line])
        return ds

    def page(self) -> Dataset:
        """A document inside DICOM."""
        ds = self._other(ENCAPSULATED_PDF, "DOC", 3)
        ds.DocumentTitle, ds.MIMETypeOfEncapsulatedDocument = self.document, "application/pdf"
        ds.EncapsulatedDocument = b"%%PDF-1.4\n%% %s\n" % self.document.encode().ljust(15)
        return ds

    def all(self) -> Iterator[Dataset]:
        yield self.image(1)
        yield self.image(2)
        yield self.text()
        yield self.page()

    def _other(self, sop_class: UID, modality: str, number: int) -> Dataset:
        ds = self.who.stamp(Dataset())
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID = self.study_uid, generate_uid()
        ds.StudyDate, ds.StudyTime, ds.Modality = "20260301", "101500", modality
        ds.SeriesNumber, ds.InstanceNumber = number, 1
        return ds
