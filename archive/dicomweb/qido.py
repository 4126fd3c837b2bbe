"""QIDO-RS (PS3.18 §10.6): searches at three levels, answered in DICOM JSON."""

from collections.abc import Callable
from typing import Any, ClassVar

import orjson
from rest_framework.decorators import api_view, content_negotiation_class, renderer_classes
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from archive import query
from archive.dicomweb import answers, choices, parameters
from archive.dicomweb.requests import accepted, actor_of, root
from archive.query import Found

OPEN_ENDED = (
    "More studies could match than one search opens; only the newest were searched, and matches may be missing."
)
MORE = "There are additional results that can be requested."


class DicomJson(BaseRenderer):
    """DICOM JSON without a charset: clients compare the media type as a whole."""

    media_type = "application/dicom+json"
    format = "dicom+json"
    charset: ClassVar[None] = None  # type: ignore[misc]
    render_style = "binary"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return data if isinstance(data, bytes) else orjson.dumps(data)


class Accepting(BaseContentNegotiation):
    """Takes the client's own spelling of JSON, from the `accept` parameter or the header."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], choices.json_type(accepted(request._request))


Write = Callable[[Any, str], answers.Attributes]


@api_view(["GET"])
@renderer_classes([DicomJson])
@content_negotiation_class(Accepting)
def studies(request: Request) -> Response:
    """Search for studies."""
    asked = parameters.read(request.META["QUERY_STRING"], "studies")
    found = query.studies(actor_of(request._request), asked.criteria(), asked.page)
    return _answer(request, found, answers.study, asked)


@api_view(["GET"])
@renderer_classes([DicomJson])
@content_negotiation_class(Accepting)
def series(request: Request, study: str = "") -> Response:
    """Search for series, of one study or of all."""
    asked = parameters.read(request.META["QUERY_STRING"], "series")
    fixed = {"study_uids": (study,)} if study else {}
    found = query.series(actor_of(request._request), asked.criteria(**fixed), asked.page)
    return _answer(request, found, answers.series, asked)


@api_view(["GET"])
@renderer_classes([DicomJson])
@content_negotiation_class(Accepting)
def instances(request: Request, study: str = "", series: str = "") -> Response:
    """Search for instances, of one series, of one study or of all."""
    asked = parameters.read(request.META["QUERY_STRING"], "instances")
    fixed = {name: (uid,) for name, uid in (("study_uids", study), ("series_uids", series)) if uid}
    found = query.instances(actor_of(request._request), asked.criteria(**fixed), asked.page)
    return _answer(request, found, answers.instance, asked)


def _answer(request: Request, found: "Found[Any]", write: Write, asked: parameters.Asked) -> Response:
    base = root(request._request)
    # As bytes: request and response hold each other, and a thousand objects among them would wait for the collector.
    body = orjson.dumps([write(row, base) for row in found.rows])
    response = Response(body, content_type=request.accepted_media_type)
    warnings = [*asked.warnings]
    if found.scanned_out:
        warnings.append(OPEN_ENDED)
    if found.more and len(found.rows) == query.LIMIT:
        warnings.append(MORE)
    if warnings:
        response["Warning"] = ", ".join(f"299 {base}: {words}" for words in warnings)
    return response
