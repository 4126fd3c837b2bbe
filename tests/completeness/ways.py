"""The ways of a study: how it comes, what is held back, how it goes out of sight and back, and its end."""

from typing import Final

from tests.completeness.rows import Expected, Row, S, done, missed, refused, searched, within

NOBODYS: Final = "00000000-0000-4000-8000-000000000000"
MACHINE: Final = ("web", "technologist", "/studies")


def of(action: str, outcome: str = "ok", count: int = 0, *, patient: bool = True, by: str = "") -> Expected:
    return Expected(f"study:{action}", outcome, patient=patient, count=count, by=by)


COMPARED: Final = Expected("job:derived", "ok", count=1, by="compare")
STORED: Final = tuple(
    Row(*sender, status, (*associated, *expected), method="POST", given=given)
    for sender, associated, failed in (
        (("web", "technologist", "/studies"), (), {"": 200, "bad": 400, "other": 409}),
        (("wire", "CT_ONE", "store"), done("wire:association"), {"": 0, "bad": 0xC000, "other": 0x0122}),
    )
    for given, status, expected in (
        ("a new image", failed[""], (of("store", count=1),)),
        ("a large new image", failed[""], (of("store", count=1),)),
        # The original is opened to be compared, which the job does in its own name.
        ("the same image again", failed[""], (of("duplicate", count=1), COMPARED)),
        ("another image under its UID", failed[""], (of("held-back", count=1), COMPARED)),
        ("an image for the trash", failed[""], (of("store", count=1),)),
    )
)

REJECTED: Final = (
    Row(
        *MACHINE,
        400,
        (Expected("study:rejected", "failed", study=False, patient=False, count=1),),
        method="POST",
        given="a broken file",
    ),
)

WAITING: Final = "an image held back"
SHOWN: Final = (of("compare", count=1),)
HELD: Final = (
    # The list of what is held back is a disclosure, the difference of the one that is shown another.
    Row("page", "technologist", f"{S}/held/", 200, (*SHOWN, *SHOWN, searched(1)), given=WAITING),
    Row("page", "radiologist", f"{S}/held/", 403, (of("compare", "denied"),), given=WAITING),
    Row("page", "technologist", f"{S}/held/", 404, (of("compare", "not-found", patient=False),), False),
    *(
        row
        for act, expected in (
            ("accept", (of("compare", count=1), of("held-accepted", count=1))),
            ("reject", (of("held-rejected", count=1),)),
        )
        for row in (
            Row("page", "technologist", f"{S}/held/{{held}}/{act}/", 302, expected, method="POST", given=WAITING),
            Row(
                "page",
                "technologist",
                f"{S}/held/{NOBODYS}/{act}/",
                404,
                (Expected("study:compare", "not-found", study=False, patient=False),),
                method="POST",
            ),
        )
    ),
    *(
        Row("page", "radiologist", f"{S}/held/{{held}}/{act}/", 403, (denied,), method="POST", given=WAITING)
        for act, denied in (("accept", of("compare", "denied")), ("reject", of("held-rejected", "denied")))
    ),
    Row(
        "job",
        "compare",
        "compare {held}",
        0,
        (Expected("job:derived", "ok", count=2), of("held-back", count=1)),
        given="an image to compare",
    ),
    Row("idle", "compare", "compare {held}", 1, (Expected("job:derived", "denied"),), given="an image to compare"),
)


# What a hold is asked with; the other doors do not look at it.
REASON: Final = {"study": "{study}", "reason": "because"}


def posted(who: str, path: str, status: int, expected: Expected, given: str, known: bool = True) -> Row:
    return Row("page", who, path, status, (expected,), known, "POST", given=given, form=REASON)


REMOVED: Final = (
    Row("page", "technologist", f"{S}/trash/", 200, (searched(1),)),
    Row("page", "radiologist", f"{S}/trash/", 403, refused("study:trashed")),
    Row("page", "technologist", f"{S}/trash/", 404, (within("not-found"), searched(0)), False),
    posted("technologist", f"{S}/trash/", 302, of("trashed"), "a study"),
    posted("radiologist", f"{S}/trash/", 403, of("trashed", "denied"), "a study"),
    posted("technologist", f"{S}/trash/", 404, of("trashed", "not-found", patient=False), "", False),
    Row("page", "technologist", "/trash/", 200, ()),
    posted("technologist", f"{S}/restore/", 302, of("restored"), "a study in the trash"),
    posted("radiologist", f"{S}/restore/", 403, of("restored", "denied"), "a study in the trash"),
    posted("technologist", f"{S}/restore/", 404, of("restored", "not-found", patient=False), "", False),
    Row("page", "privacy", "/holds/", 200, ()),
    posted("privacy", "/holds/", 302, of("hold"), "a study"),
    posted("radiologist", "/holds/", 403, of("hold", "denied"), "a study"),
    posted("privacy", "/holds/", 404, of("hold", "not-found", patient=False), "", False),
    posted("privacy", f"{S}/release/", 302, of("released"), "a study under a hold"),
    posted("radiologist", f"{S}/release/", 403, of("released", "denied"), "a study under a hold"),
    posted("privacy", f"{S}/release/", 404, of("released", "not-found", patient=False), "", False),
)

# What a study in the trash is asked for is as if it were unknown, and on record as what was not its reader's.
HIDDEN: Final = (
    Row("web", "radiologist", S, 404, (of("view", "denied"),), given="a study in the trash"),
    Row("page", "radiologist", f"{S}/", 404, (within("denied"), searched(0)), given="a study in the trash"),
)

END: Final = {"end": "{end}"}
GONE: Final = "a study destroyed"
CERTIFICATE: Final = "/destruction/certificates/{certificate}/"
OVER: Final = "a study whose time is over"
READ: Final = "study:destruction-read"
DESTROYED: Final = (
    Row("page", "keeper", "/destruction/", 200, ()),
    Row("page", "keeper", f"{S}/destroy/", 200, (), given=OVER),
    Row("page", "keeper", f"{S}/destroy/", 404, (Expected(READ, "not-found", patient=False),), False),
    Row("page", "radiologist", f"{S}/destroy/", 403, refused(READ), given=OVER),
    Row("page", "keeper", f"{S}/destroy/", 302, (of("destroyed"),), method="POST", given=OVER, form=END),
    Row("tired", "keeper", f"{S}/destroy/", 302, (of("destroyed", "denied"),), method="POST", given=OVER, form=END),
    Row("page", "radiologist", f"{S}/destroy/", 403, refused(READ), method="POST", given=OVER, form=END),
    *(
        Row("page", "keeper", f"{S}/destroy/", 400, (of("destroyed", "denied"),), method="POST", given=given, form=END)
        for given in ("a study in the trash", "a study in the trash under a hold")
    ),
    Row("page", "keeper", "/destruction/certificates/", 200, ()),
    *(
        row
        for path in ("", "note/", "steps/")
        for row in (
            Row("page", "keeper", f"{CERTIFICATE}{path}", 200, (), given=GONE),
            Row("page", "keeper", f"/destruction/certificates/{NOBODYS}/{path}", 404, missed(READ)),
            Row("page", "radiologist", f"/destruction/certificates/{NOBODYS}/{path}", 403, refused(READ)),
        )
    ),
    Row("page", "keeper", CERTIFICATE, 302, (), method="POST", given=GONE),
    Row("tired", "keeper", CERTIFICATE, 302, refused("study:destroyed"), method="POST", given=GONE),
)

FIXITY: Final = (
    Row("page", "radiologist", f"{S}/fixity/", 200, (searched(1),)),
    Row("page", "outsider", f"{S}/fixity/", 404, (within("denied"), searched(0))),
    Row("page", "radiologist", f"{S}/fixity/", 404, (within("not-found"), searched(0)), False),
    Row("page", "radiologist", "/studies/recent/", 200, ()),
    Row("page", "administrator", "/studies/recent/?since=2026-01-01T00:00:00Z", 403, refused("study:search")),
)

COMMANDS: Final = (
    *(
        row
        for verb, action, given in (
            ("trash {study}", "trashed", "a study"),
            ("restore {study}", "restored", "a study in the trash"),
            ("hold {study} --reason=because", "hold", "a study"),
            ("release {study}", "released", "a study under a hold"),
            ("reconcile {study}", "reconciled", "a study restricted"),
        )
        for row in (
            Row("command", "shell", f"study {verb}", 0, (of(action),), given=given),
            Row("command", "shell", f"study {verb}", 1, (of(action, "not-found", patient=False),), False),
            Row("bare", "shell", f"study {verb}", 1, (of(action, "denied"),), given=given),
        )
    ),
    Row("command", "shell", "study trashed", 0, ()),
    Row("bare", "shell", "study trashed", 1, refused("study:restored")),
    Row("command", "shell", "study restricted", 0, ()),
    Row("bare", "shell", "study restricted", 1, refused("study:reconciled")),
    Row(
        "vouched",
        "keeper",
        "study destroy {study} --as keeper",
        0,
        (*done("person:step-up"), of("destroyed")),
        given=OVER,
    ),
    Row(
        "vouched",
        "keeper",
        "study destroy {study} --as keeper",
        1,
        (*done("person:step-up"), of("destroyed", "not-found", patient=False)),
        False,
    ),
    Row(
        "mistaken",
        "keeper",
        "study destroy {study} --as keeper",
        1,
        (Expected("person:step-up", "denied", False, False, 1, by="-"),),
        given=OVER,
    ),
    Row(
        "vouched",
        "radiologist",
        "study destroy {study} --as radiologist",
        1,
        (*done("person:step-up"), of("destroyed", "denied")),
        given=OVER,
    ),
)

# What was begun by a keeper is no more a study; who may not destroy may not go on with it either.
RESUMED: Final = (
    Row(
        "vouched",
        "radiologist",
        "study destroy {study} --as radiologist",
        1,
        (*done("person:step-up"), *refused("study:destroyed")),
        given=GONE,
    ),
    Row("vouched", "keeper", "study destroy {study} --as keeper", 0, done("person:step-up"), given=GONE),
)

ROWS: Final = (*RESUMED, *STORED, *REJECTED, *HELD, *REMOVED, *HIDDEN, *DESTROYED, *FIXITY, *COMMANDS)
