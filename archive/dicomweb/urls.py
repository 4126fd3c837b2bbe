"""The resources of the DICOMweb service and what may be done with each (PS3.18 §10.1)."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, register_converter

from accounts.doors import open_to_links
from archive.dicomweb import pictures, qido, stow, wado
from archive.dicomweb.problems import plain, problem
from archive.dicomweb.requests import allow

View = Callable[..., HttpResponseBase]


class Uid:
    """A UID in a path: digits and dots, at most 64 of them; what is none names no resource."""

    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Tags:
    """The path of a bulk data element: tags in hexadecimal, with item numbers between them."""

    regex = r"[0-9A-Fa-f]{8}(?:/[0-9]{1,6}/[0-9A-Fa-f]{8}){0,16}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Uid, "uid")
register_converter(Tags, "tags")


def resource(**views: View) -> View:
    """One resource: a view for each method; others are answered with 405, OPTIONS with what there is."""
    methods: Final = tuple(name.upper() for name in views)

    def dispatched(request: HttpRequest, **named: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return allow(methods)
        view = views.get((request.method or "").lower())
        if view is None:
            return problem(405, "This cannot be done with this resource.", Allow=", ".join((*methods, "OPTIONS")))
        return view(request, **named)

    return plain(dispatched)


def viewed(**views: View) -> View:
    """The same, open to whoever comes by a shared link as well: what the viewer needs of one study, and no more."""
    return open_to_links(resource(**views))


STUDY: Final = "studies/<uid:study>"
SERIES: Final = f"{STUDY}/series/<uid:series>"
INSTANCE: Final = f"{SERIES}/instances/<uid:instance>"
FRAMES: Final = f"{INSTANCE}/frames/<str:numbers>"

urlpatterns: list[URLPattern] = [
    path("studies", resource(get=qido.studies, post=stow.store)),
    path("series", resource(get=qido.series)),
    path("instances", resource(get=qido.instances)),
    path(f"{STUDY}/series", viewed(get=qido.series)),
    path(f"{STUDY}/instances", resource(get=qido.instances)),
    path(f"{SERIES}/instances", resource(get=qido.instances)),
    path(STUDY, resource(get=wado.objects, post=stow.store)),
    path(SERIES, resource(get=wado.objects)),
    path(INSTANCE, resource(get=wado.objects)),
    *(path(f"{level}/metadata", resource(get=wado.metadata)) for level in (STUDY, INSTANCE)),
    path(f"{SERIES}/metadata", viewed(get=wado.metadata)),
    *(path(f"{level}/rendered", resource(get=pictures.rendered)) for level in (STUDY, SERIES, INSTANCE, FRAMES)),
    *(path(f"{level}/thumbnail", resource(get=pictures.thumbnail)) for level in (STUDY, INSTANCE, FRAMES)),
    path(f"{SERIES}/thumbnail", viewed(get=pictures.thumbnail)),
    path(FRAMES, viewed(get=wado.frames)),
    path(f"{INSTANCE}/bulkdata/<tags:path>", resource(get=wado.bulkdata)),
]
