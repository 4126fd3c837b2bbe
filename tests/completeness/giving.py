"""Who gives and reads rights: roles, on pages and from the shell; and acts of two people."""

from typing import Final

from tests.completeness.administering import NOBODYS, PERSON, page, posted
from tests.completeness.rows import Expected, Row, S, done, missed, refused

ROLE: Final = done("role:changed")
NO_ROLE: Final = "999999999"

ROLES: Final = (
    page("administrator", "/roles/", 200, ()),
    page("privacy", "/roles/", 200, ()),
    page("radiologist", "/roles/", 403, refused("role:read")),
    page("administrator", "/roles/new/", 200, ()),
    page("privacy", "/roles/new/", 403, refused("role:changed")),
    page("radiologist", "/roles/new/", 403, refused("role:read")),
    posted("administrator", "/roles/new/", 302, ROLE, "", name="{fresh}", permissions="study.view"),
    posted("administrator", "/roles/new/", 422, (), "", name="", permissions="study.view"),
    posted("privacy", "/roles/new/", 403, refused("role:changed"), "", name="{fresh}", permissions="study.view"),
    posted("administrator", "/roles/new/", 302, refused("role:changed"), "", "tired", name="{fresh}"),
    Row("page", "privacy", "/roles/{role}/", 200, (), given="a role"),
    Row("page", "radiologist", "/roles/{role}/", 403, refused("role:read"), given="a role"),
    Row("page", "administrator", f"/roles/{NO_ROLE}/", 404, missed("role:read")),
    posted("administrator", "/roles/{role}/", 200, (), "a role", name="{fresh}", permissions="study.view"),
    posted("administrator", "/roles/{role}/", 302, ROLE, "a role", name="{fresh}", confirmed="{confirmed}"),
    posted("privacy", "/roles/{role}/", 403, refused("role:changed"), "a role", name="{fresh}"),
    Row("page", "administrator", "/roles/{role}/clone/", 200, (), given="a role"),
    posted("administrator", "/roles/{role}/clone/", 302, ROLE, "a role", name="{fresh}", permissions="study.view"),
    posted("radiologist", "/roles/{role}/clone/", 403, refused("role:read"), "a role", name="{fresh}"),
    posted("administrator", f"/roles/{NO_ROLE}/clone/", 404, missed("role:read"), "", name="{fresh}"),
    posted("administrator", "/roles/{role}/delete/", 302, ROLE, "a role"),
    posted("privacy", "/roles/{role}/delete/", 403, refused("role:changed"), "a role"),
    posted("administrator", f"/roles/{NO_ROLE}/delete/", 404, missed("role:read"), ""),
    Row("command", "shell", "role list", 0, ()),
    Row("bare", "shell", "role list", 1, refused("role:read")),
    Row("command", "shell", "role show clinician", 0, ()),
    Row("command", "shell", "role show nobody", 1, missed("role:read")),
    Row("bare", "shell", "role show clinician", 1, refused("role:read")),
)

AGAINST_RULES: Final = (
    posted(
        "administrator",
        "/people/{person}/",
        422,
        refused("person:changed"),
        "an unsound role",
        roles="{unsound}",
    ),
)

A: Final = "/approvals/{approval}/"
NO_A: Final = f"/approvals/{NOBODYS}/"
RESET: Final = "a reset asked for"
OWN: Final = "an own reset asked for"
HASTENED: Final = "a destruction asked for"
HIDDEN: Final = refused(
    "person:factors-reset"
)  # a request is not this reader's, who hears what one unknown is answered
ASKED: Final = done("approval:asked")
DECIDED: Final = done("approval:decided")
OF_STUDY: Final = (Expected("study:destroyed", "ok"), Expected("approval:decided", "ok", patient=False))
KEYS: Final = {"name": "{fresh}", "permissions": "keys.manage", "confirmed": "{confirmed}"}
AT_ONCE: Final = {"end": "{end}", "at": "once"}

TWO_PEOPLE: Final = (
    Row("page", "administrator", "/approvals/", 200, (), given=RESET),
    Row("token", "radiologist", "/approvals/", 403, refused("approval:read")),
    Row("page", "administrator", A, 200, (), given=RESET),
    Row("page", "radiologist", A, 404, HIDDEN, given=RESET),
    Row("token", "radiologist", A, 403, refused("approval:read"), given=RESET),
    Row("page", "administrator", NO_A, 404, missed("approval:read")),
    posted("administrator", "/people/{person}/reset/", 302, ASKED, "somebody"),
    posted("administrator", "/people/{person}/reset/", 422, (), RESET),
    posted("administrator", "/people/{person}/reset/", 302, HIDDEN, "somebody", "tired"),
    posted("radiologist", "/people/{person}/reset/", 403, refused("person:read"), "somebody"),
    posted("administrator", f"/people/{NOBODYS}/reset/", 404, missed("person:read"), ""),
    posted("administrator", f"{A}approve/", 200, (*done("person:factors-reset"), *DECIDED), RESET),
    posted("administrator", f"{A}approve/", 422, refused("approval:decided"), OWN),
    posted("administrator", f"{A}approve/", 302, HIDDEN, RESET, "tired"),
    posted("radiologist", f"{A}approve/", 404, HIDDEN, RESET),
    posted("administrator", f"{NO_A}approve/", 404, missed("approval:read"), ""),
    posted("administrator", f"{A}refuse/", 302, DECIDED, RESET),
    posted("administrator", f"{A}refuse/", 302, HIDDEN, RESET, "tired"),
    posted("radiologist", f"{A}refuse/", 404, HIDDEN, RESET),
    posted("administrator", f"{NO_A}refuse/", 404, missed("approval:read"), ""),
    posted("administrator", f"{A}withdraw/", 302, DECIDED, OWN),
    posted("administrator", f"{A}withdraw/", 422, refused("approval:decided"), RESET),
    posted("radiologist", f"{A}withdraw/", 404, HIDDEN, OWN),
    posted("administrator", f"{NO_A}withdraw/", 404, missed("approval:read"), ""),
    Row(
        "page",
        "keeper",
        f"{S}/destroy/",
        302,
        (Expected("approval:asked", "ok", patient=False),),
        method="POST",
        given="a study in the trash",
        form=AT_ONCE,
    ),
    posted("keeper", f"{A}approve/", 302, OF_STUDY, HASTENED),
    posted("administrator", "/people/{person}/", 302, (*ASKED, *PERSON), "somebody", roles="keeper"),
    posted("administrator", "/people/new/", 200, (*ASKED, *PERSON), "", username="{fresh}", roles="keeper"),
    posted("administrator", "/roles/{role}/", 302, (*ASKED, *ROLE), "a role that is held", **KEYS),
    posted("administrator", f"{A}approve/", 302, (*PERSON, *DECIDED), "power asked for"),
    posted("administrator", f"{A}approve/", 302, (*ROLE, *DECIDED), "power asked for a role"),
)

G: Final = "/groups/{group}/"
NO_G: Final = f"/groups/{NOBODYS}/"
GROUP: Final = "a group"
CHANGED: Final = done("group:changed")
NOT_THEIRS: Final = refused("group:changed")
NO_GROUP: Final = missed("group:changed")

GROUPS: Final = (
    Row("page", "administrator", G, 200, (), given=GROUP),
    Row("page", "radiologist", G, 403, NOT_THEIRS, given=GROUP),
    Row("page", "administrator", NO_G, 404, NO_GROUP),
    posted("administrator", G, 302, CHANGED, GROUP, act="rename", name="{fresh}"),
    posted("administrator", G, 422, (), GROUP, act="rename", name="Radiology"),
    posted("administrator", G, 302, CHANGED, GROUP, act="add", person="{someone}"),
    posted("administrator", G, 302, CHANGED, GROUP, act="remove", person="{someone}"),
    posted("administrator", G, 422, NOT_THEIRS, GROUP, act="add", person="administrator"),
    posted("administrator", G, 422, NO_GROUP, GROUP, act="add", person="nobody-of-this-name"),
    posted("radiologist", G, 403, NOT_THEIRS, GROUP, act="add", person="radiologist"),
    posted("administrator", f"{G}delete/", 302, CHANGED, GROUP),
    posted("radiologist", f"{G}delete/", 403, NOT_THEIRS, GROUP),
    posted("administrator", f"{NO_G}delete/", 404, NO_GROUP, ""),
)

ROWS: Final = (*ROLES, *AGAINST_RULES, *TWO_PEOPLE, *GROUPS)
"""What must be apart is tried in `tests.accounts.test_duties`; here stands what each door leaves on record."""
