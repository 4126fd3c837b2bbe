"""Rendered images and thumbnails (PS3.18 §10.4.1.1.3, §10.4.1.1.4 and §8.3.5.1)."""

import re
from math import isfinite
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from archive import retrieve
from archive.dicomweb import choices
from archive.dicomweb.problems import BadRequest
from archive.dicomweb.requests import accepted, actor_of, header, not_modified, root, unchanged, use_of
from archive.retrieve import Picture, View

MOST_SIDE: Final = 8192
_FUNCTIONS: Final = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_UNSUPPORTED: Final = ("annotation", "iccprofile")


def rendered(
    request: HttpRequest, study: str, series: str = "", instance: str = "", numbers: str = ""
) -> HttpResponseBase:
    """One image as JPEG or PNG; of a study or series its middle one."""
    media_type, frame = choices.picture_type(accepted(request)), _frame(numbers)
    view = _view(request, media_type)
    found = retrieve.rendered(actor_of(request), study, series, instance, frame, view=view, use=use_of(request))
    return _answer(request, found)


def thumbnail(
    request: HttpRequest, study: str, series: str = "", instance: str = "", numbers: str = ""
) -> HttpResponseBase:
    """A small image, ready-made where there is one and nothing else is asked for."""
    media_type, frame = choices.picture_type(accepted(request)), _frame(numbers)
    asked = request.GET.get("viewport") or media_type != "image/jpeg"
    view = _view(request, media_type) if asked else None
    return _answer(request, retrieve.thumbnail(actor_of(request), study, series, instance, frame, view=view))


def _answer(request: HttpRequest, picture: Picture) -> HttpResponseBase:
    if unchanged(request, picture.etag):
        return not_modified(picture.etag)
    # A picture is in memory already, and waits for no slow reader there.
    response = HttpResponse(b"".join(picture.pieces), content_type=picture.media_type)
    response["Content-Length"] = str(picture.size)
    ignored = [name for name in _UNSUPPORTED if name in request.GET]
    if ignored:
        words = ", ".join(f"299 {root(request)}: The parameter {name} is not supported." for name in ignored)
        response.headers["Warning"] = words
    return header(response, ETag=f'"{picture.etag}"', Vary="Accept")


def _frame(numbers: str) -> int:
    """The one frame a picture shows; 0 where none is named."""
    if not numbers:
        return 0
    if not re.fullmatch(r"0*[1-9]\d{0,8}", numbers, re.ASCII):
        raise BadRequest(_("A picture shows one frame, named by a whole number from 1."))
    return int(numbers)


def _view(request: HttpRequest, media_type: str) -> View:
    viewport, region = _viewport(request.GET.get("viewport", ""))
    return View(media_type, viewport, region, _window(request.GET.get("window", "")), _quality(request.GET))


def _viewport(text: str) -> tuple[tuple[int, int] | None, tuple[int, int, int, int] | None]:
    """`vw,vh` or `vw,vh,sx,sy,sw,sh`: the size to fit in, and the part of the image."""
    if not text:
        return None, None
    if not re.fullmatch(r"\d{1,5},\d{1,5}(?:,\d{1,5},\d{1,5},\d{1,5},\d{1,5})?", text, re.ASCII):
        raise BadRequest(_("The viewport is its width and height, and where wanted the region: vw,vh,sx,sy,sw,sh."))
    across, down, *region = (int(number) for number in text.split(","))
    if not (0 < across <= MOST_SIDE and 0 < down <= MOST_SIDE):
        raise BadRequest(_("The viewport is too large or empty."))
    if not region:
        return (across, down), None
    left, top, width, height = region
    if not (width and height):
        raise BadRequest(_("The region of the viewport is empty."))
    return (across, down), (left, top, width, height)


def _window(text: str) -> tuple[float, float, str] | None:
    """`center,width,function`; the function may be left out and is then linear."""
    if not text:
        return None
    words = _("The window is its center, its width and a function: linear, linear-exact or sigmoid.")
    parts = text.split(",")
    function = _FUNCTIONS.get(parts[2].strip().lower().replace("_", "-")) if len(parts) == 3 else "LINEAR"
    try:
        center, width = float(parts[0]), float(parts[1])
    except (ValueError, IndexError):
        raise BadRequest(words) from None
    least = 1.0 if function == "LINEAR" else 1e-9
    if len(parts) > 3 or function is None or not (isfinite(center) and isfinite(width) and width >= least):
        raise BadRequest(words)
    return center, width, function


def _quality(parameters: "dict[str, str]") -> int:
    text = parameters.get("quality", "")
    if not text:
        return 90
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII) or not 1 <= int(text) <= 100:
        raise BadRequest(_("The quality is a whole number from 1 to 100."))
    return int(text)
