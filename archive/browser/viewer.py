"""The page around the image viewer, and what the viewer asks of the pages: priors, and word of what was displayed."""

import json
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts import desks
from accounts.doors import open_to_links
from accounts.policy import Permission
from archive import query, restricting, retrieve
from archive.browser.entrance import actor_of
from archive.browser.names import readable_name
from archive.errors import Malformed
from archive.fixity import status
from archive.query import StudyRow

Shown = tuple[str, str, int]

MOST_SHOWN: Final = 1000
LONGEST_REPORT: Final = 256 * 1024
LONGEST_UID: Final = 64


@open_to_links
@require_GET
def study(request: HttpRequest, study_uid: str) -> HttpResponse:
    """The shell in which the viewer opens one study; who and what it is stands in it, its images do not."""
    actor = actor_of(request)
    row = query.study(actor, study_uid)
    may_download = Permission.STUDY_DOWNLOAD in actor.permissions
    may_trash = Permission.STUDY_TRASH in actor.permissions
    may = {
        "may_download": may_download,
        "may_trash": may_trash,
        "may_grant": Permission.STUDY_GRANT in actor.permissions,
        "may_share": Permission.STUDY_SHARE in actor.permissions,
        "by_link": actor.kind == "link",
    }
    context = {"study": row, "heading": heading(row), "restricted": restricting.is_restricted(study_uid), **may}
    context["desk"] = desks.waits(actor, study_uid)
    return render(request, "browser/study.html", {**context, "fixity": status.summary(actor, study_uid)})


@require_GET
def priors(request: HttpRequest, study_uid: str) -> HttpResponse:
    """The other studies of this patient that the reader may see, the newest first."""
    rows = query.priors(actor_of(request), study_uid)
    return JsonResponse([prior(row) for row in rows], safe=False)


@open_to_links
@require_POST
def displayed(request: HttpRequest, study_uid: str) -> HttpResponse:
    """Take the viewer's word for which frames came onto the screen: `{"displayed": [[series, instance, frame], …]}`."""
    retrieve.displayed(actor_of(request), study_uid, read_report(request.body))
    return HttpResponse(status=204)


def heading(row: StudyRow) -> str:
    """One line that names the study to a reader: patient, date, description."""
    parts = (readable_name(row.patient_name), row.patient_id, " ".join(row.modalities), row.description)
    return " · ".join(part for part in parts if part)


def prior(row: StudyRow) -> dict[str, object]:
    """One line of the list of priors."""
    return {
        "study_uid": row.uid,
        "date": row.date,
        "modality": " ".join(row.modalities),
        "description": row.description,
        "instances": row.instance_count,
    }


def read_report(body: bytes) -> list[Shown]:
    """Read a bounded report; raise Malformed for anything that is not one."""
    try:
        shown = json.loads(body[: LONGEST_REPORT + 1])["displayed"] if len(body) <= LONGEST_REPORT else None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Malformed("The report of displayed images cannot be read.") from error
    if not isinstance(shown, list) or len(shown) > MOST_SHOWN or not all(map(_is_shown, shown)):
        raise Malformed("The report of displayed images cannot be read.")
    return [(series, sop, frame) for series, sop, frame in shown]


def _is_shown(entry: object) -> bool:
    if not (isinstance(entry, list) and len(entry) == 3):
        return False
    series, sop, frame = entry
    uids = all(isinstance(uid, str) and 0 < len(uid) <= LONGEST_UID for uid in (series, sop))
    return uids and type(frame) is int and 0 < frame < 2**31
