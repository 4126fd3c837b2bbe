"""When somebody was last there is noted in passing: whoever asks for something never waits for the note."""

import sqlite3
import time
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import devices, identify, passing, tokens
from accounts.models import Device, Person, Session, Token
from audit import pulse, turns
from tests.accounts.browsing import Browser
from tests.accounts.test_sessions import works
from tests.accounts.test_tokens import asked

pytestmark = pytest.mark.usefixtures("installation")
HERE = "10.1.2.3"


def test_whoever_asks_is_answered_while_somebody_else_writes(radiologist: Person, modality: Device) -> None:
    browser, (token, secret) = Browser().sign_in(radiologist), tokens.create(radiologist)
    earlier = timezone.now() - timedelta(minutes=5)
    Session.objects.update(seen_at=earlier)
    Token.objects.update(used_at=earlier, used_from=HERE, places=[{"place": HERE, "at": earlier.isoformat()}])
    Device.objects.update(last_seen_at=earlier)
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        assert asked(secret, HERE) == 503  # A search that cannot be recorded.
        assert works(browser)
        assert devices.find("CT_ONE", "127.0.0.1") is not None
        waited = time.monotonic() - begun
    # Each of them would have waited for as long as SQLite is told to, which is twenty seconds.
    assert waited < 10
    assert Token.objects.get(pk=token.pk).used_at == earlier
    assert Session.objects.get().seen_at == Device.objects.get(ae_title="CT_ONE").last_seen_at == earlier
    identify.forget()  # What was read of a token or session serves some requests.
    assert (asked(secret, HERE), works(browser)) == (200, True)
    assert Token.objects.get(pk=token.pk).used_at > earlier  # type: ignore[operator]
    assert Session.objects.get().seen_at > earlier  # type: ignore[operator]


def test_nothing_is_noted_where_the_record_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_to = list[bool]()
    assert passing.noted(lambda: asked_to.append(True) or 1)  # type: ignore[func-returns-value]
    monkeypatch.setattr(pulse, "lost", lambda: True)
    assert not passing.noted(lambda: asked_to.append(True) or 1)  # type: ignore[func-returns-value]
    assert asked_to == [True]


def test_patience_is_as_it_was_afterwards() -> None:
    def told() -> int:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            return int(cursor.fetchone()[0])

    before, within = told(), list[int]()
    assert passing.noted(lambda: within.append(told()) or 1)  # type: ignore[func-returns-value]
    assert (within, told()) == ([turns.SHORT_PATIENCE_MS], before)
