"""Whoever uses somebody's token from elsewhere is told of, once, to whose token it is and to whoever reads alerts."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts import epoch, identify, token_places, tokens
from accounts.models import Person, Token
from audit import alerts
from audit.models import Alert
from tests.accounts.browsing import Browser
from tests.accounts.test_rights import at_once
from tests.accounts.test_tokens import asked

pytestmark = pytest.mark.usefixtures("installation")
HERE, THERE = "10.1.2.3", "192.0.2.7"


def told() -> list[tuple[str, int]]:
    return list(Alert.objects.filter(kind="token-elsewhere").values_list("subject", "times"))


def test_the_first_place_is_nobodys_news_and_the_next_is_told_once(radiologist: Person) -> None:
    token, secret = tokens.create(radiologist, name="night report")
    reader = Browser().sign_in(radiologist)
    for _again in range(2):
        assert asked(secret, HERE) == 200
    assert told() == []
    assert b"data-new-place" not in reader.open("/me/").content
    for address in (THERE, HERE, THERE):
        assert asked(secret, address) == 200
    assert told() == [("radiologist", 1)]
    assert THERE in Alert.objects.get(kind="token-elsewhere").message
    page = reader.open("/me/").content.decode()
    assert page.count("data-new-place") == 1
    assert "night report" in page
    assert THERE in page.partition("data-new-place")[2].partition("</p>")[0]
    assert Token.objects.get(pk=token.pk).used_from == THERE


def test_a_token_that_is_refused_tells_of_no_place(radiologist: Person) -> None:
    _token, secret = tokens.create(radiologist, address="10.1.0.0/16")
    assert asked(secret, HERE) == 200
    assert asked(secret, THERE) == 401
    assert told() == []
    assert asked(secret, "10.1.9.9") == 200
    assert told() == [("radiologist", 1)]


def test_another_token_and_another_person_are_none_of_its_places(radiologist: Person, outsider: Person) -> None:
    first, second = tokens.create(radiologist)[1], tokens.create(outsider)[1]
    assert asked(first, HERE) == asked(second, THERE) == 200
    assert told() == []
    asked(first, THERE)
    assert told() == [("radiologist", 1)]
    assert b"data-new-place" not in Browser().sign_in(outsider).open("/me/").content


def test_what_is_remembered_of_a_token_hides_no_new_place(radiologist: Person) -> None:
    """Serving processes remember who asks for a moment, by token and address together."""
    _token, secret = tokens.create(radiologist)
    epoch.start()
    for address in (HERE, HERE, THERE):
        asked(secret, address)
    assert told() == [("radiologist", 1)]


@pytest.mark.parametrize(
    ("first", "then", "news"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", 0),
        ("2001:db8::1", "2001:db8:0:1::1", 1),
        ("10.1.2.3", "::ffff:10.1.2.3", 0),
        ("10.1.2.3", "10.1.2.4", 1),
    ],
)
def test_a_machine_that_changes_its_address_within_its_network_is_no_news(
    radiologist: Person, first: str, then: str, news: int
) -> None:
    _token, secret = tokens.create(radiologist)
    asked(secret, first)
    asked(secret, then)
    assert len(told()) == news


@pytest.mark.both_databases
def test_of_uses_from_a_new_place_at_the_same_moment_one_tells(radiologist: Person) -> None:
    token, secret = tokens.create(radiologist)
    asked(secret, HERE)
    rows = [Token.objects.get(pk=token.pk) for _one in range(3)]
    assert at_once(*(lambda row=row: token_places.note(row, THERE, timezone.now()) for row in rows)) == []
    assert told() == [("radiologist", 1)]
    assert [one["place"] for one in Token.objects.get(pk=token.pk).places] == [HERE, THERE]


def test_however_many_places_there_are_the_list_is_bounded_and_the_first_stays(radiologist: Person) -> None:
    token, _secret = tokens.create(radiologist)
    for number in range(token_places.MOST + 10):
        token.refresh_from_db()
        token_places.note(token, f"10.0.{number}.1", timezone.now())
    kept = [one["place"] for one in Token.objects.get(pk=token.pk).places]
    assert (len(kept), kept[0], kept[-1]) == (token_places.MOST, "10.0.0.1", f"10.0.{token_places.MOST + 9}.1")


def test_a_token_of_an_older_version_begins_where_it_was_used_last(radiologist: Person) -> None:
    token, secret = tokens.create(radiologist)
    before = timezone.now() - timedelta(days=2)
    Token.objects.filter(pk=token.pk).update(used_at=before, used_from=HERE)
    asked(secret, HERE)
    assert told() == []
    asked(secret, THERE)
    assert told() == [("radiologist", 1)]


def test_a_notice_goes_with_time_and_with_the_token(radiologist: Person) -> None:
    token, secret = tokens.create(radiologist)
    asked(secret, HERE)
    asked(secret, THERE)
    (new,) = token_places.lately(radiologist)
    assert (new.token.pk, new.place) == (token.pk, THERE)
    places: list[dict[str, Any]] = Token.objects.get(pk=token.pk).places
    long_ago = (timezone.now() - timedelta(days=31)).isoformat()
    Token.objects.filter(pk=token.pk).update(places=[places[0], {**places[1], "at": long_ago}])
    assert token_places.lately(radiologist) == []
    Token.objects.filter(pk=token.pk).update(places=places)
    tokens.revoke(token)
    assert token_places.lately(radiologist) == []


def test_a_place_that_could_not_be_kept_is_told_at_the_next_use(
    radiologist: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    _token, secret = tokens.create(radiologist)
    asked(secret, HERE)

    def broken(*_anything: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as patched:
        patched.setattr(token_places, "note", broken)
        assert asked(secret, THERE) == 200
    assert told() == []
    identify.forget()
    asked(secret, THERE)
    assert told() == [("radiologist", 1)]
    assert connection.needs_rollback is False
    assert alerts.settle("token-elsewhere", "radiologist", "test")
