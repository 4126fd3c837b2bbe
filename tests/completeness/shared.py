"""Shared links: who makes, opens and ends one, what its reader leaves on record, and what a link asks for in vain."""

from datetime import timedelta
from typing import Final

from django.test import Client

from accounts import people as persons
from accounts.models import Group, Role, SharedLink
from accounts.policy import Permission
from archive import sharing
from archive.sharing import Wish
from tests import builders
from tests.completeness import studies
from tests.completeness.rows import Expected, Row, S, done, missed, plain, refused, searched, within
from tests.completeness.studies import Names, actor
from tests.conftest import PASSWORD

NOBODYS: Final = "00000000-0000-4000-8000-000000000000"
WISH: Final = {"recipient": "Somebody", "number": "7", "unit": "days", "reason": "A second opinion is wanted."}


def sharer() -> Names:
    """A study of Radiology, and one of its people who may share, and not download."""
    Role.objects.get_or_create(name="sharer", defaults={"permissions": [Permission.STUDY_SHARE]})
    made = persons.create(builders.word().lower(), password=PASSWORD, roles=["technologist", "sharer"])
    made.groups.add(Group.objects.get(name="Radiology"))
    return {**studies.study(), "sharer": made.username, "linked": f"{made.username} (shared link)"}


def shared() -> Names:
    names = sharer()
    wish = Wish("Somebody", timedelta(days=1), "A second opinion is wanted.")
    halves = sharing.share(actor(names["sharer"]), names["study"], wish).secrets
    row = SharedLink.objects.get(study_uid=names["study"])
    return {**names, "share": str(row.id), "fragment": halves.token, "passphrase": halves.passphrase}


def reader() -> Names:
    """A browser that came by a link."""
    names = shared()
    browser = Client(HTTP_HOST="localhost")
    browser.defaults["wsgi.url_scheme"] = "https"
    answer = browser.post("/shared/", {"token": names["fragment"], "passphrase": names["passphrase"]})
    assert answer.status_code == 302
    return {**names, "browser": browser}


PREPARED: Final = {"who may share": sharer, "a study shared": shared, "a reader by a link": reader}

MADE, OPENED, ENDED = "link:made", "link:opened", "link:ended"
GIVEN, HAD, COME = "who may share", "a study shared", "a reader by a link"
END: Final = "/shares/{share}/end/"


def share(who: str, status: int, *expected: Expected, way: str = "page", known: bool = True, **more: str) -> Row:
    return Row(way, who, f"{S}/share/", status, expected, known, "POST", given=GIVEN, form={**WISH, **more})


def enter(status: int, expected: Expected, **halves: str) -> Row:
    return Row("stranger", "", "/shared/", status, (expected,), method="POST", given=HAD, form=halves)


def by_link(path: str, status: int, *expected: Expected, known: bool = True, method: str = "GET", **form: str) -> Row:
    return Row("page", "{linked}", path, status, expected, known, method, given=COME, form=form)


MAKING: Final = (
    Row("page", "{sharer}", f"{S}/share/", 200, (searched(1),), given=GIVEN),
    Row("page", "radiologist", f"{S}/share/", 403, refused(MADE), given=GIVEN),
    share("{sharer}", 200, Expected(MADE, "ok")),
    share("{sharer}", 302, *refused(MADE), way="tired"),
    share("{sharer}", 422, searched(1), number="31"),
    share("{sharer}", 422, Expected(MADE, "denied", patient=False), searched(1), download="yes"),
    share("{sharer}", 404, Expected(MADE, "not-found", patient=False), known=False),
    share("radiologist", 403, *refused(MADE)),
    Row("page", "{sharer}", "/shares/", 200, (), given=HAD),
    Row("token", "radiologist", "/shares/", 403, refused("link:read")),
    Row("page", "{sharer}", END, 302, (Expected(ENDED, "ok", patient=False),), method="POST", given=HAD),
    Row("page", "privacy", END, 302, (Expected(ENDED, "ok", patient=False),), method="POST", given=HAD),
    Row("page", "radiologist", END, 404, missed(ENDED), method="POST", given=HAD),
    Row("page", "radiologist", f"/shares/{NOBODYS}/end/", 404, missed(ENDED), method="POST"),
    Row("token", "radiologist", END, 403, refused(ENDED), method="POST", given=HAD),
)

OPENING: Final = (
    Row("stranger", "", "/shared/", 200, ()),
    enter(302, Expected(OPENED, "ok", patient=False, by="{linked}"), token="{fragment}", passphrase="{passphrase}"),
    # Whose link it is stands beside a refusal as claimed, as the name does that somebody typed.
    enter(422, plain(OPENED, "denied", 1, by="{sharer}"), token="{fragment}", passphrase="wrong"),
    enter(422, plain(OPENED, "denied", 1), token="unknown", passphrase="{passphrase}"),
)

READING: Final = (
    by_link(f"{S}/", 200, searched(1)),
    by_link(f"{S}/", 404, within("not-found"), searched(0), known=False),
    by_link("/studies/", 404, plain("page:refused", "denied", 1)),
    by_link("/dicom-web/studies", 404, plain("page:refused", "denied", 1)),
    by_link(f"{S}/download/", 403, Expected("study:download", "denied"), method="POST", purpose="care"),
    by_link("/sign-out/", 302, *done("person:sign-out"), method="POST"),
)

ROWS: Final = (*MAKING, *OPENING, *READING)
