"""People, groups, devices and tokens, on pages and from the shell; the record as its readers read it."""

from typing import Final

from tests.completeness.rows import Expected, Row, done, missed, plain, refused

NOBODYS: Final = "00000000-0000-4000-8000-000000000000"
PERSON: Final = done("person:changed")
A_PERSON: Final = {"username": "{fresh}", "full_name": "Fresh", "roles": "clinician", "groups": "Radiology"}
A_DEVICE: Final = {"ae_title": "{fresh}", "address": "127.0.0.8/32", "may": "store", "groups": "Radiology"}


def page(who: str, path: str, status: int, expected: tuple[Expected, ...], way: str = "page") -> Row:
    return Row(way, who, path, status, expected, given="somebody")


def posted(
    who: str, path: str, status: int, expected: tuple[Expected, ...], given: str, way: str = "page", **form: str
) -> Row:
    return Row(way, who, path, status, expected, method="POST", given=given, form=form)


PEOPLE: Final = (
    page("administrator", "/people/", 200, ()),
    page("administrator", "/people/new/", 200, ()),
    page("administrator", "/people/{person}/", 200, ()),
    page("radiologist", "/people/{person}/", 403, refused("person:read")),
    page("administrator", f"/people/{NOBODYS}/", 404, missed("person:read")),
    posted("administrator", "/people/new/", 200, PERSON, "", **A_PERSON),
    posted("administrator", "/people/new/", 422, (), "", **{**A_PERSON, "username": "radiologist"}),
    posted("administrator", "/people/new/", 302, refused("person:changed"), "", "tired", **A_PERSON),
    posted("radiologist", "/people/new/", 403, refused("person:read"), "", **A_PERSON),
    posted("administrator", "/people/{person}/", 302, PERSON, "somebody", **A_PERSON),
    posted("administrator", "/people/{person}/", 302, refused("person:changed"), "somebody", "tired", **A_PERSON),
    *(
        row
        for act, action, status in (
            ("disable", "person:changed", 302),
            ("enable", "person:changed", 302),
        )
        for row in (
            posted("administrator", f"/people/{{person}}/{act}/", status, done(action), "somebody"),
            posted("administrator", f"/people/{{person}}/{act}/", 302, refused(action), "somebody", "tired"),
            posted("radiologist", f"/people/{{person}}/{act}/", 403, refused("person:read"), "somebody"),
            posted("administrator", f"/people/{NOBODYS}/{act}/", 404, missed("person:read"), ""),
        )
    ),
)

DEVICE: Final = done("device:changed")
ENROLLED: Final = done("device:enrolled")
GROUPS_AND_DEVICES: Final = (
    page("administrator", "/groups/", 200, ()),
    posted("administrator", "/groups/", 302, done("group:changed"), "", name="{fresh}"),
    posted("administrator", "/groups/", 422, (), "", name="Radiology"),
    posted("radiologist", "/groups/", 403, refused("group:changed"), "", name="{fresh}"),
    page("administrator", "/devices/", 200, ()),
    page("administrator", "/devices/new/", 200, ()),
    posted("administrator", "/devices/new/", 302, DEVICE, "", **A_DEVICE),
    posted("administrator", "/devices/new/", 422, (), "", **{**A_DEVICE, "address": "here"}),
    posted("radiologist", "/devices/new/", 403, refused("device:changed"), "", **A_DEVICE),
    posted("administrator", "/devices/{device}/", 302, DEVICE, "a device", **A_DEVICE),
    posted("radiologist", "/devices/{device}/", 403, refused("device:changed"), "a device", **A_DEVICE),
    posted("administrator", f"/devices/{NOBODYS}/", 404, missed("device:changed"), "", **A_DEVICE),
    posted("administrator", "/devices/{device}/active/", 302, DEVICE, "a device", active="no"),
    posted("administrator", "/devices/{device}/active/", 302, DEVICE, "a device", active="yes"),
    posted("radiologist", "/devices/{device}/active/", 403, refused("device:changed"), "a device", active="no"),
    posted("administrator", f"/devices/{NOBODYS}/active/", 404, missed("device:changed"), "", active="no"),
)


def command(
    asked: str, status: int, expected: tuple[Expected, ...], given: str = "somebody", way: str = "command"
) -> Row:
    return Row(way, "shell", asked, status, expected, given=given)


GIVEN: Final = Expected("group:changed", "ok", patient=False)
NO_STUDY: Final = Expected("group:changed", "not-found", patient=False)
COMMANDS: Final = (
    command("person add {fresh} --role clinician --group Radiology", 0, PERSON),
    command("person add radiologist --role clinician", 1, ()),
    command("person list", 0, ()),
    command("person disable {someone}", 0, PERSON),
    command("person disable nobody", 1, missed("person:changed")),
    command("person reset-factors {someone}", 0, done("person:factors-reset")),
    command("person reset-factors nobody", 1, missed("person:factors-reset")),
    command("token add {someone}", 0, done("token:changed")),
    command("token add nobody", 1, missed("token:changed")),
    command("token revoke {token}", 0, done("token:changed"), "somebody's token"),
    command(f"token revoke {NOBODYS}", 1, missed("token:changed")),
    command("group add {fresh}", 0, done("group:changed")),
    command("group list", 0, ()),
    command("group give Cardiology {study}", 0, (GIVEN,), "a study"),
    command("group give Nobody {study}", 1, missed("group:changed")),
    command("group give Cardiology 1.2.3", 1, (NO_STUDY,)),
    command("device add {fresh} --address 127.0.0.7/32 --group Radiology", 0, DEVICE),
    command("device list", 0, ()),
    command("device disable {ae_title}", 0, DEVICE, "a device"),
    command("device disable NOBODY", 1, missed("device:changed")),
    command("device enrol {ae_title} --into {folder}/bundle", 0, ENROLLED, given="a device and a folder"),
    command("device enrol NOBODY --into {folder}/bundle", 1, missed("device:changed"), given="a folder"),
    command("device revoke {ae_title}", 0, DEVICE, given="a device"),
    command("device revoke NOBODY", 1, missed("device:changed")),
    *(
        command(asked, 1, refused(action), given, "bare")
        for asked, action, given in (
            ("person add {fresh} --role clinician", "person:changed", "somebody"),
            ("person list", "person:read", "somebody"),
            ("person disable {someone}", "person:changed", "somebody"),
            ("person disable nobody", "person:changed", "somebody"),
            ("person reset-factors {someone}", "person:factors-reset", "somebody"),
            ("token add {someone}", "token:changed", "somebody"),
            ("token revoke {token}", "token:changed", "somebody's token"),
            ("group add {fresh}", "group:changed", "somebody"),
            ("group list", "group:changed", "somebody"),
            ("device add {fresh} --address 127.0.0.7/32", "device:changed", "somebody"),
            ("device list", "device:changed", "somebody"),
            ("device disable {ae_title}", "device:changed", "a device"),
            ("device enrol ECHO_ONE --into {folder}/bundle", "device:enrolled", "a folder"),
            ("device revoke {ae_title}", "device:changed", "a device"),
            ("audit verify", "log:verified", ""),
            ("audit prove 1", "log:read", ""),
            ("audit export", "log:exported", ""),
            ("audit messages --again", "log:exported", ""),
            ("audit status", "log:read", ""),
        )
    ),
    Row("bare", "shell", "group give Cardiology {study}", 1, (Expected("group:changed", "denied", patient=False),)),
)

RECORD: Final = (
    Row("page", "privacy", "/record/events/1/1/", 200, (Expected("log:read", "ok", count=-1),)),
    Row("page", "privacy", "/record/events/9/9/", 404, missed("log:read")),
    Row("page", "radiologist", "/record/events/1/1/", 403, refused("log:read")),
    Row(
        "page",
        "privacy",
        "/record/sittings/{sitting}/",
        200,
        (Expected("log:read", "ok", count=-1),),
        given="a sitting",
    ),
    Row("page", "privacy", f"/record/sittings/{NOBODYS}/", 404, missed("log:read")),
    Row("page", "radiologist", f"/record/sittings/{NOBODYS}/", 403, refused("log:read")),
    Row("page", "privacy", "/record/alerts/", 200, ()),
    posted("privacy", "/record/alerts/{alert}/seen/", 302, done("alert:changed"), "an alert"),
    posted("privacy", f"/record/alerts/{NOBODYS}/seen/", 404, missed("alert:changed"), ""),
    posted("radiologist", "/record/alerts/{alert}/seen/", 403, refused("alert:changed"), "an alert"),
    Row("page", "privacy", "/record/patients/", 200, ()),
    Row("command", "shell", "audit verify", 0, (plain("log:verified", "ok", -1),)),
    Row("command", "shell", "audit prove 1", 0, (plain("log:read", "ok", -1),), given="a checkpoint"),
    Row("command", "shell", "audit key", 0, ()),
)

ROWS: Final = (*PEOPLE, *GROUPS_AND_DEVICES, *COMMANDS, *RECORD)
