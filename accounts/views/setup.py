"""The first administrator comes through a link whose token stands in the fragment, so that no log sees it."""

from django.http import HttpRequest, HttpResponse

from accounts import entering, setup_links
from accounts.doors import open_to_all
from accounts.errors import Unacceptable
from accounts.views import asking
from accounts.views.sign_in import SECRETS, form


@open_to_all
@SECRETS
@form
def first_administrator(request: HttpRequest) -> HttpResponse:
    """Take name and password of the first administrator, who is signed in with them and enrols a second factor next."""
    if request.method != "POST":
        return asking.page(request, "setup", {"waiting": setup_links.waiting()})
    name, password, address = (
        asking.text(request, "username"),
        asking.text(request, "password"),
        asking.address(request),
    )
    try:
        setup_links.redeem(
            asking.text(request, "token"),
            username=name,
            full_name=asking.text(request, "full_name"),
            password=password,
            address=address,
        )
    except Unacceptable as error:
        return asking.page(request, "setup", {"waiting": error.field != "token"}, error)
    entering.by_password(asking.store(request), name, password, address)
    return asking.going_on("/sign-in/enrol/", "/")
