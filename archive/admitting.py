"""The one way from what is durable in packs to rows: whoever stores goes it, and whoever makes the index anew."""

from accounts import scope
from archive import index, jobs
from archive.jobs import Work
from archive.tickets import Admission


def admit(admissions: list[Admission]) -> list[Work]:
    """Rows, search tokens, access and promised work of objects whose bytes are durable, in the caller's transaction.

    Returns the work it promises. Raises Unavailable where a study was given another key meanwhile, or a pack is named
    by somebody else.
    """
    index.record(admissions)
    stored = [one for one in admissions if one.row is not None and one.context is None]
    for one in {(one.facts.study_uid, one.actor.key): one for one in stored}.values():
        facts = scope.Facts(one.actor, one.facts.text("institution"))
        scope.assign(one.facts.study_uid, one.facts.text("study_date"), facts)
    work = index.work(admissions)
    jobs.promise_many(work)
    return work
