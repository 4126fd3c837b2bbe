"""From decoded values to what people look at: eight bits, windowed, in the size they asked for."""

import io
from typing import Any, Final

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.uid import UID

from archive.rendering.decoding import Array, Message, array_of, header

_TABLED: Final = frozenset({"|u1", "|i1", "<u2", "<i2"})
_DECIDING: Final = ("WindowCenter", "WindowWidth", "VOILUTFunction", "RescaleSlope", "RescaleIntercept", "RescaleType")
MANY: Final = 1 << 14
"""Pixels of an image from which on a table of all values costs less than working each of them out."""

MOST_TABLES: Final = 64
_tables: dict[tuple[str, ...], Array] = {}


def picture(asked: dict[str, Any], pieces: list[bytes]) -> Message:
    """One frame as a JPEG or PNG that people look at."""
    ds = header(asked, pieces[0])
    array, photometric = array_of(asked, ds, pieces[1])
    shown = _shown(asked, ds, array, photometric)
    image = Image.fromarray(np.ascontiguousarray(shown))
    image = _fitted(image, asked)
    out = io.BytesIO()
    if asked["media_type"] == "image/png":
        image.save(out, "PNG", compress_level=1)
    else:
        image.save(out, "JPEG", quality=asked["quality"])
    return {"columns": image.width, "rows": image.height}, [out.getvalue()]


def _shown(asked: dict[str, Any], ds: Dataset, array: Array, photometric: str) -> Array:
    """Eight bits for the eye: colours as RGB, grey values through modality and VOI transformation (PS3.4 §N.2)."""
    if photometric == "PALETTE COLOR":
        rgb = apply_color_lut(array, ds)
        return (rgb >> 8).astype("u1") if rgb.dtype.itemsize == 2 else rgb.astype("u1")
    if array.ndim == 3:
        if photometric.startswith("YBR") and not UID(asked["syntax"]).is_encapsulated:
            array = np.asarray(Image.fromarray(np.ascontiguousarray(array.astype("u1")), "YCbCr").convert("RGB"))
        if array.dtype.itemsize == 1:
            return array
        return (array >> max(0, int(ds.BitsStored) - 8)).astype("u1")
    grey = _windowed(asked, _with_frame_groups(ds, asked["frame"]), array)
    return 255 - grey if photometric == "MONOCHROME1" else grey


def _windowed(asked: dict[str, Any], ds: Dataset, array: Array) -> Array:
    """Grey values as 0 to 255 by the window asked for, else the object's own, else what covers nearly all values.

    Where a window is known, what becomes of a value depends on nothing else: each that there can be is worked out once,
    and for the images of a series that follow not again.
    """
    center, width = (_first(ds.get(name)) for name in ("WindowCenter", "WindowWidth"))
    known = asked.get("window") or ds.get("VOILUTSequence") or (center is not None and width is not None and width > 0)
    if known and array.dtype.str in _TABLED and array.size > MANY:
        # Taking is three times as quick as indexing.
        return np.take(_table(asked, ds, array.dtype), array.view(f"u{array.dtype.itemsize}"))
    return _grey(asked, ds, array)


def _table(asked: dict[str, Any], ds: Dataset, kind: "np.dtype[Any]") -> Array:
    """What becomes of each value of a kind, by its bits."""
    if ds.get("ModalityLUTSequence") or ds.get("VOILUTSequence"):
        return _grey(asked, ds, _every(kind))
    said = (str(ds.get(name)) for name in _DECIDING)
    name = (kind.str, str(asked.get("window")), *said)
    table = _tables.get(name)
    if table is None:
        if len(_tables) >= MOST_TABLES:
            _tables.clear()
        table = _tables[name] = _grey(asked, ds, _every(kind))
    return table


def _every(kind: "np.dtype[Any]") -> Array:
    """Every value of a kind, in the order of their bits."""
    return np.arange(1 << 8 * kind.itemsize).astype(f"<u{kind.itemsize}").view(kind)


def _grey(asked: dict[str, Any], ds: Dataset, array: Array) -> Array:
    """The same for each of the values."""
    stored: Array = apply_modality_lut(array, ds)
    values = stored.astype("f8")
    center, width = (_first(ds.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if asked.get("window"):
        return _through(values, *asked["window"])
    if ds.get("VOILUTSequence") and stored.dtype.kind in "iu":
        looked_up = apply_voi_lut(stored, ds, prefer_lut=True).astype("f8")
        bits = int(ds.VOILUTSequence[0].LUTDescriptor[2])
        grey: Array = np.clip(looked_up * (255.0 / (2**bits - 1)), 0, 255).astype("u1")
        return grey
    if center is not None and width is not None and width > 0:
        return _through(values, center, width, str(ds.get("VOILUTFunction") or "LINEAR").upper())
    low, high = np.percentile(values, (0.5, 99.5)) if int(ds.BitsAllocated) > 1 else (0.0, 1.0)
    return _through(values, (low + high) / 2, max(high - low, 1e-9), "LINEAR_EXACT")


def _first(value: Any) -> float | None:
    """The first of the values of a window, None where there is none."""
    if isinstance(value, (str, float, int)):
        return float(value) if value != "" else None
    return float(value[0]) if value else None


def _through(values: Array, center: float, width: float, function: str) -> Array:
    """The window functions of PS3.3 §C.11.2.1.2 and §C.11.2.1.3 onto 0 to 255."""
    if function == "SIGMOID":
        with np.errstate(over="ignore"):
            out = 255.0 / (1.0 + np.exp(-4.0 * (values - center) / width))
    elif function == "LINEAR_EXACT":
        out = ((values - center) / width + 0.5) * 255.0
    else:
        out = ((values - (center - 0.5)) / max(width - 1.0, 1e-9) + 0.5) * 255.0
    return np.nan_to_num(np.clip(out, 0, 255)).astype("u1")


def _with_frame_groups(ds: Dataset, frame: int) -> Dataset:
    """The attributes with what the functional groups of this frame (from 0) say of window and rescale."""
    for name, index in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame)):
        groups = ds.get(name) or []
        if index >= len(groups):
            continue
        for inner in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in (groups[index].get(inner) or [])[:1]:
                ds.update(item)
    return ds


def _fitted(image: Image.Image, asked: dict[str, Any]) -> Image.Image:
    """The part of the image that was asked for, shrunk or enlarged into the viewport, its shape kept."""
    if asked.get("region"):
        left, top, width, height = asked["region"]
        box = (left, top, min(left + width, image.width), min(top + height, image.height))
        if box[0] >= box[2] or box[1] >= box[3]:
            raise ValueError("the region lies outside the image")
        image = image.crop(box)
    if asked.get("viewport"):
        across, down = asked["viewport"]
        scale = min(across / image.width, down / image.height)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image
