"""Dictionary rows opened for a page: studies share spellings, and the next page has them again."""

from collections.abc import Iterable
from time import monotonic
from uuid import UUID

from accounts import epoch
from accounts.recent import Recent
from archive.columns import cell_name
from archive.models import Phrase
from archive.openers import CellOpener

_CELL = cell_name("phrase", "value_cell")
SECONDS, MOST = 60.0, 4096
_opened: Recent[UUID, str] = Recent(most=MOST, seconds=SECONDS)
"""Spellings opened by this process, for as long as a key stays in its memory: a row never changes what it says."""


class Phrases:
    """The dictionary rows of one batch, read together when the first of them is asked for."""

    def __init__(self, opener: CellOpener, wanted: Iterable[UUID]) -> None:
        self._opener = opener
        self._wanted = set(wanted)
        self._texts: dict[UUID, str] = {}

    def text(self, phrase: UUID) -> str:
        """What a dictionary row says; empty where it is gone. Raises Damaged."""
        if phrase not in self._texts:
            self._read(self._wanted | {phrase})
        return self._texts[phrase]

    def _read(self, wanted: set[UUID]) -> None:
        known = {row: text for row in wanted if (text := _opened.get(row)) is not None}
        missing = wanted - known.keys()
        self._texts |= dict.fromkeys(missing, "") | known
        number, began = (epoch.number(), monotonic()) if epoch.watching() else (0, 0.0)
        for row, sealed in Phrase.objects.filter(id__in=missing).values_list("id", "value_cell") if missing else ():
            self._texts[row] = self._opener.text(_CELL, row, sealed)
            _opened.keep(row, self._texts[row], number, began)
        self._wanted = set()
