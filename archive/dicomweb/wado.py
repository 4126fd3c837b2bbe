"""WADO-RS (PS3.18 §10.4): whole objects, metadata, frames and bulk data. Plain views; nothing is decided here."""

import re
from collections.abc import Iterator
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from archive import retrieve
from archive.dicomweb import choices, multipart
from archive.dicomweb.choices import DICOM, OCTETS, FrameForm, NotAcceptable
from archive.dicomweb.multipart import Part
from archive.dicomweb.problems import BadRequest
from archive.dicomweb.requests import (
    accepted,
    actor_of,
    header,
    not_modified,
    root,
    streamed,
    takes_gzip,
    unchanged,
    use_of,
)
from archive.retrieve import Frames, Instances
from audit.actions import Use

MOST_FRAMES: Final = 2000
GATHERED: Final = 1024 * 1024
AT_ONCE: Final = 4 * 1024 * 1024
"""Frames of so many bytes in all are answered at once: they are in memory, and wait for no slow reader there."""

_FRAME_LIST: Final = re.compile(r"\d{1,9}(?:,\d{1,9})*", re.ASCII)
_PIXELS: Final = frozenset({"7FE00008", "7FE00009", "7FE00010"})


def objects(request: HttpRequest, study: str, series: str = "", instance: str = "") -> HttpResponseBase:
    """The DICOM files of a study, series or instance."""
    form = choices.object_form(accepted(request), one=bool(instance))
    found = retrieve.instances(actor_of(request), study, series, instance, use=Use.RETRIEVED, syntaxes=form.syntaxes)
    if form.single:
        one = next(iter(found))
        content_type = f"{DICOM}; transfer-syntax={one.transfer_syntax}"
        return _attached(streamed(one.chunks, content_type, one.size), "instance.dcm")
    boundary = multipart.new_boundary()
    length = None
    if found.planned is not None:
        length = multipart.length([(_dicom(syntax), "", size) for syntax, size in found.planned], boundary)
    pieces = _released(found, multipart.write(_dicom_parts(found), boundary))
    response = streamed(pieces, multipart.content_type(DICOM, boundary), length)
    if found.left_out:
        # PS3.18 §10.4.3: some, but not all, of what was asked for.
        response.status_code = 206
        header(response, Warning=f'299 custos "{found.left_out} damaged instances are left out"')
    return _attached(response, "objects.multipart")


def _dicom(transfer_syntax: str) -> str:
    return f"{DICOM}; transfer-syntax={transfer_syntax}"


def _dicom_parts(found: Instances) -> Iterator[Part]:
    for one in found:
        yield Part(_dicom(one.transfer_syntax), one.chunks)


def _released(found: Instances, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, gathered to larger ones where nothing is decoded in between, each let go by the gate as it leaves."""
    for piece in pieces if found.planned is None else multipart.gathered(pieces, GATHERED):
        found.still()
        yield piece


def _attached(response: HttpResponseBase, name: str) -> HttpResponseBase:
    """Never shown by a browser as a page of ours: a DICOM file can be another kind of file as well."""
    return header(response, Content_Disposition=f'attachment; filename="{name}"')


def metadata(request: HttpRequest, study: str, series: str = "", instance: str = "") -> HttpResponseBase:
    """The attributes of every instance as one JSON array."""
    content_type = choices.json_type(accepted(request))
    packed = takes_gzip(request)
    documents = retrieve.metadata(actor_of(request), study, series, instance, root=root(request), packed=packed)
    if unchanged(request, documents.etag):
        return not_modified(documents.etag)
    response = streamed(documents.pieces, content_type)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return header(response, ETag=f'"{documents.etag}"', Vary="Accept, Accept-Encoding")


def frames(request: HttpRequest, study: str, series: str, instance: str, numbers: str) -> HttpResponseBase:
    """The frames of a list such as `1,3,7`, in that order."""
    if not _FRAME_LIST.fullmatch(numbers) or numbers.count(",") >= MOST_FRAMES:
        raise BadRequest(_("Frames are listed as whole numbers from 1, separated by commas."))
    wanted = [int(number) for number in numbers.split(",")]
    found = retrieve.frames(actor_of(request), study, series, instance, wanted, use_of(request))
    return _frames(request, found)


def _frames(request: HttpRequest, found: Frames) -> HttpResponseBase:
    form = choices.frame_form(accepted(request), found.stored, count=len(found.numbers))
    syntax = choices.EXPLICIT if form.decode else found.stored
    content_type = f"{form.media_type}; transfer-syntax={syntax}"
    sizes = found.sizes(decoded=form.decode)
    if form.single:
        return streamed(_bodies(found, form), content_type, sum(sizes) if sizes else None)
    boundary = multipart.new_boundary()
    locations = [f"{root(request)}{found.place.path}/frames/{number}" for number in found.numbers]
    length = None
    if sizes is not None:
        planned = [(content_type, where, size) for where, size in zip(locations, sizes, strict=True)]
        length = multipart.length(planned, boundary)
    parts = (
        Part(content_type, frame.pieces, where)
        for frame, where in zip(found.parts(decoded=form.decode), locations, strict=True)
    )
    whole_type = multipart.content_type(form.media_type, boundary, syntax)
    if length is not None and length <= AT_ONCE:
        return HttpResponse(
            multipart.joined(parts, boundary), content_type=whole_type, headers={"Content-Length": length}
        )
    return streamed(multipart.write(parts, boundary), whole_type, length)


def _bodies(found: Frames, form: FrameForm) -> Iterator[bytes]:
    for frame in found.parts(decoded=form.decode):
        yield from frame.pieces


def bulkdata(request: HttpRequest, study: str, series: str, instance: str, path: str) -> HttpResponseBase:
    """The value of one element, by the path that its BulkDataURI names; compressed pixels come as frames."""
    actor = actor_of(request)
    if path.upper() in _PIXELS:
        found = retrieve.frames(actor, study, series, instance, (), use_of(request))
        sizes = found.sizes()
        if found.table.encapsulated or sizes is None:
            return _frames(request, found)
        form = choices.frame_form(accepted(request), found.stored, count=1)
        return _value(form.single, sum(sizes), _bodies(found, form))
    ranges = accepted(request)
    single = next((not wish.multipart for wish in ranges if wish.inner in ("", OCTETS, "application/*")), None)
    if single is None:
        raise NotAcceptable(f"This can be given as {OCTETS}.")
    size, pieces = retrieve.bulkdata(actor, study, series, instance, path, use_of(request))
    return _value(single, size, pieces)


def _value(single: bool, size: int, pieces: Iterator[bytes]) -> HttpResponseBase:
    """A binary value alone or as the only part."""
    if single:
        return _attached(streamed(pieces, OCTETS, size), "bulkdata.bin")
    boundary = multipart.new_boundary()
    length = multipart.length([(OCTETS, "", size)], boundary)
    body = multipart.write([Part(OCTETS, pieces)], boundary)
    return streamed(body, multipart.content_type(OCTETS, boundary), length)
