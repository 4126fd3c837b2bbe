"""Linked physicians: whoever has an exact spelling of a name in images sees the studies that say it.

What arrives is given at once where its sender is believed (`accounts.scope.assign`). Studies that are here are given by
the job `physician`, batch by batch, and only those whose images all came from one sender: into any other somebody may
have sent an image with a name of their own.
"""

from collections.abc import Callable
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import epoch, gate, identify, refusals, scope, spellings
from accounts.actors import Actor
from accounts.errors import NotVisible, Unacceptable
from accounts.models import Access, Person, PhysicianLink
from accounts.spellings import Spelling
from archive import jobs, phrases
from archive.columns import Column
from archive.models import Instance, Series, Study
from audit.actions import Action, Outcome

JOB = "physician"
BATCH = 200


def linked(actor: Actor, person_id: UUID) -> tuple[Person, list[Spelling]]:
    """A person with the spellings linked to them. Raises Forbidden or NotVisible."""
    person = _known(actor, person_id, Action.PEOPLE_READ)
    return person, spellings.opened(person.spellings.all())


def link(actor: Actor, person_id: UUID, text: str) -> None:
    """Let a person see the studies whose referring or performing physician is spelt exactly so.

    Raises Forbidden, StepUpNeeded, NotVisible, or Unacceptable: for a bad spelling and, on record, for one's own.
    """
    person = _known(actor, person_id, Action.PERSON_CHANGED)
    kept = spellings.checked(text)
    if str(person.id) == actor.id:
        asked = refusals.Asked(Action.PERSON_CHANGED, details={"subject": f"person:{person.id}", "refused": "own"})
        refusals.recorded(actor, asked, Outcome.DENIED, NotVisible())
        raise Unacceptable("spelling", _("Nobody links a spelling to themselves."))
    told = {"act": "physician linked", "spelling": kept}
    with gate.change(actor, Action.PERSON_CHANGED, subject=f"person:{person.id}", details=told):
        wanted = [(Column.REFERRING, kept), (Column.PERFORMING, kept)]
        rows = phrases.ensure(wanted)
        made = spellings.add(person, kept, *(rows[one] for one in wanted))
        jobs.promise(JOB, str(made.id))
        epoch.raise_()


def unlink(actor: Actor, person_id: UUID, link_id: UUID) -> None:
    """End a link: the person sees those studies no more that no other link or rule shows.

    Raises Forbidden, StepUpNeeded or NotVisible.
    """
    person = _known(actor, person_id, Action.PERSON_CHANGED)
    ended = PhysicianLink.objects.filter(pk=link_id, person=person).first()
    if ended is None:
        raise gate.missed(actor, Action.PERSON_CHANGED, subject=f"spelling:{link_id}")
    with gate.change(
        actor, Action.PERSON_CHANGED, subject=f"person:{person.id}", details={"act": "physician unlinked"}
    ):
        PhysicianLink.objects.select_for_update().filter(pk=link_id).delete()
        kept = Access.objects.filter(audience=person.id, rule=scope.BY_PHYSICIAN)
        going = _saying(ended)
        for other in PhysicianLink.objects.filter(person=person):
            going = going.exclude(pk__in=_saying(other).values("pk"))
        kept.filter(study_uid__in=going.values("uid")).delete()
        epoch.raise_()


def apply(subject: str, progress: Callable[[int, int], None]) -> None:
    """The job `physician`: give what is here to whoever a link (`subject`) names; goes on where it was cut off."""
    actor = identify.system(JOB)
    gate.permit(actor, Action.ASSIGNED, subject=subject)
    done = 0
    while batch := _batch(subject):
        with gate.change(actor, Action.ASSIGNED, subject=subject, count=len(batch)):
            # Whoever unlinks meanwhile is met here: a link that is gone gives nothing more.
            rows = [
                Access(audience=still.person_id, study_uid=uid, date=date, rule=scope.BY_PHYSICIAN)
                for still in PhysicianLink.objects.select_for_update().filter(pk=subject)
                for uid, date in batch
            ]
            Access.objects.bulk_create(rows, ignore_conflicts=True)
            epoch.raise_()
        done += len(batch)
        progress(done, done)


def _batch(subject: str) -> list[tuple[str, str]]:
    """Some of the studies that the link says and that are not yet its person's; none once the link is gone."""
    wanted = PhysicianLink.objects.filter(pk=subject).first()
    if wanted is None:
        return []
    given = Access.objects.filter(audience=wanted.person_id, rule=scope.BY_PHYSICIAN, study_uid=OuterRef("uid"))
    others = Instance.objects.filter(study=OuterRef("pk")).exclude(sender=OuterRef("sender"))
    rows = _saying(wanted).filter(~Exists(given), ~Exists(others))
    return list(rows.order_by("uid").values_list("uid", "date")[:BATCH])


def _saying(one: PhysicianLink) -> "QuerySet[Study]":
    """The studies whose referring physician, or that of a series performed, is spelt so."""
    series = Series.objects.filter(performing=one.performing).values("study_id")
    return Study.objects.filter(Q(referring=one.referring) | Q(pk__in=series))


def _known(actor: Actor, person_id: UUID, action: Action) -> Person:
    subject = f"person:{person_id}"
    gate.permit(actor, action, subject=subject)
    found = Person.objects.filter(pk=person_id).first()
    if found is None:
        raise gate.missed(actor, action, subject=subject)
    return found
