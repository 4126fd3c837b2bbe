"""A database server that goes away takes views with it, and gives them back when it returns. Postgres alone has one."""

import time
from collections.abc import Callable

import pytest
from django.db import connection

from audit import log, pulse
from audit.errors import LogUnavailable
from audit.events import Event
from tests.conftest import Installation

pytestmark = pytest.mark.postgres


def _well() -> bool:
    try:
        pulse.check()
    except LogUnavailable:
        return False
    return True


def test_the_thread_survives_a_lost_connection(installation: Installation) -> None:
    pulse.start()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    time.sleep(1.2)
    deadline = time.monotonic() + 4
    while not _well():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_connection_closed_under_us_is_an_unavailable_log_and_heals(
    installation: Installation, event: Callable[..., Event]
) -> None:
    log.commit([event()])
    connection.connection.close()
    with pytest.raises(LogUnavailable):
        log.commit([event()])
    connection.ensure_connection()
    connection.connection.close()
    assert not pulse.probe()
    assert pulse.probe()
    log.commit([event()])
