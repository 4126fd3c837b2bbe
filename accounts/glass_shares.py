"""How often the glass is broken: emergency opens as a share of all opens, by person and by group."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from accounts import gate
from accounts.actors import Actor
from accounts.glass_reviews import keys_of, opened
from accounts.models import BreakGlass, Group, Person, Token
from audit import clock, filters, opens
from audit.actions import Action


@dataclass(frozen=True, slots=True)
class Share:
    """So many studies opened, and so many of them behind broken glass."""

    name: str
    opens: int
    broken: int

    @property
    def percent(self) -> float:
        """Out of a hundred; nothing where nothing was opened."""
        return 100 * self.broken / self.opens if self.opens else 0.0


@dataclass(frozen=True, slots=True)
class Shares:
    """By person and by group, the greatest share first; only who opened anything. Members count in each group."""

    people: tuple[Share, ...]
    groups: tuple[Share, ...]


def read(actor: Actor, first: date, last: date) -> Shares:
    """The shares of these days, both included. A sitting is one open. Raises Forbidden."""
    gate.permit(actor, Action.GLASS_REVIEWED)
    span = opens.Span(*filters.days(first, last))
    opened_by, broken_by = _opens(span), _broken(span)
    names = dict(Person.objects.values_list("id", "username"))
    people = [Share(names.get(person, "–"), count, broken_by[person]) for person, count in opened_by.items()]
    groups = []
    for group in Group.objects.prefetch_related("people"):
        members = [person.id for person in group.people.all()]
        groups.append(Share(group.name, sum(opened_by[one] for one in members), sum(broken_by[one] for one in members)))
    return Shares(_ordered(people), _ordered(groups))


def _ordered(found: list[Share]) -> tuple[Share, ...]:
    return tuple(sorted((one for one in found if one.opens), key=lambda one: (-one.percent, -one.broken, one.name)))


def _opens(span: opens.Span) -> Counter[UUID]:
    owners, found = _owners(), Counter[UUID]()
    for key, count in opens.by_actor(span).items():
        if key in owners:
            found[owners[key]] += count
    return found


def _owners() -> Mapping[str, UUID]:
    """Whose act it is, by the key on record: a person's own or that of one of their tokens."""
    people = {f"person:{pk}": pk for pk in Person.objects.values_list("pk", flat=True)}
    return people | {f"token:{pk}": person for pk, person in Token.objects.values_list("pk", "person_id")}


def _broken(span: opens.Span) -> Counter[UUID]:
    found = Counter[UUID]()
    # An access that was opened before the first day may last into it.
    latest = clock.at(min(span.before_us, opens.LONGEST_US))
    for row in BreakGlass.objects.filter(until__gte=clock.at(span.since_us), opened_at__lt=latest):
        open_ = opened(row)
        within = opens.Span(max(open_.since_us, span.since_us), min(open_.before_us, span.before_us))
        found[row.person] += opens.count(keys_of(row.person), row.studies, within)
    return found
