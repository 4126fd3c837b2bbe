"""Whose a study is, written: at arrival, by people, and for a while."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.actors import Actor
from accounts.models import Access, Group, PhysicianLink, Restricted, ScopeRule, Withdrawn
from accounts.scope.rules import BY_NOBODY, BY_PERSON, BY_PHYSICIAN, BY_RULE, BY_SENDER, OWNING, UNASSIGNED
from audit import alerts, clock, plain, plain_models
from vault.patterns import text_value


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at when a study arrives: who sent it, and attributes of the data set."""

    sender: Actor
    institution: str = ""
    requesting_service: str = ""
    ward: str = ""

    @property
    def values(self) -> Mapping[str, str]:
        """The values by the names that rules give the attributes, folded; those that are empty left out."""
        device = self.sender.name if self.sender.kind == "device" else ""
        told = {
            "device": device,
            "institution": self.institution,
            "service": self.requesting_service,
            "ward": self.ward,
        }
        return {name: folded for name, value in told.items() if (folded := text_value(value))}


def assign(study_uid: str, date: str, facts: Facts) -> bool:
    """Write whose a study is, inside the caller's transaction: the groups of whoever sent it first, and of the rules.

    The sender is a device or a person; a study that neither its groups nor a rule assigns goes to the group Unassigned.
    Sending more of a study never removes, and it adds groups only where one of the sender's own has the study already,
    or where it is nobody's yet and the sender has no groups: else whoever may store could show any study to any group
    by sending one image under its UID. Rules add to what is there for devices alone, whose images say what they are.
    What came otherwise is kept with the study, out of its sender's sight, and people are told. `date` is the study date
    as DICOM writes it, or empty. Returns whether what the image says of whose the study is was believed.
    """
    own, ruled = set(facts.sender.audiences[1:]), _ruled(facts)
    rows = plain_models.select(Access, "study_uid", [study_uid])
    had = {(row.audience, row.rule) for row in rows if row.rule in OWNING}
    owners = {audience for audience, _rule in had}
    if not had:
        _own(study_uid, date, own, ruled)
        return True
    if own & owners or (not own and owners == {UNASSIGNED}):
        device = facts.sender.kind == "device"
        _own(study_uid, date, own or owners, ruled if device else set())
        return device
    if own or not ruled <= owners or BY_RULE not in {rule for _audience, rule in had}:
        words = f"{facts.sender.name} sent images into a study of other groups. Its own groups were not let in."
        alerts.raise_("foreign-sender", study_uid, words)
    return False


def attend(study_uid: str, date: str, phrases: Iterable[UUID]) -> None:
    """Let those see a study who are linked to a spelling of its physicians, inside the caller's transaction.

    `phrases` are rows of the archive's dictionary.
    """
    named = set(phrases)
    links = PhysicianLink.objects.filter(Q(referring__in=named) | Q(performing__in=named)) if named else ()
    rows = [
        Access(audience=person, study_uid=study_uid, date=date, rule=BY_PHYSICIAN)
        for person in {link.person_id for link in links}
    ]
    Access.objects.bulk_create(rows, ignore_conflicts=True)


def _own(study_uid: str, date: str, own: set[UUID], ruled: set[UUID]) -> None:
    if not own | ruled:
        own = {UNASSIGNED}
    pairs = [(group, BY_NOBODY if group == UNASSIGNED else BY_SENDER) for group in own]
    pairs += [(group, BY_RULE) for group in ruled]
    rows = [Access(audience=group, study_uid=study_uid, date=date, rule=rule) for group, rule in pairs]
    plain_models.insert(Access, rows, ignore=True)


def _ruled(facts: Facts) -> set[UUID]:
    """The groups to which rules give a study with these attributes."""
    wanted = list(facts.values.items())
    if not wanted:
        return set()
    table, those = ScopeRule._meta.db_table, " OR ".join(["(attribute = %s AND folded = %s)"] * len(wanted))
    statement = f"SELECT group_id FROM {table} WHERE {those}"  # noqa: S608 # nosec B608 # names of our own
    told = [text for pair in wanted for text in pair]
    return {plain.uuid(group) for (group,) in plain.execute(statement, told).fetchall()}


def give(study_uid: str, group: Group) -> bool:
    """Let a group see a study that others have, inside the caller's transaction; False where nobody has it."""
    owner = Access.objects.filter(study_uid=study_uid, rule__in=OWNING).first()
    if owner is not None:
        row = Access(audience=group.id, study_uid=study_uid, date=owner.date, rule=BY_PERSON)
        Access.objects.bulk_create([row], ignore_conflicts=True)
    return owner is not None


def lend(audience: UUID, study_uids: Iterable[str], rule: str, until: datetime) -> None:
    """Let one audience see studies until a moment, inside the caller's transaction; a later one takes its place."""
    Access.objects.filter(audience=audience, rule=rule, until__lte=clock.moment()).delete()
    rows = [Access(audience=audience, study_uid=uid, rule=rule, until=until) for uid in study_uids]
    Access.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["audience", "study_uid", "rule"], update_fields=["until"]
    )


def restrict(study_uids: Iterable[str]) -> None:
    """Let groups and physicians see these studies no more, inside the caller's transaction, until `unrestrict`."""
    Restricted.objects.bulk_create([Restricted(study_uid=uid) for uid in study_uids], ignore_conflicts=True)


def unrestrict(study_uid: str) -> bool:
    """Let those see a study again whose it is, inside the caller's transaction; False where it was not restricted."""
    return bool(Restricted.objects.filter(study_uid=study_uid).delete()[0])


def arrived(study_uids: Iterable[str]) -> None:
    """Tell people when something came for studies in the trash, inside the caller's transaction; it stays hidden."""
    for study_uid in _withdrawn(sorted(set(study_uids))):
        words = "Images came for a study in the trash. They are kept with it, and hidden as it is."
        alerts.raise_("trashed-arrival", study_uid, words)


def _withdrawn(study_uids: list[str]) -> list[str]:
    """Those of the studies that are in the trash; as plain SQL, since it is asked of every object that arrives."""
    if not study_uids:
        return []
    table, places = Withdrawn._meta.db_table, ", ".join(["%s"] * len(study_uids))
    statement = f"SELECT study_uid FROM {table} WHERE study_uid IN ({places})"  # noqa: S608 # nosec B608 # names of our own
    return [uid for (uid,) in plain.execute(statement, study_uids).fetchall()]
