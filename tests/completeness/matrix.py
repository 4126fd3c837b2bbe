"""The matrix, written by hand: what is asked at which door, by whom, and exactly what is on record then.

Nothing here is computed from the program's own tables, so that a mistake there cannot repeat itself here.
A path may hold `{study}`, `{series}` and `{sop}`: those of a study that Radiology has, or of one that nobody has.
"""

from typing import Final

from tests.completeness import (
    administering,
    ending,
    equipped,
    giving,
    passkeys,
    pixels,
    scopes,
    shared,
    signing_in,
    tending,
    ways,
)
from tests.completeness.rows import (
    DENIED,
    MISSED,
    VIEWED,
    Expected,
    F,
    I,
    R,
    Row,
    S,
    done,
    refused,
    searched,
    sent,
    within,
)

SEARCHES: Final = tuple(
    row
    for path in (f"/{level}?StudyInstanceUID={{study}}" for level in ("studies", "series", "instances"))
    for row in (
        Row("web", "radiologist", path, 200, (searched(1),)),
        Row("web", "outsider", path, 200, (within("denied"), searched(0))),
        Row("web", "administrator", path, 403, (Expected("study:search", "denied", study=False, patient=False),)),
    )
)

SEARCHES_WITHIN: Final = tuple(
    row
    for path in (f"{S}/series", f"{S}/instances", f"{R}/instances")
    for row in (
        Row("web", "radiologist", path, 200, (searched(1),)),
        # The answer is an empty list, as for a search that finds nothing; why it is empty stands beside it.
        Row("web", "outsider", path, 200, (within("denied"), searched(0))),
        Row("web", "radiologist", path, 200, (within("not-found"), searched(0)), known=False),
    )
)

WHOLE: Final = tuple(
    row
    for path, left in ((S, "sop"), (R, "sop"), (I, "sop"), (F, "sop 1"))
    for row in (
        Row("web", "radiologist", path, 200, (VIEWED, sent("retrieved", left))),
        Row("web", "outsider", path, 404, (DENIED,)),
        Row("web", "radiologist", path, 404, (MISSED,), known=False),
    )
)

METADATA: Final = tuple(
    row
    for path in (f"{S}/metadata", f"{R}/metadata", f"{I}/metadata")
    for row in (
        Row("web", "radiologist", path, 200, (VIEWED, sent("listed", "sop"))),
        Row("web", "outsider", path, 404, (DENIED,)),
        Row("web", "radiologist", path, 404, (MISSED,), known=False),
    )
)

PAGES: Final = (
    Row("page", "radiologist", "/studies/", 200, (searched(1),), once=True),
    Row("page", "radiologist", "/studies/{study}/", 200, (searched(1),)),
    Row("page", "outsider", "/studies/{study}/", 404, (within("denied"), searched(0))),
    Row("page", "radiologist", "/studies/{study}/", 404, (within("not-found"), searched(0)), known=False),
    Row("page", "radiologist", "/studies/{study}/priors.json", 200, (searched(1),), given="a patient with two studies"),
    Row("page", "outsider", "/studies/{study}/priors.json", 404, (within("denied"),)),
    Row("page", "radiologist", "/studies/{study}/priors.json", 404, (within("not-found"),), known=False),
    Row("page", "administrator", "/people/", 200, ()),
    Row("page", "radiologist", "/people/", 403, (Expected("person:read", "denied", study=False, patient=False),)),
    Row("page", "privacy", "/record/", 200, (Expected("log:read", "ok", study=False, patient=False, count=-1),)),
    Row("page", "radiologist", "/record/", 403, (Expected("log:read", "denied", study=False, patient=False),)),
)

WIRE: Final = (
    Row("wire", "ECHO_ONE", "echo", 0, (Expected("wire:echo", "ok", study=False, patient=False),)),
    Row("wire", "NOBODY", "echo", 1, (Expected("wire:refused", "denied", study=False, patient=False, count=1),)),
)


UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"
SHUT: Final = (
    Row("page", "radiologist", "/groups/", 403, refused("group:changed")),
    Row("page", "radiologist", "/devices/", 403, refused("device:read")),
    Row("page", "radiologist", "/devices/new/", 403, refused("device:changed")),
    Row("page", "radiologist", "/people/new/", 403, refused("person:read")),
    Row("page", "radiologist", "/destruction/", 403, refused("study:destruction-read")),
    Row("page", "radiologist", "/destruction/certificates/", 403, refused("study:destruction-read")),
    Row("page", "radiologist", "/trash/", 403, refused("study:restored")),
    Row("page", "radiologist", "/holds/", 403, refused("study:hold")),
    Row("page", "radiologist", "/record/alerts/", 403, refused("alert:changed")),
    Row("page", "radiologist", "/record/health/", 403, refused("log:read")),
    Row("page", "administrator", "/studies/recent/", 403, refused("study:search")),
    Row("page", "radiologist", "/sign-out/", 302, done("person:sign-out"), method="POST"),
)

P: Final = f"/record/patients/{'0' * 32}/"
OF_NOBODY: Final = Expected("log:patient", "ok", False, False)
OF_PATIENT: Final = Expected("log:patient", "ok", study=False)
EXPORTED: Final = Expected("log:exported", "ok", study=False)

# The record's own health, and its alerts: what is marked as seen need not exist.
HEALTH: Final = (
    Row("page", "privacy", "/record/health/", 200, (Expected("log:read", "ok", False, False, count=-1),)),
    Row("page", "privacy", "/record/alerts/seen/", 302, done("alert:changed"), method="POST"),
    Row("page", "radiologist", "/record/health/", 403, refused("log:read")),
    Row("page", "radiologist", "/record/alerts/seen/", 403, refused("alert:changed"), method="POST"),
)

# One patient of the record, whom nobody has seen: that somebody asked is on record whatever the answer.
WHO_SAW: Final = (
    Row("page", "privacy", P, 200, (OF_PATIENT,)),
    Row("page", "radiologist", P, 403, refused("log:patient")),
    Row("page", "privacy", f"{P}report/", 200, (EXPORTED,), method="POST"),
    Row("page", "radiologist", f"{P}report/", 403, refused("log:exported"), method="POST"),
    Row("page", "radiologist", "/record/patients/", 403, refused("log:patient")),
    Row(
        "page",
        "privacy",
        "/record/patients/",
        200,
        (Expected("log:patient", "ok", False, False, count=1),),
        method="POST",
        form={"wanted": "{number}"},
        given="a patient by number",
    ),
    Row("page", "privacy", "/record/patients/", 200, (OF_NOBODY,), method="POST", form={"wanted": "NOBODY AT ALL"}),
    Row("page", "radiologist", "/record/mine/", 200, (Expected("log:own", "ok", False, False, count=-1),)),
)

SHUT_TOO: Final = tuple(
    Row("web", "radiologist", "/studies", 403, refused("study:store"), method="POST", given=given)
    for given in ("a new image", "a large new image")
)

STARTED: Final = done("program:started")
PROGRAM: Final = (
    Row("program", "web", "start", 0, STARTED, given="a last start"),
    Row("program", "web", "start and stop", 0, (*STARTED, *done("program:stopped")), given="a last start"),
    Row("program", "web", "start", 0, (*STARTED, *done("setting:changed")), given="a last start with other settings"),
    Row(
        "program",
        "web",
        "start",
        0,
        (*STARTED, Expected("program:stopped", "failed", False, False, by="worker")),
        given="a worker that died",
    ),
)

COMMANDS: Final = (
    # There is no such row; that somebody asked is on record whatever the answer.
    Row("command", "shell", "audit prove 999999", 1, (Expected("log:read", "ok", False, False, count=-1),)),
    Row("command", "shell", "audit export", 0, done("log:exported")),
    # Nobody signs or verifies the record of this house, which is no fault of the record's yet; alerts are open.
    Row("command", "shell", "audit status", 1, (Expected("log:read", "ok", False, False, count=-1),)),
    Row("command", "shell", "audit messages --again", 0, done("log:exported")),
)

ROWS: Final = (
    *SEARCHES,
    *SEARCHES_WITHIN,
    *WHOLE,
    *METADATA,
    *PAGES,
    *WIRE,
    *SHUT,
    *HEALTH,
    *WHO_SAW,
    *SHUT_TOO,
    *pixels.ROWS,
    *signing_in.ROWS,
    *passkeys.ROWS,
    *administering.ROWS,
    *equipped.ROWS,
    *ending.ROWS,
    *giving.ROWS,
    *ways.ROWS,
    *scopes.ROWS,
    *shared.ROWS,
    *tending.JOBS,
    *PROGRAM,
    *COMMANDS,
)
FIRST: Final = tending.HOUSE
LAST: Final = signing_in.LAST
