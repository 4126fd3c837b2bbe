"""Who reads for long while a study is destroyed sees what was, and holds up the end without preventing it."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Destroyed
from archive import destruction, erasing
from archive.errors import Unavailable
from tests.archive.removal.conftest import Doomed, gone, raw
from tests.conftest import Installation

pytestmark = pytest.mark.both_databases
Actors = Callable[[Any], Any]


def test_somebody_elses_long_reading_delays_the_end_and_does_not_prevent_it(
    doomed: Doomed, installation: Installation, keeper: Any, actor_of: Actors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "TRIES", 2)
    reading, ended = Event(), Event()

    def read() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM archive_pack")
            reading.set()
            ended.wait(60)
        connection.close()

    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "transaction_mode", "DEFERRED")
    reader = Thread(target=read)
    reader.start()
    try:
        assert reading.wait(30)
        with pytest.raises(Unavailable):
            destruction.destroy(actor_of(keeper), doomed.uid)
        assert Destroyed.objects.get().completed_at is None
    finally:
        ended.set()
        reader.join()
    destruction.destroy(actor_of(keeper), doomed.uid)
    assert gone(doomed)
    assert not any(wrapped in raw(installation) for wrapped in doomed.wrapped.values())
