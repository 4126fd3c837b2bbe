"""Rules at arrival: an attribute's value, exact after folding, and the group to which such studies fall.

A rule holds for studies that arrive from then on; those that are here keep the groups they have.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import gate
from accounts.actors import Actor
from accounts.errors import Unacceptable
from accounts.models import Group, ScopeRule
from audit.actions import Action
from vault.patterns import text_value

ATTRIBUTES: Mapping[str, Promise] = {
    "device": gettext_lazy("Device (AE title)"),
    "institution": gettext_lazy("Institution"),
    "service": gettext_lazy("Requesting service"),
    "ward": gettext_lazy("Ward"),
}
HEADING = ("attribute", "value", "group")
LONGEST, MOST_LINES, MOST_BYTES, MOST_ERRORS = 120, 5000, 1 << 20, 20


@dataclass(frozen=True, slots=True)
class Line:
    """One rule as somebody asks for it."""

    attribute: str
    pattern: str
    group: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import does, or would do: rules made, and those that are there already."""

    made: tuple[Line, ...]
    known: int


def listed(actor: Actor) -> Sequence[ScopeRule]:
    """All rules, by attribute and value. Raises Forbidden."""
    gate.permit(actor, Action.GROUP_CHANGED)
    return list(ScopeRule.objects.select_related("group").order_by("attribute", "folded", "group__name"))


def add(actor: Actor, line: Line) -> None:
    """Make one rule. Raises Forbidden, or Unacceptable for a bad one or one that is there."""
    gate.permit(actor, Action.GROUP_CHANGED)
    rule = _rule(line)
    told = {"act": "rule made", "attribute": rule.attribute, "value": rule.pattern}
    with gate.change(actor, Action.GROUP_CHANGED, subject=rule.group.name, details=told):
        if not _made([rule]):
            raise Unacceptable("pattern", _("There is such a rule already."))


def remove(actor: Actor, identifier: UUID) -> None:
    """End one rule; studies keep the groups that it gave them. Raises Forbidden or NotVisible."""
    subject = f"rule:{identifier}"
    gate.permit(actor, Action.GROUP_CHANGED, subject=subject)
    rule = ScopeRule.objects.select_related("group").filter(pk=identifier).first()
    if rule is None:
        raise gate.missed(actor, Action.GROUP_CHANGED, subject=subject)
    told = {"act": "rule ended", "attribute": rule.attribute, "value": rule.pattern}
    with gate.change(actor, Action.GROUP_CHANGED, subject=rule.group.name, details=told):
        ScopeRule.objects.filter(pk=identifier).delete()


def import_(actor: Actor, data: bytes, *, dry: bool) -> Outcome:
    """Add the rules of a CSV file (UTF-8; `attribute,value,group`), the whole file or nothing; `dry` only says which.

    Raises Forbidden, or Unacceptable with the lines that are wrong.
    """
    gate.permit(actor, Action.GROUP_CHANGED)
    rules = _read(data)
    there = set(ScopeRule.objects.values_list("attribute", "folded", "group_id"))
    new = {(rule.attribute, rule.folded, rule.group.id): rule for rule in rules}
    new = {name: rule for name, rule in new.items() if name not in there}
    made = tuple(Line(rule.attribute, rule.pattern, rule.group.name) for rule in new.values())
    if not dry:
        told = {"act": "rules imported", "rules": [[one.attribute, one.pattern, one.group] for one in made]}
        with gate.change(actor, Action.GROUP_CHANGED, subject="rules", count=len(made), details=told):
            _made(list(new.values()))
    return Outcome(made, len(rules) - len(made))


def _read(data: bytes) -> list[ScopeRule]:
    if len(data) > MOST_BYTES:
        raise Unacceptable("file", _("A file of rules has at most one mebibyte."))
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Unacceptable("file", _("This is not a CSV file in UTF-8.")) from None
    if not rows or tuple(cell.strip().casefold() for cell in rows[0]) != HEADING:
        raise Unacceptable("file", _("The first line of the file names its columns: attribute,value,group."))
    if len(rows) > MOST_LINES:
        raise Unacceptable("file", _("A file of rules has at most 5000 lines."))
    rules, wrong = list[ScopeRule](), list[str]()
    groups = {group.name: group for group in Group.objects.all()}
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            if len(cells) != len(HEADING):
                raise Unacceptable("file", _("A line has three columns."))
            rules.append(_rule(Line(*(cell.strip() for cell in cells)), groups))
        except Unacceptable as error:
            wrong.append(_("Line %(number)s: %(words)s") % {"number": number, "words": error})
    if wrong:
        raise Unacceptable("file", "\n".join(wrong[:MOST_ERRORS]))
    return rules


def _rule(line: Line, groups: Mapping[str, Group] | None = None) -> ScopeRule:
    """The row that a line asks for. Raises Unacceptable."""
    attribute, pattern = line.attribute.strip().casefold(), line.pattern.strip()
    if attribute not in ATTRIBUTES:
        raise Unacceptable("attribute", _("A rule looks at device, institution, service or ward."))
    folded = text_value(pattern)
    if not folded or max(len(pattern), len(folded) // 2) > LONGEST or not pattern.isprintable():
        raise Unacceptable("pattern", _("A value has 1 to 120 characters on one line."))
    found = groups.get(line.group) if groups is not None else Group.objects.filter(name=line.group).first()
    if found is None:
        raise Unacceptable("group", _("There is no group “%(name)s”.") % {"name": line.group[:100]})
    return ScopeRule(attribute=attribute, pattern=pattern, folded=folded, group=found)


def _made(rules: list[ScopeRule]) -> int:
    before = ScopeRule.objects.count()
    ScopeRule.objects.bulk_create(rules, ignore_conflicts=True)
    return ScopeRule.objects.count() - before
