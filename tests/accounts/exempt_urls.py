"""A view that Django's own CSRF check lets through, as views of REST frameworks are."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def exempt(request: HttpRequest) -> HttpResponse:
    return HttpResponse("changed")


urlpatterns = [path("exempt/", exempt), path("", include("pacs.urls"))]
