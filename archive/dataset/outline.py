"""What a walk looks at of a large object, kept while the rest passes by: values that nobody looks into are not here.

At the end the same walk that reads whole objects reads a mapping as long as the object, in which only these bytes are.
"""

import mmap
import struct
from typing import Final

from archive.dataset.structure import opaque
from archive.dataset.uids import Encoding
from archive.errors import Malformed

LEAST: Final = 1 << 20
"""Bytes of a value that is not kept; shorter ones are."""

FIRST_BYTES: Final = 16
"""What is kept of each fragment: by it codecs tell where a frame begins."""

_PAGE: Final = 4096
_ITEM_HEAD: Final = 8
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)


class Outline:
    """The kept runs of one object in the order of the file, and how long the object is."""

    def __init__(self, encoding: Encoding, dataset_offset: int) -> None:
        self._encoding = encoding
        self._item = struct.Struct(">HHI" if encoding.big else "<HHI")
        self._runs: list[tuple[int, bytearray]] = [(0, bytearray())]
        self._search, self._next = dataset_offset, 0  # where in the last run elements begin; how long it is looked at
        self._passing = self._keeping = 0  # bytes of a value that still pass by, or of an item that are kept before
        self._items = self._table = False  # whether fragments follow, and whether the offset table is to come
        self._older = 0
        self.header = 0
        """Bytes up to the first element whose value passes by; 0 before there is one."""
        self.size = 0

    @property
    def weight(self) -> int:
        """Bytes of memory that it takes, at the end too, when each run lies in a page of its own."""
        return self._older + len(self._runs[-1][1]) + _PAGE * len(self._runs)

    def add(self, data: memoryview) -> None:
        """Take the next bytes. Raises Malformed where fragments are none, which nobody could find the end of."""
        while data:
            data = self._take(data)

    def _take(self, data: memoryview) -> memoryview:
        """Take some of the bytes, and return what is to be taken next."""
        if self._keeping:
            return self._keep(data)
        if self._passing:
            taken = min(self._passing, len(data))
            self._passing, self.size = self._passing - taken, self.size + taken
            if not self._passing:
                self._begin_run()
            return data[taken:]
        return self._item_head(data) if self._items else self._elements(data)

    def _keep(self, data: memoryview) -> memoryview:
        taken = min(self._keeping, len(data))
        self._runs[-1][1].extend(data[:taken])
        self._keeping, self.size = self._keeping - taken, self.size + taken
        if not self._keeping and not self._passing:
            self._begin_run()
        return data[taken:]

    def _begin_run(self) -> None:
        self._older += len(self._runs[-1][1])
        self._runs.append((self.size, bytearray()))
        self._search, self._next = 0, 0

    def _item_head(self, data: memoryview) -> memoryview:
        """The head of one item of encapsulated pixel data, or what ends them (PS3.5 §A.4)."""
        run = self._runs[-1][1]
        taken = min(_ITEM_HEAD - len(run), len(data))
        run += data[:taken]
        self.size += taken
        if len(run) == _ITEM_HEAD:
            self._item_begins(*self._item.unpack(run))
        return data[taken:]

    def _item_begins(self, group: int, number: int, length: int) -> None:
        if (group, number) == _SEQUENCE_END:
            self._items, self._search = False, _ITEM_HEAD
            return
        if (group, number) != _ITEM or length == _UNDEFINED:
            raise Malformed("A fragment of the pixel data is cut off or damaged.")
        self._keeping = length if self._table else min(length, FIRST_BYTES)
        self._passing, self._table = length - self._keeping, False
        if not length:
            self._begin_run()

    def _elements(self, data: memoryview) -> memoryview:
        """Elements, all of them kept until one is found whose value may pass by."""
        begin, run = self._runs[-1]
        run += data
        self.size += len(data)
        if len(run) - self._search < self._next:
            return data[len(data) :]
        self._next = 2 * (len(run) - self._search)
        with memoryview(run) as whole, whole[self._search :] as view:
            found = opaque(view, self._encoding, LEAST)
        if found is None:
            return data[len(data) :]
        # What is here of the value already is taken anew, to pass by.
        start = self._search + found.start
        self.header = self.header or begin + self._search + found.element
        rest = bytes(run[start:])
        del run[start:]
        self.size = begin + start
        self._items = self._table = found.length < 0
        self._passing = max(found.length, 0)
        if self._items:
            self._begin_run()
        return memoryview(rest)

    def mapped(self) -> memoryview:
        """The object as a walk may read it: as long as it is, and zeros where bytes have passed by.

        Memory is taken for the pages that something stands in; the mapping goes with the last view of it.
        """
        whole = mmap.mmap(-1, self.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            whole.madvise(mmap.MADV_NOHUGEPAGE)
        for offset, data in self._runs:
            whole[offset : offset + len(data)] = bytes(data)
        return memoryview(whole)
