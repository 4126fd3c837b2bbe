"""Where whoever was given a shared link comes in: the address, whose fragment no server sees, and the passphrase."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts import links
from accounts.doors import open_to_all
from accounts.errors import Unacceptable
from accounts.views import asking
from accounts.views.sign_in import SECRETS, forgetting, form


@open_to_all
@SECRETS
@form
def enter(request: HttpRequest) -> HttpResponse:
    """Ask for the passphrase; the page's script sends the token along. Every wrong answer looks alike."""
    if request.method != "POST":
        return asking.page(request, "shared", {})
    token, passphrase = asking.text(request, "token"), asking.text(request, "passphrase")
    study_uid = links.open_(asking.store(request), token, passphrase, asking.address(request))
    if study_uid is None:
        words = _("This link and this passphrase open nothing. Perhaps one of them is wrong, the link has ended, "
                  "or there were too many attempts: then wait a while.")  # fmt: skip
        return asking.page(request, "shared", {}, Unacceptable("passphrase", words))
    # What this browser kept for somebody who was signed in here before is no longer anybody's.
    return forgetting(redirect("browser:study", study_uid=study_uid))
