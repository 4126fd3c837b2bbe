"""A scrub and a compaction beside each other: nothing is left out, and nothing is called missing."""

from typing import Any

import pytest

from archive import appending
from archive.fixity import examining, scrub
from audit.models import Alert
from tests.archive.tending.conftest import SHELL, Archive, compact, work

pytestmark = pytest.mark.both_databases


def test_a_scrub_that_goes_on_after_a_compaction_reads_what_was_moved(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = archive.half_dead(4)
    real, read, most = examining.examine, list[Any](), 2

    class Ended(Exception):
        pass

    def examine(opener: Any, item: Any, *rest: Any) -> Any:
        if len(read) == most:
            raise Ended
        read.append(item.id)
        return real(opener, item, *rest)

    monkeypatch.setattr(scrub, "MOST_UNCOMMITTED", 1)
    monkeypatch.setattr(scrub, "examine", examine)
    with pytest.raises(Ended):
        scrub.run(SHELL, tell=lambda now, total: None)
    # What is copied comes before the cursor in the order of names.
    monkeypatch.setattr(appending, "token_hex", lambda size: "0" * 2 * size)
    assert compact().objects == 4
    work("discard")
    first, most = read[:], 100
    read.clear()
    assert scrub.run(SHELL, tell=lambda now, total: None).damaged == 0
    assert {*first, *read} == {row.id for row in rows}
    assert not Alert.objects.filter(kind="damaged").exists()


def test_a_scrub_beside_a_compaction_finds_nothing_missing(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = archive.half_dead(4)
    real, read = examining.examine, list[Any]()

    def examine(opener: Any, item: Any, *rest: Any) -> Any:
        if not read:
            compact()
            work("discard")
        read.append(item.id)
        return real(opener, item, *rest)

    monkeypatch.setattr(scrub, "examine", examine)
    done = scrub.run(SHELL, tell=lambda now, total: None)
    assert (done.damaged, done.objects_read) == (0, 4)
    assert set(read) == {row.id for row in rows}
    assert rows[0].pack.name not in archive.lying()
    assert not Alert.objects.exists()
