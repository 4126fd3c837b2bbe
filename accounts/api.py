"""What Django REST framework needs of this room: the middleware has identified already, and let through."""

from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from accounts.actors import NOBODY, Actor


def actor(request: Request | HttpRequest) -> Actor:
    """Return who sends the request; NOBODY when the middleware did not run."""
    plain = getattr(request, "_request", request)
    return cast("Actor", getattr(plain, "actor", NOBODY))
