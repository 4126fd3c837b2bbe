"""Pixels and whole objects: what becomes of them stands on record, and which instances and frames exactly.

The study has one series of two slices, `sop` and `sop2`, and one of an image of three frames, `many`.
"""

from typing import Final

from tests.completeness.rows import DENIED, MISSED, VIEWED, Expected, F, I, R, Row, S, sent

MANY: Final = f"{S}/series/{{series2}}/instances/{{many}}"
ALL: Final = ("many", "sop", "sop2")

# A program retrieves whatever it asks for; a small picture is no reading, whoever asks for it.
PICTURES: Final = tuple(
    row
    for path, use, left in (
        (f"{S}/rendered", "retrieved", "sop2"),
        (f"{R}/rendered", "retrieved", "sop2"),
        (f"{I}/rendered", "retrieved", "sop"),
        (f"{F}/rendered", "retrieved", "sop 1"),
        (f"{MANY}/frames/2/rendered", "retrieved", "many 2"),
        (f"{S}/thumbnail", "previewed", "sop2"),
        (f"{R}/thumbnail", "previewed", "sop2"),
        (f"{I}/thumbnail", "previewed", "sop"),
        (f"{F}/thumbnail", "previewed", "sop 1"),
    )
    for row in (
        Row("web", "radiologist", path, 200, (VIEWED, sent(use, left)), given="a study of three"),
        Row("web", "outsider", path, 404, (DENIED,), given="a study of three"),
        Row("web", "radiologist", path, 404, (MISSED,), known=False, given="a study of three"),
    )
)

OBJECTS: Final = tuple(
    row
    for path, use, left in (
        (S, "retrieved", ALL),
        (R, "retrieved", ("sop", "sop2")),
        (f"{S}/metadata", "listed", ALL),
        (f"{R}/metadata", "listed", ("sop", "sop2")),
        (f"{I}/bulkdata/00282000", "retrieved", ("sop",)),
        (f"{I}/bulkdata/7FE00010", "retrieved", ("sop 1",)),
        (f"{MANY}/frames/3,1", "retrieved", ("many 1+3",)),
    )
    for row in (
        Row("web", "radiologist", path, 200, (VIEWED, sent(use, *left)), given="a study of three"),
        Row("web", "outsider", path, 404, (DENIED,), given="a study of three"),
        Row("web", "radiologist", path, 404, (MISSED,), known=False, given="a study of three"),
    )
)

# The viewer says what it fetches pixels for; what says nothing, or anything else, has shown them.
VIEWER: Final = tuple(
    Row("page", "radiologist", f"/dicom-web{path}", 200, (VIEWED, sent(use, left)), given="a study of three", use=said)
    for path, said, use, left in (
        (F, "", "displayed", "sop 1"),
        (f"{MANY}/frames/2,3", "prefetched", "prefetched", "many 2+3"),
        (F, "previewed", "previewed", "sop 1"),
        (F, "retrieved", "displayed", "sop 1"),
        (f"{S}/rendered", "", "displayed", "sop2"),
        (f"{S}/rendered", "previewed", "previewed", "sop2"),
        (f"{S}/thumbnail", "displayed", "previewed", "sop2"),
        (f"{I}/bulkdata/7FE00010", "prefetched", "prefetched", "sop 1"),
        (I, "prefetched", "retrieved", "sop"),
    )
)

SHOWN: Final = f"{S}/displayed/"
TOLD: Final = '{"displayed": [["{series2}", "{many}", 3], ["{series}", "{sop}", 1]]}'
REPORTS: Final = (
    Row(
        "page",
        "radiologist",
        SHOWN,
        204,
        (VIEWED, sent("displayed", "many 3", "sop 1")),
        method="POST",
        sent=TOLD,
        given="a study of three",
    ),
    Row("page", "outsider", SHOWN, 404, (DENIED,), method="POST", sent=TOLD, given="a study of three"),
    Row("page", "radiologist", SHOWN, 404, (MISSED,), False, "POST", sent=TOLD, given="a study of three"),
)

ZIP: Final = f"{S}/download/"
CARE: Final = {"purpose": "care"}


def downloaded(outcome: str, *, patient: bool = True, count: int = 0) -> Expected:
    return Expected("study:download", outcome, patient=patient, count=count)


TAKEN: Final = (downloaded("ok", count=3), sent("retrieved", *ALL))
DOWNLOADS: Final = tuple(
    Row(way, who, ZIP, status, expected, known, "POST", form=CARE, given="a study of three")
    for way, who, status, known, expected in (
        ("page", "radiologist", 200, True, TAKEN),
        ("page", "outsider", 404, True, (downloaded("denied"),)),
        ("page", "radiologist", 404, False, (downloaded("not-found", patient=False),)),
        ("page", "technologist", 403, True, (downloaded("denied"),)),
        ("tired", "radiologist", 302, True, (downloaded("denied"),)),
    )
)

ROWS: Final = (*PICTURES, *OBJECTS, *VIEWER, *REPORTS, *DOWNLOADS)
