"""The list of people is searched, and a person's page says what that person may and what disabling ends."""

import re

import pytest

from accounts import factors, people, roles, tokens
from accounts.models import Person, Session
from tests.accounts.browsing import Browser
from tests.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture
def admin(administrator: Person) -> Browser:
    return Browser().sign_in(administrator)


def shown(browser: Browser, query: str) -> set[str]:
    answer = browser.open(f"/people/?{query}")
    assert answer.status_code == 200
    return set(re.findall(r'<td><a href="/people/[0-9a-f-]{36}/">([^<]+)</a></td>', answer.content.decode()))


def test_people_are_found_by_name_role_group_and_state(admin: Browser, radiologist: Person, outsider: Person) -> None:
    everybody = {"administrator", "outsider", "privacy", "radiologist", "technologist"}
    assert shown(admin, "") == everybody
    assert shown(admin, "q=WEBER") == {"radiologist"}
    assert shown(admin, "q=rad") == {"radiologist"}
    assert shown(admin, "role=clinician") == {"radiologist", "outsider"}
    assert shown(admin, "group=Radiology") == {"radiologist", "technologist"}
    assert shown(admin, "role=clinician&group=Radiology") == {"radiologist"}
    factors.issue(radiologist)
    people.disable(outsider)
    assert shown(admin, "state=disabled") == {"outsider"}
    assert shown(admin, "state=waiting") == {"privacy", "technologist"}
    assert shown(admin, "state=active") == everybody - {"outsider"}


@pytest.mark.parametrize("query", ["q=%25", "q=%00", "role=%00x", "group=" + "x" * 3000, "state=evil", "q=' OR 1=1--"])
def test_a_hostile_search_finds_nobody_or_everybody_and_breaks_nothing(admin: Browser, query: str) -> None:
    assert shown(admin, query) in (set(), {"administrator", "outsider", "privacy", "radiologist", "technologist"})


def test_one_who_holds_several_roles_is_listed_once(admin: Browser, radiologist: Person) -> None:
    roles.create("helper", ["system.see"])
    people.edit(radiologist, roles=["clinician", "helper"], groups=list(radiologist.groups.all()), full_name="R")
    page = admin.open("/people/?role=clinician&group=Radiology").content.decode()
    assert page.count(">radiologist</a>") == 1


def test_a_persons_page_says_in_words_what_all_roles_allow(admin: Browser, radiologist: Person) -> None:
    roles.create("helper", ["system.see"])
    people.edit(radiologist, roles=["clinician", "helper"], groups=[], full_name="")
    page = admin.open(f"/people/{radiologist.id}/").content.decode()
    allowed = re.search(r'<ul id="allowed">(.*?)</ul>', page)
    assert allowed is not None
    assert re.findall(r"<li>([^<]+)</li>", allowed[1]) == [
        "search for studies of the own groups",
        "view images of studies",
        "download studies",
        "open a patient of another group for an hour in an emergency",
        "see how the archive is",
    ]


def test_what_disabling_ends_is_said_before_it_is_done(admin: Browser, radiologist: Person) -> None:
    Browser().sign_in(radiologist)
    Browser().sign_in(radiologist)
    tokens.create(radiologist)
    page = admin.open(f"/people/{radiologist.id}/disable/").content.decode()
    assert "2 open sessions end" in page
    assert "1 API token is revoked" in page
    assert Person.objects.get(pk=radiologist.pk).is_active, "a look does nothing"
    assert admin.send(f"/people/{radiologist.id}/disable/").status_code == 302
    assert not Person.objects.get(pk=radiologist.pk).is_active
    assert not Session.objects.filter(person=radiologist).exists()


def test_a_forged_post_of_another_id_changes_that_person_alone(
    admin: Browser, radiologist: Person, outsider: Person
) -> None:
    admin.send(f"/people/{radiologist.id}/", person=str(outsider.id), id=str(outsider.id), roles=["technologist"])
    assert [role.name for role in outsider.roles.all()] == ["clinician"]
    assert [role.name for role in radiologist.roles.all()] == ["technologist"]
    people.create("last", password=PASSWORD, roles=["clinician"])
    assert Browser().sign_in(outsider).send(f"/people/{radiologist.id}/", roles=["clinician"]).status_code == 403
