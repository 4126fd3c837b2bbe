"""Groups in the browser: renamed, filled, emptied and deleted, and nobody lets themselves in."""

from uuid import uuid4

import pytest
from django.db import transaction

from accounts import groups, identify, people, roles, scope
from accounts.models import Access, Device, Group, Person
from accounts.scope import UNASSIGNED, Facts
from audit import log
from audit.models import AuditEvent
from tests.accounts.browsing import Browser
from tests.accounts.conftest import OURS, ActorOf

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture
def admin(administrator: Person) -> Browser:
    return Browser().sign_in(administrator)


@pytest.fixture
def ward(administrator: Person) -> Group:
    return groups.create("Ward 7")


def acts() -> list[str]:
    rows = AuditEvent.objects.filter(action="group:changed", outcome="ok").order_by("seq")
    return [(log.open_details(row) or {})["act"] for row in rows]


def test_a_group_is_renamed_filled_emptied_and_deleted(admin: Browser, ward: Group, radiologist: Person) -> None:
    place = f"/groups/{ward.id}/"
    assert admin.send(place, act="rename", name="Ward  8").status_code == 302
    assert admin.send(place, act="rename", name="RADIOLOGY").status_code == 422
    assert admin.send(place, act="add", person=" Radiologist ").status_code == 302
    assert 'data-member="radiologist"' in admin.open(place).content.decode()
    assert admin.send(f"{place}delete/").status_code == 422
    people.disable(radiologist)
    assert admin.send(place, act="remove", person="radiologist").status_code == 302
    assert admin.send(f"{place}delete/").status_code == 302
    assert not Group.objects.filter(pk=ward.id).exists()
    assert acts() == ["renamed", "person added", "person removed", "deleted"]


def test_a_group_with_studies_or_devices_is_kept(
    admin: Browser, ward: Group, modality: Device, actor_of: ActorOf
) -> None:
    modality.groups.set([ward])
    with transaction.atomic():
        scope.assign(OURS, "20260102", Facts(actor_of(modality)))
    assert admin.send(f"/groups/{ward.id}/delete/").status_code == 422
    modality.groups.set([])
    assert admin.send(f"/groups/{ward.id}/delete/").status_code == 422
    assert Access.objects.filter(audience=ward.id, study_uid=OURS).exists()
    assert Group.objects.filter(pk=ward.id).exists()


def test_the_group_of_studies_that_no_rule_assigns_stays_as_it_is(admin: Browser) -> None:
    place = f"/groups/{UNASSIGNED}/"
    assert admin.send(place, act="rename", name="Mine").status_code == 422
    assert admin.send(f"{place}delete/").status_code == 422
    assert Group.objects.get(pk=UNASSIGNED).name == "Unassigned"


def test_nobody_lets_themselves_into_a_group(admin: Browser, ward: Group, administrator: Person) -> None:
    for act in ("add", "remove"):
        assert admin.send(f"/groups/{ward.id}/", act=act, person="administrator").status_code == 422
    assert not administrator.groups.exists()
    denied = AuditEvent.objects.filter(action="group:changed", outcome="denied")
    assert [(log.open_details(row) or {})["rule"] for row in denied] == ["own", "own"]


def test_who_manages_groups_alone_changes_them_and_reaches_nothing_of_people(ward: Group, outsider: Person) -> None:
    roles.create("head of ward", ["groups.manage"])
    people.edit(outsider, roles=["head of ward"], groups=[], full_name="")
    browser = Browser().sign_in(outsider)
    place = f"/groups/{ward.id}/"
    assert browser.send(place, act="add", person="radiologist").status_code == 302
    page = browser.open(place).content.decode()
    assert "radiologist" in page
    assert "/people/" not in page
    assert browser.open("/people/").status_code == 403
    assert browser.send(place, act="add", person="outsider").status_code == 422


def test_a_member_taken_out_sees_nothing_of_the_group_from_then_on(
    admin: Browser, radiologist: Person, actor_of: ActorOf
) -> None:
    group = Group.objects.get(name="Radiology")
    actor = actor_of(radiologist)
    assert group.id in actor.audiences
    admin.send(f"/groups/{group.id}/", act="remove", person="radiologist")
    assert group.id not in identify.current(actor).audiences


@pytest.mark.parametrize("hostile", ["", "nobody-there", "\x00", "x" * 5000, "' OR 1=1 --", "<b>"])
def test_what_names_nobody_lets_nobody_in_and_is_on_record(admin: Browser, ward: Group, hostile: str) -> None:
    answer = admin.send(f"/groups/{ward.id}/", act="add", person=hostile)
    assert answer.status_code == 422
    assert "<b>" not in answer.content.decode()
    assert not ward.people.exists()
    assert AuditEvent.objects.filter(action="group:changed", outcome="not-found").exists()


@pytest.mark.parametrize("act", ["", "destroy", "rename\x00"])
def test_an_act_that_is_none_does_nothing(admin: Browser, ward: Group, act: str) -> None:
    assert admin.send(f"/groups/{ward.id}/", act=act, person="radiologist", name="Other").status_code == 422
    assert Group.objects.get(pk=ward.id).name == "Ward 7"


def test_a_group_that_is_not_there_and_one_that_is_not_mine(admin: Browser, ward: Group, radiologist: Person) -> None:
    for path in (f"/groups/{uuid4()}/", f"/groups/{uuid4()}/delete/"):
        assert admin.open(path).status_code == admin.send(path).status_code == 404
    reader = Browser().sign_in(radiologist)
    for path in (f"/groups/{ward.id}/", f"/groups/{ward.id}/delete/", f"/groups/{uuid4()}/"):
        assert reader.open(path).status_code == reader.send(path, act="add", person="radiologist").status_code == 403
    assert Group.objects.filter(pk=ward.id).exists()
