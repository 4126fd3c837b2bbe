"""`manage.py NOUN VERB`: one JSON object each, on record as the shell's user."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import identify
from accounts.models import Access, Device, Group, Person
from audit import log
from audit.models import AuditEvent
from tests.accounts.browsing import Browser, code

pytestmark = pytest.mark.usefixtures("installation")


def run(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    assert len(out.getvalue().splitlines()) == 1
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_a_person_made_in_the_shell_signs_in_with_the_factors_printed() -> None:
    made = run("person", "add", "Shelly", "--role", "clinician", "--group", "Radiology")
    assert set(made) >= {"username", "password", "totp_uri", "recovery_codes"}
    browser = Browser()
    browser.send("/sign-in/", username="shelly", password=made["password"])
    assert browser.send("/sign-in/code/", code=code(made["totp_uri"])).status_code == 302
    assert browser.open("/me/").status_code == 200
    event = AuditEvent.objects.filter(action="person:changed").latest("seq")
    assert (event.actor_kind, event.outcome) == ("shell", "ok")
    assert (log.open_details(event) or {})["factors"] == "shell-issued"


def test_a_person_is_listed_disabled_and_reset() -> None:
    names = [row["username"] for row in run("person", "list")["people"]]
    assert {"radiologist", "administrator"} <= set(names)
    assert run("person", "disable", "radiologist") == {"username": "radiologist", "active": False}
    assert not Person.objects.get(username="radiologist").is_active
    assert run("person", "reset-factors", "technologist")["password"]
    assert Person.objects.get(username="technologist").password_is_initial


def test_groups_and_devices() -> None:
    assert run("group", "add", "Neurology")["group"] == "Neurology"
    assert Group.objects.filter(name="Neurology").exists()
    words = ("--address", "10.0.0.0/8", "--group", "Neurology", "--port", "104", "--may", "store,find")
    made = run("device", "add", "MR_1", *words)
    assert (made["address"], made["may"], made["groups"]) == ("10.0.0.0/8", ["find", "store"], ["Neurology"])
    assert "MR_1" in [row["ae_title"] for row in run("device", "list")["devices"]]
    run("device", "disable", "MR_1")
    assert not Device.objects.get(ae_title="MR_1").is_active


def test_a_group_is_let_into_a_study_that_another_has() -> None:
    Access.objects.create(audience=Group.objects.get(name="Radiology").id, study_uid="1.2.3", rule="sender")
    assert run("group", "give", "Cardiology", "1.2.3") == {"group": "Cardiology", "study": "1.2.3"}
    assert Access.objects.filter(audience=Group.objects.get(name="Cardiology").id, study_uid="1.2.3").exists()
    event = AuditEvent.objects.filter(action="group:changed", outcome="ok").latest("seq")
    assert event.study_uid == "1.2.3"
    assert log.open_details(event) == {"subject": "Cardiology", "act": "given"}


def test_tokens() -> None:
    made = run("token", "add", "radiologist", "--scope", "study.search")
    assert identify.token_actor(made["token"], "").permissions == {"study.search"}
    run("token", "revoke", made["id"])
    assert not identify.token_actor(made["token"], "").verified


@pytest.mark.parametrize(
    "words",
    [
        ("group", "add", "Radiology"),
        ("group", "give", "Radiology", "1.2.3"),
        ("group", "give", "Nowhere", "1.2.3"),
        ("person", "add", "x"),
        ("person", "add", "fresh", "--role", "almighty"),
        ("person", "add", "fresh", "--group", "Nowhere"),
        ("person", "disable", "nobody"),
        ("person", "disable", "administrator"),
        ("device", "add", "CT_ONE", "--address", "10.0.0.1"),
        ("device", "add", "NEW", "--address", "nowhere"),
        ("device", "disable", "NEW"),
        ("token", "add", "radiologist", "--scope", "people.manage"),
        ("token", "revoke", "00000000-0000-4000-8000-00000000dead"),
    ],
)
def test_what_cannot_be_done_is_said_in_words_and_changes_nothing(words: tuple[str, ...]) -> None:
    before = AuditEvent.objects.filter(outcome="ok").count()
    with pytest.raises(CommandError):
        call_command(*words, stdout=StringIO())
    assert AuditEvent.objects.filter(outcome="ok").count() == before


def test_without_json_the_same_is_printed_for_people() -> None:
    out = StringIO()
    call_command("device", "list", stdout=out)
    assert "CT_ONE" in out.getvalue()
