"""The one way from what is durable in packs to rows: whoever stores goes it, and whoever makes the index anew."""

from accounts import scope
from accounts.models import PhysicianLink
from archive import index, jobs, phrases
from archive.columns import Column
from archive.jobs import Work
from archive.tickets import Admission


def admit(admissions: list[Admission]) -> list[Work]:
    """Rows, search tokens, access and promised work of objects whose bytes are durable, in the caller's transaction.

    Returns the work it promises. Raises Unavailable where a study was given another key meanwhile, or a pack is named
    by somebody else.
    """
    index.record(admissions)
    _assign([one for one in admissions if one.indexed and one.context is None])
    work = index.work(admissions)
    jobs.promise_many(work)
    return work


def _assign(stored: list[Admission]) -> None:
    """Whose the studies are: once for each sender of each; and their physicians', where what the image says counts."""
    if not stored:
        return
    believed = set()
    for one in {(one.facts.study_uid, one.actor.key): one for one in stored}.values():
        text = one.facts.text
        ward = text("location") or text("department")
        facts = scope.Facts(one.actor, text("institution"), text("requesting_service"), ward)
        if scope.assign(one.facts.study_uid, text("study_date"), facts):
            believed.add((one.facts.study_uid, one.actor.key))
    if not believed or not PhysicianLink.objects.exists():
        return
    for one in stored:
        text = one.facts.text
        if (one.facts.study_uid, one.actor.key) in believed:
            named = phrases.find([(Column.REFERRING, text("referring")), (Column.PERFORMING, text("performing"))])
            scope.attend(one.facts.study_uid, text("study_date"), named)
