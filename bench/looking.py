"""Run as a program on an installation of ours: prints what its rows say, as JSON, for whoever trusts no figure.

``instances``: rows of instances; ``stored``: instances that the record says were stored; ``delivered``: bytes that it
says were handed out; ``views``, ``listed``: events of views and of searches; ``names``: the packs that rows name;
``ready``: kinds of
things that were made ready of what is stored; ``settings``: what the database does at a commit. Told ``each``, it names
the ``uids`` of all instances, and what was ``viewed``: the person, the study and the second of each row.
"""

import json
import sys
from typing import Any


def main() -> None:
    """Print what there is."""
    import django

    django.setup()
    json.dump(looked() | (each() if "each" in sys.argv[1:] else {}), sys.stdout)


def looked() -> dict[str, Any]:
    """What the rows of this installation say."""
    from django.db.models import Sum

    from archive.models import Instance, Pack, Rendition
    from audit.actions import Action
    from audit.models import AuditEvent

    events = AuditEvent.objects.filter(outcome="ok")
    return {
        "instances": Instance.objects.count(),
        "stored": events.filter(action=Action.STORE).aggregate(all=Sum("count"))["all"] or 0,
        "views": events.filter(action=Action.VIEW).count(),
        "listed": events.filter(action=Action.SEARCH).count(),
        "delivered": delivered(),
        "ready": Rendition.objects.values("form").distinct().count(),
        "names": list(Pack.objects.filter(removed_at=None).values_list("name", flat=True)),
        "settings": committing(),
    }


def each() -> dict[str, Any]:
    """What the rows say one by one, for who knows what must be among them."""
    from archive.models import Instance
    from audit.actions import Action
    from audit.models import AuditEvent

    views = AuditEvent.objects.filter(outcome="ok", action=Action.VIEW)
    return {
        "uids": list(Instance.objects.values_list("uid", flat=True)),
        "viewed": [[who, uid, us / 1e6] for who, uid, us in views.values_list("actor_name", "study_uid", "time_us")],
    }


def delivered() -> int:
    """Bytes handed to sockets, by the record; its details are opened as a report on a patient would open them."""
    from audit import log
    from audit.actions import Action
    from audit.models import AuditEvent

    events = AuditEvent.objects.filter(action=Action.DELIVERED).iterator()
    return sum((log.open_details(event) or {}).get("bytes", 0) for event in events)


def committing() -> dict[str, str]:
    """What decides whether a commit is durable."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous")
            synchronous = str(cursor.fetchone()[0])
            cursor.execute("PRAGMA journal_mode")
            return {"synchronous": synchronous, "journal_mode": str(cursor.fetchone()[0])}
        told = {}
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {name}")
            told[name] = str(cursor.fetchone()[0])
        return told


if __name__ == "__main__":
    main()
