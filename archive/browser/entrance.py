"""Where people come in: the first page that is theirs, the language they read, and who they are to the services."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST
from django.views.i18n import set_language

from accounts import links, mine
from accounts.actors import NOBODY, Actor
from accounts.doors import open_to_links
from accounts.middleware import open_to_all
from accounts.policy import Permission

# Where each kind of work begins, in the order in which somebody who may do several is asked.
FIRST_PAGES: tuple[tuple[Permission, str], ...] = (
    (Permission.STUDY_SEARCH, "/studies/"),
    (Permission.LOG_READ, "/record/"),
    (Permission.PEOPLE_MANAGE, "/people/"),
    (Permission.ALERTS_READ, "/record/alerts/"),
    (Permission.STUDY_DESTROY, "/destruction/"),
)


def actor_of(request: HttpRequest) -> Actor:
    """The actor that the middleware found for this request."""
    actor: Actor = getattr(request, "actor", NOBODY)
    return actor


@open_to_links
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the first page that this person's work begins with, or to the study of a shared link."""
    if actor_of(request).kind == "link":
        return redirect("browser:study", study_uid=links.study_of(actor_of(request)))
    permissions = actor_of(request).permissions
    return redirect(next((page for needs, page in FIRST_PAGES if needs in permissions), "/me/"))


@open_to_all
@require_POST
def language(request: HttpRequest) -> HttpResponseBase:
    """Remember the language, for strangers in a cookie and for people with their account; go back to the page."""
    chosen, actor = request.POST.get("language", ""), actor_of(request)
    if actor.verified and actor.kind == "person" and chosen in dict(settings.LANGUAGES):
        mine.speak(actor, chosen)
    return set_language(request)
