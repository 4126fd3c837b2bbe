"""From stored pixels to arrays and plain bytes, with sizes checked before anything is decoded."""

import io
import zlib
from typing import Any, Final

import numpy as np
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filereader import read_dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pack_bits
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGExtended12Bit, RLELossless

Array = np.ndarray[Any, Any]
Message = tuple[dict[str, Any], list[bytes]]

MOST_PIXEL_BYTES: Final = 1 << 30
MOST_SIDE: Final = 65_535
DEFLATED_FRAMES: Final = "1.2.840.10008.1.2.8.1"
_PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})


class TooBig(ValueError):
    """The image is larger than is decoded here."""


def header(asked: dict[str, Any], data: bytes) -> Dataset:
    """The attributes that stand before the pixels."""
    source = io.BytesIO(data)
    ds = read_dataset(source, asked["implicit"], not asked["big"], None, lambda tag, vr, length: int(tag) in _PIXELS)
    rows, columns = int(ds.Rows), int(ds.Columns)
    size = rows * columns * int(ds.get("SamplesPerPixel", 1)) * int(ds.BitsAllocated) // 8
    if not (0 < rows <= MOST_SIDE and 0 < columns <= MOST_SIDE and size <= MOST_PIXEL_BYTES):
        raise TooBig("the image is too large to be decoded here")
    return ds


def _promised(codestream: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG or JPEG 2000 codestream announces, None where it is neither."""
    if codestream[:4] == b"\xff\x4f\xff\x51":
        right, bottom, left, top = (int.from_bytes(codestream[at : at + 4], "big") for at in (8, 12, 16, 20))
        return bottom - top, right - left
    at = 2
    while codestream[:2] == b"\xff\xd8" and at + 9 < len(codestream) and codestream[at] == 0xFF:
        marker = codestream[at + 1]
        # SOF0 to SOF15 without DHT, JPG and DAC, and SOF55 of JPEG-LS.
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            return int.from_bytes(codestream[at + 5 : at + 7], "big"), int.from_bytes(
                codestream[at + 7 : at + 9], "big"
            )
        at += 1 if marker == 0xFF else 2 + int.from_bytes(codestream[at + 2 : at + 4], "big")
    return None


def array_of(asked: dict[str, Any], ds: Dataset, frame: bytes) -> tuple[Array, str]:
    """The decoded frame, and its photometric interpretation as decoded."""
    promised = _promised(frame)
    if promised is not None and promised[0] * promised[1] > int(ds.Rows) * int(ds.Columns):
        raise ValueError("the codestream announces a larger size than the object")
    syntax = UID(asked["syntax"])
    if syntax == DEFLATED_FRAMES:
        syntax, frame = ExplicitVRLittleEndian, zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame, MOST_PIXEL_BYTES)
    if not syntax.is_encapsulated:
        return _native(asked, ds, frame), str(ds.PhotometricInterpretation)
    if syntax == JPEGExtended12Bit and int(ds.BitsStored) > 8:
        raise NotImplementedError
    if syntax == RLELossless and int(ds.BitsAllocated) == 1:
        return _native(asked, ds, _unpacked_runs(asked, ds, frame)), str(ds.PhotometricInterpretation)
    return _decompressed(asked, ds, frame)


def _unpacked_runs(asked: dict[str, Any], ds: Dataset, frame: bytes) -> bytes:
    """Run lengths over packed bits (PS3.5 §8.2.2): the bytes are decoded as one line of an 8-bit image."""
    line = Dataset()
    line.Rows, line.Columns = 1, -(-int(ds.Rows) * int(ds.Columns) // 8)
    line.SamplesPerPixel, line.PhotometricInterpretation, line.PixelRepresentation = 1, "MONOCHROME2", 0
    line.BitsAllocated = line.BitsStored = 8
    array, _ = _decompressed(asked, line, frame)
    return bytes(array.tobytes())


def _decompressed(asked: dict[str, Any], ds: Dataset, frame: bytes) -> tuple[Array, str]:
    syntax = UID(asked["syntax"])
    ds = Dataset(ds)
    ds.NumberOfFrames = 1
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    array, described = get_decoder(syntax).as_array(ds, index=0, raw=asked.get("raw", False))
    return array, str(described["photometric_interpretation"])


def _native(asked: dict[str, Any], ds: Dataset, frame: bytes) -> Array:
    """An uncompressed frame, already little endian."""
    samples, bits = int(ds.get("SamplesPerPixel", 1)), int(ds.BitsAllocated)
    shape: tuple[int, ...] = (int(ds.Rows), int(ds.Columns))
    if bits == 1:
        return np.unpackbits(np.frombuffer(frame, "u1"), bitorder="little")[: shape[0] * shape[1]].reshape(shape)
    kind = "f" if asked.get("float") else "i" if int(ds.get("PixelRepresentation", 0)) else "u"
    values = np.frombuffer(frame, f"<{kind}{bits // 8}")
    if str(ds.PhotometricInterpretation) == "YBR_FULL_422":
        values = _upsampled(values)
    count = shape[0] * shape[1] * samples
    values = values[:count]
    if samples == 1:
        return values.reshape(shape)
    if int(ds.get("PlanarConfiguration", 0)):
        return values.reshape((samples, *shape)).transpose(1, 2, 0)
    return values.reshape((*shape, samples))


def _upsampled(values: Array) -> Array:
    """Two luminances share their chrominances (PS3.3 §C.7.6.3.1.2): give each pixel its own."""
    quads = values[: values.size // 4 * 4].reshape(-1, 4)
    return quads[:, [0, 2, 3, 1, 2, 3]].reshape(-1)


def decode(asked: dict[str, Any], pieces: list[bytes]) -> Message:
    """One compressed frame as uncompressed little endian bytes, colour by pixel."""
    ds = header(asked, pieces[0])
    array, photometric = array_of({**asked, "raw": True}, ds, pieces[1])
    if int(ds.BitsAllocated) == 1:
        return {"photometric": photometric}, [bytes(pack_bits(array.ravel(), pad=False))]
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    return {"photometric": photometric}, [array.tobytes()]


def explicit(asked: dict[str, Any], pieces: list[bytes]) -> Message:
    """A whole object in Explicit VR Little Endian."""
    ds = dcmread(io.BytesIO(pieces[0]), force=True)
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        ds.decompress(generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    dcmwrite(out, ds, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return {}, [out.getvalue()]


def extract(asked: dict[str, Any], pieces: list[bytes]) -> Message:
    """Frames (from 0) of a whole object whose frames do not begin at whole bytes, each packed by itself."""
    ds = dcmread(io.BytesIO(pieces[0]), force=True)
    decoder = get_decoder(ds.file_meta.TransferSyntaxUID)
    frames = []
    for index in asked["frames"]:
        array, _ = decoder.as_array(ds, index=index)
        frames.append(bytes(pack_bits(array.ravel(), pad=False)) if int(ds.BitsAllocated) == 1 else array.tobytes())
    return {}, frames
