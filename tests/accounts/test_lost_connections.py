"""A database connection that breaks under a request is a pause: 503 and 0xA700, never a defect, and it heals."""

import time

import pytest
from django.db import InterfaceError, OperationalError, connection

from accounts import epoch
from accounts.errors import RightsUnknown
from accounts.models import Person
from archive.browser import problems
from archive.dimse import statuses
from pacs import ready
from tests.accounts.browsing import Browser
from tests.conftest import Installation


def cut() -> None:
    """Close the connection under Django, as a restarted server does."""
    connection.ensure_connection()
    connection.connection.close()


@pytest.mark.postgres
def test_whoever_cannot_be_identified_hears_of_a_pause(installation: Installation, radiologist: Person) -> None:
    browser = Browser()
    browser.sign_in(radiologist)
    assert browser.open("/me/").status_code == 200
    for path in ("/me/", "/dicom-web/studies"):
        cut()
        answer = browser.open(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        connection.close_if_unusable_or_obsolete()
    assert browser.open("/me/").status_code == 200


@pytest.mark.postgres
def test_rights_that_cannot_be_read_are_unknown_until_the_next_read(installation: Installation) -> None:
    epoch.check()
    cut()
    with pytest.raises(RightsUnknown):
        epoch.check()
    epoch.check()


@pytest.mark.postgres
def test_the_watching_thread_survives(installation: Installation) -> None:
    epoch.start()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    time.sleep(2.5)
    assert epoch._watcher is not None
    assert epoch._watcher.is_alive()
    epoch.check()


@pytest.mark.postgres
def test_the_health_check_says_what_does_not_answer(installation: Installation) -> None:
    cut()
    assert ready.trouble() == "the database does not answer"


@pytest.mark.parametrize("error", [InterfaceError(), OperationalError()])
def test_every_edge_has_a_word_for_it(error: Exception) -> None:
    assert statuses.status(error)[0] == statuses.OUT_OF_RESOURCES
    assert next(page for kind, page in problems.PAGES if isinstance(error, kind)) is problems.BUSY
