"""Whether a study's images are as they came: when each was verified last, what is damaged, its digest and history."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from archive import query
from archive.browser.entrance import actor_of
from archive.fixity import status
from archive.fixity.status import Found, Image

MOST: Final = 1000

PARTS: Final[dict[str, Promise]] = {
    "instance": _("the image"),
    "instance.frame_table_cell": _("its frame table in the index"),
    "head": _("the head of its record"),
}
# What a scrub or a reader found, in the words in which it is kept.
ERRORS: Final[dict[str, Promise]] = {
    str(english): french
    for english, french in (
        ("It does not open: it was changed, cut or moved.", _("It does not open: it was changed, cut or moved.")),
        ("A stored object does not open.", _("It does not open: it was changed, cut or moved.")),
        ("Its pack ends before it does.", _("Its file ends before it does.")),
        ("A pack is missing.", _("Its file is missing.")),
        ("The disk cannot read it any more.", _("The disk cannot read it any more.")),
        ("The key of this study does not open.", _("The key of this study does not open.")),
        (
            "Its SHA-256 is not the one that was recorded.",
            _("Its SHA-256 is not the one that was recorded."),
        ),
        ("Its frame table in the index does not open.", _("It does not open: it was changed, cut or moved.")),
        ("Its frame table in the index cannot be read.", _("It cannot be read.")),
        (
            "Walking its pack does not lead to it; the index alone knows where it lies.",
            _("Only the index still knows where it lies."),
        ),
        ("The head of its record does not open.", _("It does not open: it was changed, cut or moved.")),
    )
}


@require_safe
def fixity(request: HttpRequest, study_uid: str) -> HttpResponse:
    """List the study's images; those with the SOP Instance UID of `?image=` with digest and history."""
    actor, wanted = actor_of(request), request.GET.get("image", "")
    study = query.study(actor, study_uid)
    images = status.images(actor, study_uid)
    chosen = [_told(one, status.history(actor, study_uid, one.id)) for one in images if one.uid == wanted]
    context = {"study": study, "images": images[:MOST], "hidden": max(0, len(images) - MOST), "chosen": chosen}
    return render(request, "browser/fixity.html", context)


def _told(image: Image, history: list[Found]) -> dict[str, object]:
    """One image with its history in the reader's language."""
    return {"image": image, "history": [_row(one) for one in history]}


def _row(one: Found) -> dict[str, object]:
    return {"part": PARTS.get(one.what, one.what), "why": ERRORS.get(one.error, one.error), "row": one}
