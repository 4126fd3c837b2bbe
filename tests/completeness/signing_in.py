"""Who enters, who is kept out, and what people do with what is their own."""

from typing import Final

from tests.completeness.rows import Expected, Row, done, missed, plain, refused

RIGHT: Final = "correct horse battery staple"
NEW: Final = "another correct horse battery"
KEPT_OUT: Final = "person:sign-in"


def posted(way: str, who: str, path: str, status: int, expected: tuple[Expected, ...], given: str, **form: str) -> Row:
    return Row(way, who, path, status, expected, method="POST", given=given, form=form)


# The name that was typed is on record as claimed; a right password alone opens nothing and is no event.
PASSWORDS: Final = tuple(
    posted("stranger", "", "/sign-in/", status, expected, given, username=name, password=password)
    for status, expected, given, name, password in (
        (302, (), "somebody", "{someone}", RIGHT),
        (422, (plain(KEPT_OUT, "denied", 1, by="{someone}"),), "somebody", "{someone}", "wrong"),
        (422, (plain(KEPT_OUT, "denied", 1),), "", "nobody-of-this-name", RIGHT),
        (422, (plain(KEPT_OUT, "denied", 1, by="{someone}"),), "somebody disabled", "{someone}", RIGHT),
        (
            422,
            (plain(KEPT_OUT, "denied", 1, by="{someone}"), plain("person:locked", "denied", by="{someone}")),
            "four wrong passwords",
            "{someone}",
            "wrong",
        ),
        (422, (plain(KEPT_OUT, "denied", 1, by="{someone}"),), "five wrong passwords", "{someone}", RIGHT),
        (
            422,
            (plain(KEPT_OUT, "denied", 1, by="{someone}"), plain("person:locked", "denied", by="{someone}")),
            "wrong passwords from many places",
            "{someone}",
            "wrong",
        ),
    )
)

CODES: Final = (
    posted("half", "{someone}", "/sign-in/code/", 302, done(KEPT_OUT), "somebody", code="{code}"),
    posted("half", "{someone}", "/sign-in/code/", 302, done(KEPT_OUT), "somebody", code="{recovery}"),
    posted("half", "{someone}", "/sign-in/code/", 422, (plain(KEPT_OUT, "denied", 1),), "somebody", code="{wrong}"),
    posted(
        "half",
        "{someone}",
        "/sign-in/code/",
        422,
        (plain(KEPT_OUT, "denied", 1),),
        "a code used before",
        code="{code}",
    ),
    posted(
        "half",
        "{someone}",
        "/sign-in/enrol/",
        200,
        (*done(KEPT_OUT), *done("person:enrolled")),
        "a newcomer without a second factor",
        code="{code}",
    ),
    posted(
        "half",
        "{someone}",
        "/sign-in/enrol/",
        422,
        (plain(KEPT_OUT, "denied", 1),),
        "a newcomer without a second factor",
        code="000",
    ),
    posted(
        "half",
        "{someone}",
        "/sign-in/password/",
        302,
        done("person:own-changed"),
        "a newcomer with an initial password",
        new=NEW,
    ),
    posted("half", "{someone}", "/sign-in/password/", 422, (), "a newcomer with an initial password", new=RIGHT),
    posted("tired", "{someone}", "/step-up/", 302, done("person:step-up"), "somebody", code="{code}"),
    posted("tired", "{someone}", "/step-up/", 302, done("person:step-up"), "somebody", code="{recovery}"),
    posted("tired", "{someone}", "/step-up/", 422, refused("person:step-up"), "somebody", code="{wrong}"),
    posted("tired", "{someone}", "/step-up/", 422, refused("person:step-up"), "a code used before", code="{code}"),
    posted("page", "{someone}", "/sign-out/", 302, done("person:sign-out"), "somebody"),
    Row("stranger", "", "/studies/", 302, (plain("page:refused", "denied", 1),)),
    Row("half", "{someone}", "/studies/", 302, (plain("page:refused", "denied", 1),), given="somebody"),
)

CHANGED: Final = done("person:own-changed")
MINE: Final = (
    Row("page", "radiologist", "/me/", 200, ()),
    posted("page", "{someone}", "/me/", 302, CHANGED, "somebody", language="fr", theme="light"),
    posted("page", "{someone}", "/me/", 422, (), "somebody", language="xx", theme="light"),
    posted("page", "{someone}", "/language/", 302, CHANGED, "somebody", language="fr"),
    posted("page", "{someone}", "/me/password/", 302, CHANGED, "somebody", old=RIGHT, new=NEW),
    posted("page", "{someone}", "/me/password/", 422, refused("person:own-changed"), "somebody", old="wrong", new=NEW),
    posted("page", "{someone}", "/me/recovery-codes/", 200, done("person:own-token"), "somebody"),
    posted("tired", "{someone}", "/me/recovery-codes/", 302, refused("person:own-token"), "somebody"),
    posted(
        "page", "{someone}", "/me/tokens/", 200, done("person:own-token"), "somebody", name="x", scopes="study.view"
    ),
    posted("page", "{someone}", "/me/tokens/", 422, (), "somebody", name="x", scopes="people.manage"),
    posted(
        "tired", "{someone}", "/me/tokens/", 302, refused("person:own-token"), "somebody", name="x", scopes="study.view"
    ),
    posted("page", "{someone}", "/me/tokens/{token}/revoke/", 302, CHANGED, "somebody's token"),
    posted("page", "radiologist", "/me/tokens/{token}/revoke/", 404, missed("person:own-changed"), "somebody's token"),
    posted("page", "{someone}", "/me/sessions/{session}/end/", 302, CHANGED, "somebody's session"),
    posted(
        "page", "radiologist", "/me/sessions/{session}/end/", 404, missed("person:own-changed"), "somebody's session"
    ),
    # A token carries nobody's rights over what is their own.
    Row("token", "radiologist", "/record/mine/", 403, refused("log:own")),
    posted("token", "{someone}", "/me/tokens/{token}/revoke/", 403, refused("person:own-changed"), "somebody's token"),
    posted(
        "token", "{someone}", "/me/sessions/{session}/end/", 403, refused("person:own-changed"), "somebody's session"
    ),
    *(
        Row("token", "radiologist", path, 403, refused("person:own-changed"), method="POST", form={"language": "fr"})
        for path in ("/me/", "/me/password/", "/me/tokens/", "/me/recovery-codes/")
    ),
)

ROWS: Final = (*PASSWORDS, *CODES, *MINE)

ADMINISTRATOR: Final = {"username": "first", "full_name": "First", "password": NEW}
LAST: Final = (
    posted(
        "stranger",
        "",
        "/setup/",
        302,
        (plain("setup:link", "ok", by="first"),),
        "nobody there yet",
        token="{link}",
        **ADMINISTRATOR,
    ),
    posted(
        "stranger",
        "",
        "/setup/",
        422,
        (plain("setup:link", "denied", 1),),
        "a link used before",
        token="{link}",
        **ADMINISTRATOR,
    ),
    Row("command", "shell", "setup link", 0, done("setup:link"), given="nobody there yet"),
)
"""Rows of an installation without anybody in it: they are asked last."""
