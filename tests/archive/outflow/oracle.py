"""What pydicom says about sample files, to hold our answers against."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames

BIG = "1.2.840.10008.1.2.2"


@dataclass(frozen=True)
class Sample:
    """One real file."""

    path: Path
    transfer_syntax: str
    study: str
    series: str
    sop: str

    @property
    def data(self) -> bytes:
        return self.path.read_bytes()

    def read(self) -> FileDataset:
        return pydicom.dcmread(self.path)

    def frames(self) -> list[bytes]:
        """The bytes of each frame as pydicom extracts them, native ones as little endian."""
        ds = self.read()
        count = int(ds.get("NumberOfFrames") or 1)
        if ds["PixelData"].is_undefined_length:
            return list(generate_frames(ds.PixelData, number_of_frames=count))
        pixels = ds.PixelData
        if self.transfer_syntax == BIG and (ds["PixelData"].VR == "OW" or ds.BitsAllocated > 8):
            pixels = np.frombuffer(pixels, f">u{max(2, ds.BitsAllocated // 8)}").byteswap().tobytes()
        if ds.BitsAllocated == 1:
            bits = np.unpackbits(np.frombuffer(pixels, "u1"), bitorder="little")[: count * ds.Rows * ds.Columns]
            return [np.packbits(frame, bitorder="little").tobytes() for frame in bits.reshape(count, -1)]
        samples = 2 if ds.PhotometricInterpretation == "YBR_FULL_422" else ds.SamplesPerPixel
        size = -(-ds.Rows * ds.Columns * samples * ds.BitsAllocated // 8)
        return [pixels[number * size : (number + 1) * size] for number in range(count)]


def samples(place: Path, each: int) -> Iterator[Sample]:
    """Up to `each` images of every transfer syntax, of the manifest's own reading; each SOP Instance UID once."""
    taken: dict[str, int] = defaultdict(int)
    seen: set[str] = set()
    with (place / "MANIFEST.tsv").open() as manifest:
        for row in csv.DictReader(manifest, delimiter="\t"):
            known = all(row[name] for name in ("study_uid", "series_uid", "sop_uid", "transfer_syntax"))
            path = place / row["path"]
            if not known or not path.exists() or row["sop_uid"] in seen or taken[row["transfer_syntax"]] >= each:
                continue
            if not _usable(path):
                continue
            seen.add(row["sop_uid"])
            taken[row["transfer_syntax"]] += 1
            yield Sample(path, row["transfer_syntax"], row["study_uid"], row["series_uid"], row["sop_uid"])


def _usable(path: Path) -> bool:
    """Whether it is a whole image of a storage class with a header of its own, small enough for a test."""
    if path.stat().st_size > 4_000_000:
        return False
    try:
        ds = pydicom.dcmread(path)
        return "PixelData" in ds and "Rows" in ds and ds.SOPClassUID.name.endswith("Storage")
    except Exception:  # noqa: BLE001  The sample is broken on purpose; other tests are for those.
        return False
