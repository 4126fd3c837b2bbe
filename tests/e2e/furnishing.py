"""Run as a program on an installation with people and two studies: puts something on the pages that are mostly empty.

Prints where the pages are whose address has an id, as JSON.
"""

import json
import sys
from datetime import timedelta

WORDS = "The patient lies in resuscitation, and the images of last week are needed at once."


def main(study: str, restricted: str, administrator: str, granter: str, outsider: str) -> None:
    import django

    django.setup()
    from django.utils import timezone

    from accounts import approvals, break_glass, callers, equipment, failures, glass_reviews, resetting, scope_rules
    from accounts.models import BreakGlass, Device, Group, Person, Role
    from archive import granting, physicians, restricting
    from archive.models import Study
    from tests import people

    may = Role.objects.create(name=f"lends studies {outsider}", permissions=["study.grant"])
    Person.objects.get(username=granter).roles.add(may)
    of = {one.username: people.actor(one) for one in Person.objects.all()}
    admin, olga = of[administrator], Person.objects.get(username=outsider)
    device = Device.objects.get(ae_title="CT_ONE")
    physicians.link(admin, olga.id, "Stern^Olga^^Dr.")
    scope_rules.add(admin, scope_rules.Line("institution", f"Hopital de la Vallee, batiment {outsider}", "Cardiology"))
    asked = approvals.ask(admin, resetting.NAME, str(olga.id), concerns=olga.id)
    callers.note("STRANGER", "10.0.0.7", "CUSTOS", failures.CALLING)
    callers.flush()
    equipment.seen(str(device.id), equipment.Headers("A maker", "A model", "4711", "CT-IN-ROOM-2", "5.1"))
    tomorrow = timezone.localdate() + timedelta(days=1)
    granting.grant(of[granter], study, outsider, tomorrow, "A second opinion before the operation.")
    restricting.restrict(of["paul"], restricted, "Somebody of the staff.")
    patient = Study.objects.get(uid=study).patient.pseudonym
    break_glass.open_(of[outsider], patient, [study], "emergency", WORDS)
    glass = BreakGlass.objects.get(person=olga.id, patient=patient)
    break_glass.end(of[outsider])
    glass_reviews.review(of["paul"], glass.id, "justified", "Spoken about on the ward.")
    break_glass.open_(of[outsider], patient, [study], "emergency", WORDS)
    open_glass = BreakGlass.objects.get(person=olga.id, reviewed_at=None)
    where = {
        "spellings": f"/people/{olga.id}/spellings/",
        "approval": f"/approvals/{asked}/",
        "role": f"/roles/{Role.objects.get(name='clinician').id}/",
        "group": f"/groups/{Group.objects.get(name='Radiology').id}/",
        "patient": f"/record/patients/{patient}/",
        "review": f"/break-glass/reviews/{open_glass.id}/",
    }
    json.dump(where, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
