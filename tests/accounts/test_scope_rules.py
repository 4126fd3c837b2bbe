"""Rules at arrival: which groups an attribute gives a study, and what nobody gives themselves by an attribute."""

from typing import Any

import pytest
from django.db import transaction

from accounts import scope, scope_rules
from accounts.errors import Forbidden, Unacceptable
from accounts.models import Access, Group, Person, ScopeRule
from accounts.scope import UNASSIGNED, Facts
from accounts.scope_rules import Line
from archive import ingest
from audit.models import Alert, AuditEvent
from tests import builders
from tests.completeness.studies import actor

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture
def wards(installation: Any) -> dict[str, Group]:
    made = {name: Group.objects.create(name=name) for name in ("Ward 3", "Oncology", "Elsewhere")}
    for line in (
        Line("ward", "Station Drei", "Ward 3"),
        Line("institution", "Hôpital  Saint-Loup", "Elsewhere"),
        Line("service", "ONCO", "Oncology"),
        Line("device", "CT_ONE", "Oncology"),
    ):
        scope_rules.add(actor("administrator"), line)
    return made


def owners(study_uid: str) -> set[tuple[str, str]]:
    names = dict(Group.objects.values_list("id", "name"))
    rows = Access.objects.filter(study_uid=study_uid).values_list("audience", "rule")
    return {(names[audience], rule) for audience, rule in rows}


def assigned(sender: Any, **facts: str) -> set[tuple[str, str]]:
    with transaction.atomic():
        scope.assign("1.2.3", "", Facts(sender, **facts))
    return owners("1.2.3")


@pytest.mark.both_databases
def test_a_study_falls_to_its_senders_groups_and_to_those_of_every_rule(
    wards: dict[str, Group], modality: Any, actor_of: Any
) -> None:
    found = assigned(
        actor_of(modality), institution="hopital saint-loup", requesting_service="onco", ward="STATION DREI"
    )
    assert found == {
        ("Radiology", "sender"),
        ("Oncology", "attribute"),
        ("Elsewhere", "attribute"),
        ("Ward 3", "attribute"),
    }


@pytest.mark.parametrize("value", ["Station", "Station Drei 2", "*", "Station ?rei", "", "ONCO"])
def test_a_value_is_matched_whole_and_in_its_own_attribute(
    wards: dict[str, Group], modality: Any, actor_of: Any, value: str
) -> None:
    assert assigned(actor_of(modality), ward=value) == {("Radiology", "sender"), ("Oncology", "attribute")}


def test_a_device_without_groups_leaves_it_to_the_rules_and_else_unassigned(
    wards: dict[str, Group], modality: Any, actor_of: Any
) -> None:
    modality.groups.clear()
    ScopeRule.objects.filter(attribute="device").delete()
    assert assigned(actor_of(modality)) == {("Unassigned", "unassigned")}
    assert assigned(actor_of(modality), ward="Station Drei") == {("Unassigned", "unassigned"), ("Ward 3", "attribute")}
    assert assigned(actor_of(modality)) == {("Unassigned", "unassigned"), ("Ward 3", "attribute")}
    assert not Alert.objects.exists()


def test_nobody_lets_a_group_into_a_study_of_others_by_an_attribute(
    wards: dict[str, Group], modality: Any, outsider: Person, technologist: Person, actor_of: Any
) -> None:
    before = assigned(actor_of(modality))
    assert assigned(actor_of(outsider), ward="Station Drei") == before
    assert assigned(actor_of(technologist), ward="Station Drei") == before
    modality.groups.clear()
    ScopeRule.objects.filter(attribute="device").delete()
    assert assigned(actor_of(modality), ward="Station Drei") == before
    assert Alert.objects.get(kind="foreign-sender").times == 2


def test_what_arrives_brings_its_attributes(wards: dict[str, Group], modality: Any, actor_of: Any) -> None:
    by_location = builders.ct_slice(CurrentPatientLocation="Station Drei", InstitutionalDepartmentName="ONCO")
    by_department = builders.ct_slice(InstitutionalDepartmentName="Station Drei", RequestingService="Onco")
    for image in (by_location, by_department):
        ingest.store(actor_of(modality), builders.part10(image))
    assert ("Ward 3", "attribute") in owners(by_location.StudyInstanceUID)
    assert ("Ward 3", "attribute") in owners(by_department.StudyInstanceUID)
    assert UNASSIGNED not in Access.objects.values_list("audience", flat=True)


FILE = (
    b"\xef\xbb\xbfattribute,value,group\r\n"
    b'ward,"Station, 4",Radiology\r\n\r\n'
    b"service,CARD,Cardiology\r\nservice,card,Cardiology\r\n"
)


@pytest.mark.both_databases
def test_a_file_is_imported_whole_and_twice_is_once() -> None:
    ada = actor("administrator")
    tried = scope_rules.import_(ada, FILE, dry=True)
    assert (len(tried.made), ScopeRule.objects.count()) == (2, 0)
    done = scope_rules.import_(ada, FILE, dry=False)
    assert [(one.attribute, one.pattern, one.group) for one in done.made] == [
        ("ward", "Station, 4", "Radiology"),
        ("service", "card", "Cardiology"),
    ]
    assert scope_rules.import_(ada, FILE, dry=False).made == ()
    assert ScopeRule.objects.count() == 2
    assert AuditEvent.objects.filter(action="group:changed", count=2).count() == 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "first line"),
        (b"attribute;value;group\n", "first line"),
        (b"attribute,value,group\nward,\xff,Radiology\n", "UTF-8"),
        (
            b"attribute,value,group\nward,A,Radiology\ncolour,B,Radiology\nward,,Radiology\nward,C,Nobody\nward,D\n",
            "Line 3",
        ),
        (b'attribute,value,group\nward,"A\nB",Radiology\n', "Line 2"),
        (b'attribute,value,group\nward,"A,Radiology\n', "CSV"),
        (b"attribute,value,group\nward,A\x00B,Radiology\n", "Line 2|CSV"),
        (b"attribute,value,group\n" + b"ward,A,Radiology\n" * 5001, "5000"),
        (b"attribute,value,group\n" + b"x" * (1 << 20), "mebibyte"),
        (b"attribute,value,group\nward," + "\ufdfa".encode() * 100 + b",Radiology\n", "Line 2"),
    ],
)
def test_a_file_with_anything_wrong_changes_nothing_and_says_where(data: bytes, told: str) -> None:
    with pytest.raises(Unacceptable, match=told):
        scope_rules.import_(actor("administrator"), data, dry=False)
    assert not ScopeRule.objects.exists()


def test_every_wrong_line_is_named() -> None:
    data = b"attribute,value,group\ncolour,B,Radiology\nward,A,Radiology\nward,C,Nobody\n"
    with pytest.raises(Unacceptable) as refused:
        scope_rules.import_(actor("administrator"), data, dry=False)
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == ["Line 2", "Line 4"]


def test_only_who_manages_groups_makes_rules() -> None:
    for act in (
        lambda: scope_rules.import_(actor("radiologist"), FILE, dry=True),
        lambda: scope_rules.add(actor("radiologist"), Line("ward", "A", "Radiology")),
        lambda: scope_rules.listed(actor("radiologist")),
    ):
        with pytest.raises(Forbidden):
            act()
    assert not ScopeRule.objects.exists()
