"""Every built door has a row by which it is passed, one by which it is shut, and one that asks for nothing there.

A new door without them fails here. What a door has no use for stands below, by hand and with its reason; what is to
come stands in `accounts.doorways.TO_COME`.
"""

from collections import defaultdict
from typing import Final

from django.urls import resolve

from accounts import doorways
from accounts.doorways import Door, Kind
from tests.completeness import matrix
from tests.completeness.rows import Row

COMMANDS: Final = ("command", "bare", "vouched", "mistaken")
SAMPLE: Final = "00000000-0000-4000-8000-000000000000"
UIDS: Final = ("study", "series", "series2", "sop", "sop2", "many")
NUMBERS: Final = ("role",)
PASSED: Final = (0, 200, 204, 302)


def door_of(row: Row) -> Door:
    """The door before which a row asks."""
    if row.way in COMMANDS:
        words = row.asked.split()
        return Door(Kind.COMMAND, words[0] if words[0] in ("setup", "demo") else " ".join(words[:2]))
    if row.way in ("job", "idle"):
        return Door(Kind.JOB, row.asked.split()[0])
    if row.way == "wire":
        return Door(Kind.DIMSE, {"echo": "C-ECHO", "store": "C-STORE", "tls": "DICOM TLS"}[row.asked])
    path = ("/dicom-web" if row.way == "web" else "") + row.asked.partition("?")[0]
    for name in UIDS:
        path = path.replace(f"{{{name}}}", "1.2")
    while "{" in path:
        before, _, rest = path.partition("{")
        name, _, rest = rest.partition("}")
        path = before + ("1" if name in NUMBERS else SAMPLE) + rest
    route = resolve(path).route
    web = route.startswith("dicom-web/")
    return Door(Kind.DICOMWEB if web else Kind.PAGE, route.removeprefix("dicom-web/"))


def asked() -> dict[Door, list[Row]]:
    found = defaultdict(list)
    for row in (*matrix.FIRST, *matrix.ROWS, *matrix.LAST):
        if row.way != "program":
            found[door_of(row)].append(row)
    return found


def without(rows: dict[Door, list[Row]], outcome: str) -> set[str]:
    """The doors none of whose rows ends so."""
    return {
        f"{door.kind} {door.name}"
        for door in doorways.ALL
        if door.built and not any(outcome in _outcomes(row) for row in rows.get(door, ()))
    }


def _outcomes(row: Row) -> set[str]:
    told = {one.outcome for one in row.expected}
    refusing = told & {"denied", "not-found"}
    # A command that looks and finds something to be looked at has passed, whatever its exit status.
    passed = row.status in PASSED or "ok" in told
    return told | ({"passed"} if passed and not refusing else set())


# Doors that no row comes through yet: they need a machine of their own, and are tried in their rooms.
NOT_PASSED_YET: Final = {"command backup restore", "command demo", "command keys recover"}

# Whoever can give a command on this machine, or has come so far, may pass these; a worker only goes on with what was
# permitted before.
OPEN: Final = {
    "command audit key",
    "command demo",
    "command setup",
    "job destroy",
    "job retire",
    "page sign-in/password/",
    "page sign-out/",
}
# A device that may not store is offered no class to store in: its association says so, and no object is refused.
REFUSED_BEFORE: Final = {"dimse C-STORE"}

# Doors that name nothing which could not be there.
NAMES_NOTHING: Final = {
    *(f"command archive {verb}" for verb in ("check", "reindex", "scrub", "sweep")),
    *(f"command audit {verb}" for verb in ("export", "key", "messages", "status", "verify")),
    *(f"command backup {verb}" for verb in ("create", "places")),
    *(f"command keys {verb}" for verb in ("clean", "create-root", "export-shares", "recover", "rotate", "status")),
    *(f"command {noun} {verb}" for noun in ("device", "group", "person") for verb in ("add", "list")),
    *("command role list", "page approvals/", "page roles/", "page roles/new/"),
    *("command demo", "command setup", "command study restricted", "command study trashed"),
    *("dicomweb instances", "dicomweb series", "dicomweb studies", "dimse C-ECHO", "dimse C-STORE", "dimse DICOM TLS"),
    *(f"page {path}/" for path in ("destruction", "destruction/certificates", "devices", "devices/new", "groups")),
    "page devices/callers/",
    "page devices/equipment/",
    *(f"page me/{path}" for path in ("", "app/", "passkeys/", "password/", "recovery-codes/", "tokens/")),
    *("page passkeys/ask/", "page passkeys/offer/", "page people/locked/"),
    *(f"page {path}/" for path in ("people", "people/new", "setup", "sign-out", "step-up", "studies", "trash")),
    *("page locked/", "page me/alive/", "page me/lock/"),
    # Nothing laid out at a study is no more than that: nobody asked for anything of the archive.
    "page me/desks/<str:study_uid>/",
    "page sessions/",
    "page tokens/",
    # An address and a passphrase name a link; that there is none is a refusal like any other.
    *("page shared/", "page shares/"),
    *(f"page sign-in/{path}" for path in ("", "code/", "enrol/", "password/")),
    *(
        "page record/",
        "page record/health/",
        "page record/alerts/",
        "page record/alerts/seen/",
        "page record/mine/",
        "page record/patients/",
        "page studies/recent/",
    ),
    *(
        "page groups/rules/",
        "page groups/rules/import/",
        "command group import",
        "page grants/",
        "command study grants",
    ),
    *(f"page break-glass/{path}" for path in ("end/", "reviews/", "shares/")),
    # Whoever was destroyed, or never came, is a patient of whom the record tells nothing.
    "page record/patients/<slug:pseudonym>/",
    "page record/patients/<slug:pseudonym>/report/",
    # That a row was to be proved is on record whatever the answer.
    "command audit prove",
    # The subject of a job that is not there any more is work that is done.
    *(
        f"job {kind}"
        for kind in (
            "compare",
            "destroy",
            "digest",
            "discard",
            "metadata",
            "physician",
            "preview",
            "reindex",
            "retire",
            "verify",
        )
    ),
}
# What is being restored into has no record yet.
NOTHING_TO_WRITE_TO: Final = {"command backup restore"}


def test_every_door_is_passed_by_a_row() -> None:
    assert without(asked(), "passed") == NOT_PASSED_YET


def test_every_door_that_can_refuse_is_shut_by_a_row() -> None:
    assert without(asked(), "denied") == OPEN | REFUSED_BEFORE


def test_every_door_that_names_something_is_asked_for_what_is_not_there() -> None:
    assert without(asked(), "not-found") == NAMES_NOTHING | NOTHING_TO_WRITE_TO


def test_no_row_asks_before_a_door_that_is_not_named() -> None:
    assert set(asked()) - set(doorways.ALL) == {Door(Kind.PAGE, "language/")}
