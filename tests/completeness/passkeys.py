"""Who enters by a passkey, and what people do with passkeys and the app of their own."""

from typing import Final

from tests.completeness.rows import Expected, Row, done, missed, plain, refused

KEPT_OUT: Final = "person:sign-in"
NOBODYS: Final = "00000000-0000-4000-8000-000000000000"
OWN: Final = "person:own-passkey"


def posted(way: str, who: str, path: str, status: int, expected: tuple[Expected, ...], given: str, **form: str) -> Row:
    return Row(way, who, path, status, expected, method="POST", given=given, form=form)


def answered(way: str, path: str, status: int, expected: tuple[Expected, ...], given: str) -> Row:
    return posted(way, "{someone}", path, status, expected, given, credential="{answer}")


PROVED: Final = (
    answered("half", "/sign-in/code/", 302, done(KEPT_OUT), "a passkey, the password given"),
    answered(
        "half",
        "/sign-in/code/",
        422,
        (plain(KEPT_OUT, "denied", 1),),
        "a passkey that lies, the password given",
    ),
    answered("half", "/sign-in/enrol/", 200, (*done(KEPT_OUT), *done("person:enrolled")), "a first passkey"),
    answered("half", "/sign-in/enrol/", 422, (plain(KEPT_OUT, "denied", 1),), "a first passkey that lies"),
    answered("page", "/step-up/", 302, done("person:step-up"), "a passkey, signed in"),
    answered("page", "/step-up/", 422, refused("person:step-up"), "a passkey that lies, signed in"),
)

ASKED: Final = (
    posted("half", "{someone}", "/passkeys/ask/", 200, (), "a passkey, the password given"),
    posted("page", "{someone}", "/passkeys/ask/", 200, (), "a passkey, signed in"),
    posted("half", "{someone}", "/passkeys/offer/", 200, (), "a first passkey"),
    posted("half", "{someone}", "/passkeys/offer/", 404, (), "somebody"),
    posted("page", "{someone}", "/passkeys/offer/", 200, (), "somebody"),
    posted("tired", "{someone}", "/passkeys/offer/", 302, refused(OWN), "somebody"),
    posted("token", "radiologist", "/passkeys/ask/", 403, refused("person:own-changed"), ""),
    posted("token", "radiologist", "/passkeys/offer/", 403, refused(OWN), ""),
    posted("stranger", "", "/passkeys/ask/", 302, (plain("page:refused", "denied", 1),), ""),
    posted("stranger", "", "/passkeys/offer/", 302, (plain("page:refused", "denied", 1),), ""),
)

NAMED: Final = "/me/passkeys/{passkey}/"
MINE: Final = (
    Row("page", "{someone}", "/me/passkeys/", 200, (), given="somebody's passkey"),
    answered("page", "/me/passkeys/", 302, done(OWN), "another passkey"),
    answered("page", "/me/passkeys/", 422, (), "another passkey that lies"),
    posted("tired", "{someone}", "/me/passkeys/", 302, refused(OWN), "somebody", credential="x"),
    posted("token", "radiologist", "/me/passkeys/", 403, refused("person:own-changed"), "", credential="x"),
    posted("page", "{someone}", NAMED, 302, done(OWN), "somebody's passkey", name="mine"),
    posted("page", "{someone}", f"{NAMED}remove/", 302, done(OWN), "somebody's passkey"),
    posted("page", "{someone}", f"{NAMED}remove/", 422, (), "a passkey, signed in"),
    *(
        row
        for path in (NAMED, f"{NAMED}remove/")
        for row in (
            posted("tired", "{someone}", path, 302, refused(OWN), "somebody's passkey"),
            posted("page", "radiologist", path, 404, missed(OWN), "somebody's passkey"),
            posted("token", "{someone}", path, 403, refused("person:own-changed"), "somebody's passkey"),
        )
    ),
)

APP: Final = "/me/app/"
OWN_APP: Final = "person:own-app"
APPS: Final = (
    Row("page", "{someone}", APP, 200, (), given="somebody's passkey"),
    Row("tired", "{someone}", APP, 302, (), given="somebody's passkey"),
    Row("token", "radiologist", APP, 403, refused("person:own-changed")),
    posted("page", "{someone}", APP, 302, done(OWN_APP), "an app that was scanned", code="{code}"),
    posted("page", "{someone}", APP, 422, (), "an app that was scanned", code="x"),
    posted("tired", "{someone}", APP, 302, refused(OWN_APP), "somebody's passkey", code="000000"),
    posted("page", "{someone}", f"{APP}remove/", 302, done(OWN_APP), "somebody's passkey"),
    posted("page", "{someone}", f"{APP}remove/", 404, missed(OWN_APP), "a passkey, signed in"),
    posted("tired", "{someone}", f"{APP}remove/", 302, refused(OWN_APP), "somebody's passkey"),
    posted("token", "{someone}", f"{APP}remove/", 403, refused("person:own-changed"), "somebody's passkey"),
)

LIFTED: Final = "person:unlocked"
LOCKS: Final = (
    Row("page", "privacy", "/people/locked/", 200, ()),
    Row("page", "radiologist", "/people/locked/", 403, refused(LIFTED)),
    posted("page", "administrator", "/people/{person}/unlock/", 302, done(LIFTED), "somebody held up"),
    posted("page", "radiologist", "/people/{person}/unlock/", 403, refused(LIFTED), "somebody held up"),
    posted("page", "privacy", f"/people/{NOBODYS}/unlock/", 404, missed(LIFTED), ""),
)

ROWS: Final = (*PROVED, *ASKED, *MINE, *APPS, *LOCKS)
