"""Choosing what to answer with from what the client accepts (PS3.18 §8.7.3 and §8.7.4)."""

from collections.abc import Iterable
from dataclasses import dataclass

from archive.dicomweb.accept import Range

EXPLICIT = "1.2.840.10008.1.2.1"
DICOM = "application/dicom"
OCTETS = "application/octet-stream"

# The media type of one frame in each compressed transfer syntax (PS3.18 Table 8.7.3-5 and PS3.5 §10).
FRAME_TYPES = {
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 53, 55, 57, 70)), "image/jpeg"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "image/jls"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"), "image/jp2"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"), "image/jpx"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203)), "image/jphc"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112"), "image/jxl"),
    **dict.fromkeys(("1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101"), "video/mpeg2"),
    **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in (102, 103, 104, 105, 106)), "video/mp4"),
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}

_RENDERED = ("image/", "video/", "text/")


class NotAcceptable(Exception):
    """Nothing that the client accepts can be made: HTTP 406. The text says what could be."""


class Mixed(Exception):
    """DICOM and rendered media types were asked for at once: HTTP 400 (PS3.18 §8.7.4)."""


def json_type(ranges: Iterable[Range]) -> str:
    """The JSON media type for search results and metadata, as the client spells its wish."""
    for wish in ranges:
        if wish.covers("application/dicom+json"):
            return "application/dicom+json"
        if wish.type == "application/json":
            return "application/json"
    raise NotAcceptable("Only application/dicom+json can be given here.")


def picture_type(ranges: Iterable[Range]) -> str:
    """`image/jpeg` or `image/png` for rendered images and thumbnails."""
    wishes = list(ranges)
    if any(wish.inner.startswith("application/dicom") for wish in wishes):
        raise Mixed("A rendered image is not a DICOM media type.")
    for wish in wishes:
        for offer in ("image/jpeg", "image/png"):
            if wish.covers(offer):
                return offer
    raise NotAcceptable("Only image/jpeg and image/png can be given here.")


@dataclass(frozen=True, slots=True)
class ObjectForm:
    """How DICOM objects are wanted: alone (`single`) or as parts; in which transfer syntaxes (`*` = as stored)."""

    single: bool
    syntaxes: tuple[str, ...]


def object_form(ranges: Iterable[Range], *, one: bool) -> ObjectForm:
    """How whole instances are wanted; `one` says that the resource is one instance, so that it may go alone.

    A range without transfer syntax means Explicit VR Little Endian (PS3.18 §8.7.3.5.2); several ranges for the same
    wrapping add up. `*/*` means parts, in the transfer syntax they are stored in.
    """
    wishes = list(ranges)
    _refuse_mixed(wishes)
    whole = [w for w in wishes if w.inner in ("", DICOM, "application/*")]
    suitable = [w for w in whole if one or w.multipart or w.type == "*/*"]
    if not suitable:
        raise NotAcceptable('Only multipart/related; type="application/dicom" can be given here.')
    single = not suitable[0].multipart and suitable[0].type != "*/*"
    same = [w for w in suitable if (not w.multipart and w.type != "*/*") == single]
    return ObjectForm(single, tuple(dict.fromkeys(_syntax(wish) for wish in same)))


def _syntax(wish: Range) -> str:
    return wish.transfer_syntax or ("*" if not wish.inner else EXPLICIT)


def _refuse_mixed(wishes: list[Range]) -> None:
    dicom = any(wish.inner == DICOM for wish in wishes)
    if dicom and any(wish.inner.startswith(_RENDERED) for wish in wishes):
        raise Mixed("DICOM and rendered media types cannot be asked for at once.")


@dataclass(frozen=True, slots=True)
class FrameForm:
    """How frames go out: alone or as parts, of which media type, as stored or decoded to uncompressed little endian."""

    single: bool
    media_type: str
    decode: bool


def frame_form(ranges: Iterable[Range], stored: str, *, count: int) -> FrameForm:
    """The first wish that frames stored in transfer syntax `stored` can meet.

    Compressed frames go as their own image type when that, `transfer-syntax=*`, their own syntax or anything at all is
    asked for; `application/octet-stream` without a syntax asks for decoded pixels. Uncompressed ones are octets.
    """
    native = FRAME_TYPES.get(stored, OCTETS)
    for wish in ranges:
        single = not wish.multipart and wish.type != "*/*"
        if single and count != 1:
            continue
        chosen = _frame(wish, stored, native)
        if chosen is not None:
            return FrameForm(single, *chosen)
    raise NotAcceptable(f"These frames can be given as {native} in transfer syntax {stored} or as {OCTETS}.")


def _frame(wish: Range, stored: str, native: str) -> tuple[str, bool] | None:
    compressed = native != OCTETS
    syntax = wish.transfer_syntax
    if syntax in ("*", stored) and wish.inner in ("", OCTETS, native, _any_of(native)):
        return native, False
    if wish.inner in (OCTETS, "application/*") and syntax in ("", EXPLICIT):
        return OCTETS, compressed
    if wish.inner == "" and syntax == "":
        return native, False
    if compressed and wish.inner in (native, _any_of(native)) and syntax == "":
        return native, False
    if wish.inner == "" and syntax == EXPLICIT:
        return OCTETS, compressed
    return None


def _any_of(media_type: str) -> str:
    return f"{media_type.partition('/')[0]}/*"
