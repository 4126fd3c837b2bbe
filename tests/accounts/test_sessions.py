"""What was proved ends: by time, by sign-out, from elsewhere, and when the person or token is gone."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import epoch, identify, people, sessions, tokens
from accounts.errors import Unacceptable
from accounts.models import Person, Session, Token
from accounts.policy import TOKEN_MAY, Permission
from tests.accounts.browsing import Browser

pytestmark = pytest.mark.usefixtures("installation")


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def works(browser: Browser) -> bool:
    return browser.open("/me/").status_code == 200


def test_an_idle_session_ends_after_half_an_hour(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=9))
    assert works(browser)
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=29))
    assert browser.open("/me/")["Location"].startswith("/locked/")
    Session.objects.update(seen_at=timezone.now() - timedelta(minutes=31))
    assert browser.open("/me/")["Location"].startswith("/sign-in/")


def test_a_session_in_use_ends_after_twelve_hours(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    row = Session.objects.get()
    assert row.expire_date - row.started_at <= timedelta(hours=12, seconds=1)
    for _use in range(3):
        assert works(browser)
    assert Session.objects.get().expire_date == row.expire_date
    Session.objects.update(expire_date=timezone.now())
    assert not works(browser)


def test_who_signs_in_where_another_was_signed_in_ends_that_session_everywhere(
    radiologist: Person, outsider: Person
) -> None:
    browser = Browser().sign_in(radiologist)
    there = identify.session_principal(browser.session_key, "127.0.0.1").actor
    before = epoch.number()
    browser.give_password(outsider)
    assert epoch.number() > before
    assert identify.current(there).kind == "nobody"


def test_a_half_signed_in_session_ends_after_ten_minutes(radiologist: Person) -> None:
    browser = Browser()
    browser.give_password(radiologist)
    assert browser.open("/sign-in/enrol/").status_code == 200
    Session.objects.update(started_at=timezone.now() - timedelta(minutes=11))
    assert browser.open("/sign-in/enrol/")["Location"] == "/sign-in/"


def test_use_is_noted_once_a_minute_and_polling_is_no_use(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    recently = timezone.now() - timedelta(seconds=30)
    Session.objects.update(seen_at=recently)
    assert works(browser)
    assert Session.objects.get().seen_at == recently
    earlier = timezone.now() - timedelta(minutes=5)
    Session.objects.update(seen_at=earlier)
    browser.open("/me/", **{"Custos-Poll": "1"})
    assert Session.objects.get().seen_at == earlier
    assert works(browser)
    assert Session.objects.get().seen_at > recently  # type: ignore[operator]


def test_a_disabled_person_is_out_at_the_next_request_also_by_token(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    _token, secret = tokens.create(radiologist)
    program = Browser()
    assert program.open("/studies/", **bearer(secret)).status_code == 200
    people.disable(radiologist)
    assert not works(browser)
    assert program.open("/studies/", **bearer(secret)).status_code == 302
    people.enable(radiologist)
    assert not works(browser)
    assert program.open("/studies/", **bearer(secret)).status_code == 302


def test_a_remembered_principal_is_dropped_at_once_when_rights_change(radiologist: Person) -> None:
    """Also on the path of pixels, where nothing is read from the database while rights stand."""
    browser = Browser().sign_in(radiologist)
    key = browser.session_key
    epoch.start()
    assert identify.session_principal(key, "127.0.0.1").actor.verified
    assert Permission.STUDY_VIEW in identify.session_principal(key, "127.0.0.1").actor.permissions
    people.edit(radiologist, roles=[], groups=[], full_name="")
    assert identify.session_principal(key, "127.0.0.1").actor.permissions == {Permission.OWN}
    people.disable(radiologist)
    assert identify.session_principal(key, "127.0.0.1").actor.kind == "nobody"


def test_the_path_of_pixels_asks_the_database_nothing(
    radiologist: Person, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    browser = Browser().sign_in(radiologist)
    _token, secret = tokens.create(radiologist)
    epoch.start()
    identify.session_principal(browser.session_key, "127.0.0.1")
    identify.token_actor(secret, "127.0.0.1")
    with django_assert_num_queries(0):  # type: ignore[operator]
        for _frame in range(20):
            assert identify.session_principal(browser.session_key, "127.0.0.1").actor.verified
            assert identify.token_actor(secret, "127.0.0.1").verified


def test_a_session_ended_elsewhere_is_dead_and_others_cannot_end_it(radiologist: Person, outsider: Person) -> None:
    here, there = Browser().sign_in(radiologist), Browser().sign_in(radiologist)
    name = sessions.name(sessions.row_key(there.session_key))
    assert Browser().sign_in(outsider).send(f"/me/sessions/{name}/end/").status_code == 404
    assert works(there)
    assert here.send(f"/me/sessions/{name}/end/").status_code == 302
    assert not works(there)
    assert works(here)


def test_a_new_password_ends_the_other_sessions(radiologist: Person) -> None:
    here, there = Browser().sign_in(radiologist), Browser().sign_in(radiologist)
    old = "correct horse battery staple"
    assert here.send("/me/password/", old="wrong", new="four grey donkeys walk").status_code == 422
    assert works(there)
    assert here.send("/me/password/", old=old, new="four grey donkeys walk").status_code == 302
    assert works(here)
    assert not works(there)


def test_a_token_carries_no_more_than_its_scopes_and_its_person(radiologist: Person) -> None:
    _token, secret = tokens.create(radiologist, scopes=["study.search"])
    actor = identify.token_actor(secret, "10.0.0.1")
    assert actor.permissions == {Permission.STUDY_SEARCH}
    assert (actor.kind, actor.verified, actor.address) == ("token", True, "10.0.0.1")
    assert radiologist.id in actor.audiences
    with pytest.raises(Unacceptable):
        tokens.create(radiologist, scopes=["people.manage"])
    with pytest.raises(Unacceptable):
        tokens.create(radiologist, scopes=["study.download"])
    people.edit(radiologist, roles=["technologist"], groups=[], full_name="")
    assert identify.token_actor(secret, "").permissions == {Permission.STUDY_SEARCH}
    people.edit(radiologist, roles=[], groups=[], full_name="")
    assert identify.token_actor(secret, "").permissions == frozenset()


def test_no_token_may_manage_people_or_its_own_kind(administrator: Person) -> None:
    assert not TOKEN_MAY & {
        Permission.PEOPLE_MANAGE,
        Permission.TOKENS_MANAGE,
        Permission.OWN,
        Permission.STUDY_DOWNLOAD,
    }
    _token, secret = tokens.create(administrator)
    program = Browser()
    for path in ("/people/", "/groups/", "/devices/", "/me/", "/step-up/"):
        assert program.open(path, **bearer(secret)).status_code in (403, 404) or path == "/step-up/"
    answer = program.post("/groups/", {"name": "Mine"}, secure=True, headers=bearer(secret))
    assert answer.status_code == 403


def test_a_token_ends_by_time_and_by_revocation(radiologist: Person) -> None:
    token, secret = tokens.create(radiologist)
    assert identify.token_actor(secret, "").verified
    tokens.revoke(token)
    assert identify.token_actor(secret, "").kind == "nobody"
    other, secret = tokens.create(radiologist, days=1)
    Token.objects.filter(pk=other.pk).update(expires_at=timezone.now())
    assert identify.token_actor(secret, "").kind == "nobody"


def test_a_token_is_kept_as_a_digest(radiologist: Person) -> None:
    token, secret = tokens.create(radiologist)
    kept = Token.objects.filter(pk=token.pk).values()[0]
    assert secret not in str(kept)
    assert len(base64.urlsafe_b64decode(secret.removeprefix("custos_") + "=")) == 32
    assert identify.token_actor(token.digest, "").kind == "nobody"


def test_dicom_tools_may_send_a_token_as_a_password(radiologist: Person) -> None:
    _token, secret = tokens.create(radiologist)
    basic = base64.b64encode(f"anybody:{secret}".encode()).decode()
    assert Browser().open("/studies/", Authorization=f"Basic {basic}").status_code == 200
    wrong = base64.b64encode(b"radiologist:correct horse battery staple").decode()
    assert Browser().open("/studies/", Authorization=f"Basic {wrong}").status_code == 302


def test_the_cookie_beside_a_token_counts_for_nothing(radiologist: Person, administrator: Person) -> None:
    browser = Browser().sign_in(administrator)
    _token, secret = tokens.create(radiologist)
    assert browser.open("/people/").status_code == 200
    assert browser.open("/people/", **bearer(secret)).status_code == 403


def test_a_token_needs_no_csrf_token_and_a_cookie_does(technologist: Person) -> None:
    _token, secret = tokens.create(technologist)
    program = Browser()
    body = {"data": b"", "content_type": "text/plain", "secure": True}
    assert program.post("/dicom-web/studies", headers=bearer(secret), **body).status_code not in (401, 403)  # type: ignore[arg-type]
    browser = Browser().sign_in(technologist)
    assert browser.post("/dicom-web/studies", **body).status_code == 403  # type: ignore[arg-type]
    csrf = {"X-CSRFToken": browser.cookies["__Host-csrf"].value}
    assert browser.post("/dicom-web/studies", headers=csrf, **body).status_code not in (401, 403)  # type: ignore[arg-type]
    evil = {**csrf, "Origin": "https://evil.test"}
    assert browser.post("/dicom-web/studies", headers=evil, **body).status_code == 403  # type: ignore[arg-type]


def test_a_view_exempt_from_csrf_is_not_so_for_a_cookie(radiologist: Person, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.accounts.exempt_urls"
    browser = Browser().sign_in(radiologist)
    assert browser.post("/exempt/", {}, secure=True).status_code == 403
    assert browser.send("/exempt/").status_code == 200
    _token, secret = tokens.create(radiologist)
    assert Browser().post("/exempt/", {}, secure=True, headers=bearer(secret)).status_code == 200


def test_a_request_with_a_token_cannot_touch_the_session_of_the_cookie(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    key = sessions.row_key(browser.session_key)
    entries = {"username": "radiologist", "password": "correct horse battery staple"}
    browser.post("/sign-in/", entries, secure=True, headers=bearer("custos_wrong"))
    assert Session.objects.filter(pk=key, verified_at__isnull=False).exists()


def test_a_person_switched_off_by_any_means_is_out(radiologist: Person) -> None:
    browser = Browser().sign_in(radiologist)
    _token, secret = tokens.create(radiologist)
    Person.objects.filter(pk=radiologist.pk).update(is_active=False)
    identify.forget()
    assert not works(browser)
    assert identify.token_actor(secret, "").kind == "nobody"
