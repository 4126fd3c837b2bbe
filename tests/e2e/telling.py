"""Run as a program on an installation: prints what its record says, every event, its details opened where they open.

`python -m tests.e2e.telling STUDY…` prints the report on the patient of each of these studies as well.
"""

import json
import re
import sys
from typing import Any


def events() -> list[dict[str, Any]]:
    from accounts.models import Token
    from audit import log
    from audit.models import AuditEvent, AuditListed

    owners = {f"token:{token.id}": token.person.username for token in Token.objects.select_related("person")}
    shown: dict[tuple[int, int], list[str]] = {}
    for row in AuditListed.objects.order_by("log", "seq", "position"):
        shown.setdefault((row.log, row.seq), []).append(row.study_uid)
    return [
        {
            "person": owners.get(event.actor_key, event.actor_key),
            "action": event.action,
            "outcome": event.outcome,
            "study": event.study_uid,
            "patient": event.patient,
            "count": event.count,
            "listed": shown.get((event.log, event.seq), []),
            "details": log.open_details(event) if event.action == "study:delivered" else None,
        }
        for event in AuditEvent.objects.order_by("log", "seq")
    ]


def report(study_uid: str) -> dict[str, Any]:
    """Each part of the report by person, as the numbers that its lines say."""
    from accounts.models import Token
    from archive import sizes
    from archive.query import patients
    from audit import patient_report
    from audit.filters import Filters
    from audit.models import AuditEvent

    pseudonym = AuditEvent.objects.filter(study_uid=study_uid, action="study:store").values_list("patient", flat=True)[
        0
    ]

    owners = {f"token:{token.id}": token.person.username for token in Token.objects.select_related("person")}
    made = patient_report.read(pseudonym, Filters(), patients.studies_of, sizes.images)
    assert not made.cut
    told: dict[str, Any] = {}
    for name, part in (("saw", made.saw), ("searched", made.searched), ("refused", made.refused)):
        told[name] = {
            owners.get(one.key, one.key): [[int(n) for n in re.findall(r"\d+", line.words)] for line in one.entries]
            for one in part.people
        }
    return told


def main() -> None:
    import django

    django.setup()
    json.dump({"events": events(), "reports": {name: report(name) for name in sys.argv[1:]}}, sys.stdout)


if __name__ == "__main__":
    main()
