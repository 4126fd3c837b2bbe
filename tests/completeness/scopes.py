"""Whose studies are whose: glass that is broken, its reviews, and everything else that widens a scope."""

from pathlib import Path
from typing import Any, Final

from django.core.files.base import ContentFile

from accounts import break_glass
from accounts import people as persons
from accounts.models import BreakGlass, Group, Person, PhysicianLink, Role, ScopeRule
from archive import emergency, granting, physicians
from archive.models import Job
from audit import clock
from tests import builders
from tests.completeness import care, studies
from tests.completeness.rows import Expected, Row, missed, plain, refused, searched
from tests.completeness.studies import Names, actor
from tests.conftest import PASSWORD

NOBODYS: Final = "00000000-0000-4000-8000-000000000000"
WORDS: Final = "The patient lies in resuscitation."
WHY: Final = {"reason": "emergency", "words": WORDS}
BROKE, ENDED, REVIEWED = "study:break-glass", "study:break-glass-ended", "study:break-glass-reviewed"


def broken() -> Names:
    """A glass that the outsider broke, still open."""
    names = studies.numbered()
    emergency.open_(actor("outsider"), emergency.Wanted(names["number"]), "emergency", WORDS)
    return {**names, "glass": str(BreakGlass.objects.get(studies=[names["study"]]).id)}


def to_review() -> Names:
    names = broken()
    break_glass.end(actor("outsider"))
    return names


def of_the_reviewer() -> Names:
    names = to_review()
    BreakGlass.objects.filter(pk=names["glass"]).update(person=Person.objects.get(username="privacy").id)
    return names


def guessed() -> Names:
    for _ in range(5):
        break_glass.count(actor("outsider"), {})
    return studies.numbered()


def posted(who: str, path: str, status: int, expected: tuple[Expected, ...], given: str = "", **more: Any) -> Row:
    form = {**WHY, "patient_id": "{number}"} if path == "/break-glass/" else {"verdict": "justified", "note": WORDS}
    return Row(more.pop("way", "page"), who, path, status, expected, method="POST", given=given, form={**form, **more})


NUMBER: Final = "a patient by number"
CASE: Final = "/break-glass/reviews/{glass}/"
OPENED: Final = Expected(BROKE, "ok", study=False, count=1, listed=1)
READ: Final = Expected("log:read", "ok", study=False, count=-1)
GLASS: Final = (
    Row("page", "outsider", "/break-glass/", 200, ()),
    Row("tired", "outsider", "/break-glass/", 302, ()),
    Row("page", "administrator", "/break-glass/", 403, refused(BROKE)),
    posted("outsider", "/break-glass/", 200, (OPENED,), NUMBER),
    posted("outsider", "/break-glass/", 302, refused(BROKE), NUMBER, way="tired"),
    posted("privacy", "/break-glass/", 403, refused(BROKE), NUMBER),
    posted("outsider", "/break-glass/", 422, missed(BROKE), patient_id="NOBODY"),
    posted("radiologist", "/break-glass/", 422, missed(BROKE), NUMBER),
    posted("outsider", "/break-glass/", 422, (), NUMBER, reason="curiosity"),
    posted("outsider", "/break-glass/", 422, refused(BROKE), "five emergency accesses in vain"),
    Row("page", "outsider", "/break-glass/end/", 302, (plain(ENDED, "ok"),), method="POST", given="a broken glass"),
    Row("page", "radiologist", "/break-glass/end/", 302, (), method="POST"),
    Row("stranger", "nobody", "/break-glass/end/", 302, (plain("page:refused", "denied", 1),), method="POST"),
    Row("page", "privacy", "/break-glass/reviews/", 200, ()),
    Row("page", "radiologist", "/break-glass/reviews/", 403, refused(REVIEWED)),
    Row("page", "privacy", CASE, 200, (READ,), given="a broken glass"),
    Row("page", "radiologist", CASE, 403, refused(REVIEWED), given="a broken glass"),
    Row("page", "privacy", f"/break-glass/reviews/{NOBODYS}/", 404, missed(REVIEWED)),
    posted("privacy", CASE, 302, (Expected(REVIEWED, "ok", study=False),), "a glass to review"),
    posted("privacy", CASE, 422, (READ,), "a broken glass"),
    posted("privacy", CASE, 422, (Expected(REVIEWED, "denied", study=False), READ), "a glass of the reviewer"),
    posted("radiologist", CASE, 403, refused(REVIEWED), "a glass to review"),
    *(
        Row("page", who, f"{CASE}end/", status, expected, method="POST", given="a broken glass")
        for who, status, expected in (
            ("privacy", 302, (Expected(ENDED, "ok", study=False),)),
            ("radiologist", 403, refused(REVIEWED)),
        )
    ),
    Row("page", "privacy", f"/break-glass/reviews/{NOBODYS}/end/", 404, missed(REVIEWED), method="POST"),
    Row("page", "privacy", "/break-glass/shares/", 200, ()),
    Row("page", "radiologist", "/break-glass/shares/", 403, refused(REVIEWED)),
)

CHANGED: Final = "group:changed"


def rule() -> Names:
    made = ScopeRule.objects.create(
        attribute="ward",
        pattern=(word := builders.word()),
        folded=word.lower(),
        group=Group.objects.get(name="Radiology"),
    )
    return {"rule": str(made.id)}


def file_of_rules() -> Names:
    names = care.folder()
    text = f"attribute,value,group\nward,{builders.word()},Radiology\n"
    (Path(names["folder"]) / "rules.csv").write_text(text)
    return {**names, "csv": ContentFile(text.encode(), "rules.csv")}


RULE: Final = {"attribute": "ward", "pattern": "{fresh}", "group": "Radiology"}
FILE: Final = "a file of rules"
IMPORT: Final = "/groups/rules/import/"
RULES: Final = (
    Row("page", "administrator", "/groups/rules/", 200, ()),
    Row("page", "radiologist", "/groups/rules/", 403, refused(CHANGED)),
    Row("page", "administrator", "/groups/rules/", 302, (plain(CHANGED, "ok"),), method="POST", form=RULE),
    Row("page", "administrator", "/groups/rules/", 422, (), method="POST", form={**RULE, "group": "Nobody"}),
    Row("page", "radiologist", "/groups/rules/", 403, refused(CHANGED), method="POST", form=RULE),
    Row(
        "page",
        "administrator",
        IMPORT,
        200,
        (plain(CHANGED, "ok", 1),),
        method="POST",
        given=FILE,
        form={"file": "{csv}"},
    ),
    Row("page", "administrator", IMPORT, 200, (), method="POST", given=FILE, form={"file": "{csv}", "dry": "yes"}),
    Row("page", "administrator", IMPORT, 422, (), method="POST"),
    Row("page", "radiologist", IMPORT, 403, refused(CHANGED), method="POST"),
    *(
        Row("page", who, "/groups/rules/{rule}/end/", status, expected, method="POST", given="a rule")
        for who, status, expected in (
            ("administrator", 302, (plain(CHANGED, "ok"),)),
            ("radiologist", 403, refused(CHANGED)),
        )
    ),
    Row("page", "administrator", f"/groups/rules/{NOBODYS}/end/", 404, missed(CHANGED), method="POST"),
    Row("command", "shell", "group import {folder}/rules.csv", 0, (plain(CHANGED, "ok", 1),), given=FILE),
    Row("command", "shell", "group import {folder}/rules.csv --dry-run", 0, (), given=FILE),
    Row("command", "shell", "group import {folder}/nothing.csv", 1, (), given=FILE),
    Row("bare", "shell", "group import {folder}/rules.csv", 1, refused(CHANGED), given=FILE),
    Row("bare", "shell", "group import {folder}/nothing.csv", 1, refused(CHANGED), given=FILE),
)

GRANTED, RESTRICTED = "grant:changed", "study:restricted"


def granter() -> Names:
    """A study of Radiology, and one of its clinicians who may grant."""
    Role.objects.get_or_create(name="granter", defaults={"permissions": ["study.grant"]})
    made = persons.create(builders.word().lower(), password=PASSWORD, roles=["clinician", "granter"])
    made.groups.add(Group.objects.get(name="Radiology"))
    return {**studies.study(), "granter": made.username, "today": str(clock.moment().date())}


def granted() -> Names:
    names = granter()
    made = granting.grant(actor(names["granter"]), names["study"], "outsider", clock.moment().date(), WORDS)
    return {**names, "grant": str(made)}


TO: Final = {"to": "outsider", "until": "{today}", "reason": WORDS}
SHELL: Final = f"--to outsider --reason {WORDS.split()[0]} --until"
S: Final = "/studies/{study}"
OF_GRANT, OF_STUDY = Expected(GRANTED, "ok"), Expected(RESTRICTED, "ok")
GIVEN, HAD, BARED = "who may grant", "a study granted", "a study restricted"


def granting_to(who: str, status: int, *expected: Expected, way: str = "page", known: bool = True, **more: str) -> Row:
    return Row(way, who, f"{S}/grant/", status, expected, known, "POST", given=GIVEN, form={**TO, **more})


GRANTS: Final = (
    Row("page", "{granter}", f"{S}/grant/", 200, (searched(1),), given=GIVEN),
    Row("page", "radiologist", f"{S}/grant/", 403, refused(GRANTED), given=GIVEN),
    granting_to("{granter}", 302, OF_GRANT),
    granting_to("{granter}", 302, *refused(GRANTED), way="tired"),
    granting_to("{granter}", 422, searched(1), until="never"),
    granting_to("{granter}", 422, Expected(GRANTED, "denied", patient=False), searched(1), to="{granter}"),
    granting_to("{granter}", 404, Expected(GRANTED, "not-found", patient=False), known=False),
    granting_to("radiologist", 403, *refused(GRANTED)),
    Row("page", "{granter}", "/grants/", 200, (), given=HAD),
    Row("page", "radiologist", "/grants/", 403, refused(GRANTED)),
    Row("page", "{granter}", "/grants/{grant}/revoke/", 302, (OF_GRANT,), method="POST", given=HAD),
    Row("page", "radiologist", "/grants/{grant}/revoke/", 403, refused(GRANTED), method="POST", given=HAD),
    Row("page", "{granter}", f"/grants/{NOBODYS}/revoke/", 404, missed(GRANTED), method="POST", given=GIVEN),
    Row("command", "shell", f"study grant {{study}} {SHELL} {{today}}", 0, (OF_GRANT,), given=GIVEN),
    Row("command", "shell", f"study grant {{study}} {SHELL} never", 1, (), given=GIVEN),
    Row(
        "command",
        "shell",
        f"study grant {{study}} {SHELL} {{today}}",
        1,
        (Expected(GRANTED, "not-found", patient=False),),
        known=False,
        given=GIVEN,
    ),
    Row("bare", "shell", f"study grant {{study}} {SHELL} {{today}}", 1, refused(GRANTED), given=GIVEN),
    Row("command", "shell", "study grants", 0, ()),
    Row("bare", "shell", "study grants", 1, refused(GRANTED)),
    Row("command", "shell", "study revoke {grant}", 0, (OF_GRANT,), given=HAD),
    Row("command", "shell", f"study revoke {NOBODYS}", 1, missed(GRANTED)),
    Row("bare", "shell", "study revoke {grant}", 1, refused(GRANTED), given=HAD),
)

NO_STUDY: Final = Expected(RESTRICTED, "not-found", patient=False)
DENIED: Final = Expected(RESTRICTED, "denied")
BECAUSE: Final = {"study": "{study}", "reason": WORDS}
RESTRICTIONS: Final = (
    Row("page", "privacy", "/restricted/", 200, ()),
    Row("page", "radiologist", "/restricted/", 403, refused(RESTRICTED)),
    *(
        Row("page", who, path, status, (expected,), known, "POST", given=given, form=form)
        for path, given, form in (("/restricted/", "a study", BECAUSE), (f"{S}/unrestrict/", BARED, {}))
        for who, status, expected, known in (
            ("privacy", 302, OF_STUDY, True),
            ("radiologist", 403, DENIED, True),
            ("privacy", 404, NO_STUDY, False),
        )
    ),
    *(
        Row(way, "shell", asked, status, (expected,), known, given=given)
        for asked, given in (
            ("study restrict {study} --reason=because", "a study"),
            ("study unrestrict {study}", BARED),
        )
        for way, status, expected, known in (
            ("command", 0, OF_STUDY, True),
            ("command", 1, NO_STUDY, False),
            ("bare", 1, DENIED, True),
        )
    ),
)

PERSON, ASSIGNED = "person:changed", "study:assigned"


def spelt() -> Names:
    """A person with a linked spelling, and a study that says it."""
    person, spelling = Person.objects.get(username="outsider"), builders.word()
    names = studies.stored(builders.ct_slice(ReferringPhysicianName=spelling))
    physicians.link(actor("administrator"), person.id, spelling)
    return {**names, "person": str(person.id), "link": _newest(person)}


def _newest(person: Person) -> str:
    job = Job.objects.filter(kind=physicians.JOB, state="due").latest("created_at")
    assert PhysicianLink.objects.filter(pk=job.subject, person=person).exists()
    return job.subject


OWN: Final = "/people/{person}/spellings/"
LINKED: Final = "a spelling linked"
SPELT: Final = {"spelling": "{fresh}"}
SPELLINGS: Final = (
    Row("page", "administrator", OWN, 200, (), given=LINKED),
    Row("page", "radiologist", OWN, 403, refused("person:read"), given=LINKED),
    Row("page", "administrator", f"/people/{NOBODYS}/spellings/", 404, missed("person:read")),
    Row("page", "administrator", OWN, 302, (plain(PERSON, "ok"),), method="POST", given=LINKED, form=SPELT),
    Row("tired", "administrator", OWN, 302, refused(PERSON), method="POST", given=LINKED, form=SPELT),
    Row("page", "administrator", OWN, 422, refused(PERSON), method="POST", given="the administrator", form=SPELT),
    Row("page", "radiologist", OWN, 403, refused(PERSON), method="POST", given=LINKED, form=SPELT),
    Row("page", "administrator", f"{OWN}{{link}}/end/", 302, (plain(PERSON, "ok"),), method="POST", given=LINKED),
    Row("page", "radiologist", f"{OWN}{{link}}/end/", 403, refused(PERSON), method="POST", given=LINKED),
    Row("page", "administrator", f"{OWN}{NOBODYS}/end/", 404, missed(PERSON), method="POST", given=LINKED),
    Row("job", "physician", "physician {link}", 0, (plain(ASSIGNED, "ok", 1),), given=LINKED),
    Row("idle", "physician", "physician {link}", 1, refused(ASSIGNED), given=LINKED),
)

ROWS: Final = (*GLASS, *RULES, *GRANTS, *RESTRICTIONS, *SPELLINGS)
