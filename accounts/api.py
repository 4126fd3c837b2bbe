"""What Django REST framework needs of this room: the middleware has identified already, a permission only asks."""

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.actors import NOBODY, Actor

if TYPE_CHECKING:
    # The framework's views import this module when they load their settings.
    from rest_framework.views import APIView


def actor(request: Request | HttpRequest) -> Actor:
    """Return who sends the request; NOBODY when the middleware did not run."""
    plain = getattr(request, "_request", request)
    return cast("Actor", getattr(plain, "actor", NOBODY))


class IsVerified(BasePermission):
    """Both factors, or an API token. What the actor may see is the gate's to say."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return actor(request).verified
