"""An anchor that is a bucket under object lock: whoever holds our credentials can add a note there and remove none.

Notes of a log are numbered from 1 and are objects `PREFIX/<origin>/<thousand>/<number>`, put with `If-None-Match: *`,
each followed by an empty line: read in the order of their names they are the text that a folder's file would hold.
A bucket without object lock and a default retention is refused, because it would only look like an anchor.
"""

import hashlib
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, Final

from audit import s3
from audit.anchoring import blocks
from audit.errors import AnchorError

_GROUP: Final = 1000
_LONGEST: Final = 1 << 20
_REMEMBERED_SECONDS: Final = 30.0
_ATTEMPTS: Final = 5
_READERS: Final = 16  # a note is small, and each costs a turn on the line


class Bucket:
    """A bucket whose objects cannot be changed or removed before their time. Safe for threads."""

    def __init__(self, url: str, endpoint: str, region: str, profile: str) -> None:
        try:
            self._name, self._prefix = s3.location(url)
        except ValueError as error:
            raise AnchorError(f"PACS_ANCHORS: {url} {error}.") from None
        self._url, self._service = url, (endpoint, region, profile)
        self._lock = Lock()
        self._client: Any = None
        self._locked = False
        self._known: dict[str, tuple[float, int]] = {}

    def __str__(self) -> str:
        return self._url

    def append(self, origin: str, note: str) -> None:
        """Add a signed note and return once the service has acknowledged it under lock. Raises OSError."""
        self._require_lock()
        data = (note + "\n").encode()
        for _ in range(_ATTEMPTS):
            number = self.extent(origin) + 1
            if self._put(self._key(origin, number), data):
                self._known[origin] = (time.monotonic(), number)
                return
            # Another process was quicker; what it added is seen by asking again.
            self._known.pop(origin, None)
        raise AnchorError(f"{self} did not take the checkpoint: others were quicker each time.")

    def newest(self, origin: str) -> str | None:
        """The last note of a log, or None. Raises OSError."""
        number = self.extent(origin)
        return self._note(origin, number) if number else None

    def notes(self, origin: str, extent: int) -> Iterator[str]:
        """The notes of a log with the numbers 1 to `extent`, in order. Raises AnchorError where one is missing."""
        with ThreadPoolExecutor(_READERS, "anchor") as readers:
            for first in range(1, extent + 1, _GROUP):
                yield from readers.map(partial(self._note, origin), range(first, min(first + _GROUP, extent + 1)))

    def extent(self, origin: str) -> int:
        """The number of the last note there; asked again after half a minute."""
        at, number = self._known.get(origin, (-_REMEMBERED_SECONDS, 0))
        if time.monotonic() - at >= _REMEMBERED_SECONDS:
            number = self._last(origin)
            self._known[origin] = (time.monotonic(), number)
        return number

    def _last(self, origin: str) -> int:
        folder = f"{self._prefix}{blocks.dashed(origin)}/"
        groups = [one["Prefix"] for page in self._pages(folder, "/") for one in page.get("CommonPrefixes", ())]
        numbered = sorted(group for group in groups if group[len(folder) : -1].isdecimal())
        if not numbered:
            return 0
        keys = [one["Key"] for page in self._pages(numbered[-1], "") for one in page.get("Contents", ())]
        return max((int(tail) for tail in (key[len(numbered[-1]) :] for key in keys) if tail.isdecimal()), default=0)

    def _pages(self, prefix: str, delimiter: str) -> list[dict[str, Any]]:
        asked = {"Bucket": self._name, "Prefix": prefix, **({"Delimiter": delimiter} if delimiter else {})}
        pages: list[dict[str, Any]] = self._asked(
            lambda client: list(client.get_paginator("list_objects_v2").paginate(**asked))
        )
        return pages

    def _note(self, origin: str, number: int) -> str:
        key = self._key(origin, number)
        answer = self._asked(lambda client: client.get_object(Bucket=self._name, Key=key))
        try:
            text = answer["Body"].read(_LONGEST).decode(errors="replace")
        except s3.FAULTS as error:
            raise self._fault(error) from None
        finally:
            answer["Body"].close()
        # What is no note of ours is handed on as it is, for whoever verifies it to say so.
        return next(blocks.notes(text.splitlines(keepends=True)), text)

    def _put(self, key: str, data: bytes) -> bool:
        """Put an object that must not exist yet; False where it does and holds something else."""
        # A service takes an object under lock only with a digest of its bytes (S3: Content-MD5 or a checksum).
        md5 = b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        try:
            self._connected().put_object(Bucket=self._name, Key=key, Body=data, ContentMD5=md5, IfNoneMatch="*")
        except s3.FAULTS as error:
            if s3.code(error) not in s3.TAKEN:
                raise self._fault(error) from None
            # The answer to an earlier attempt of this very note may have been lost on its way.
            answer = self._asked(lambda client: client.get_object(Bucket=self._name, Key=key))
            return bool(answer["Body"].read(_LONGEST) == data)
        return True

    def _require_lock(self) -> None:
        """Raise AnchorError unless the bucket keeps every new object for a time, whoever asks."""
        if self._locked:
            return
        try:
            told = self._connected().get_object_lock_configuration(Bucket=self._name)["ObjectLockConfiguration"]
        except KeyError:
            told = {}
        except s3.FAULTS as error:
            if s3.code(error) != "ObjectLockConfigurationNotFoundError":
                raise self._fault(error) from None
            told = {}
        mode = told.get("Rule", {}).get("DefaultRetention", {}).get("Mode")
        # Under GOVERNANCE a login with the right to bypass it removes what is kept; that is no anchor against an owner.
        if told.get("ObjectLockEnabled") != "Enabled" or mode != "COMPLIANCE":
            raise AnchorError(f"{self} needs object lock with a default retention in COMPLIANCE mode.")
        self._locked = True

    def _asked(self, ask: Callable[[Any], Any]) -> Any:
        try:
            return ask(self._connected())
        except s3.FAULTS as error:
            raise self._fault(error) from None

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = s3.connect(*self._service)
            return self._client

    def _fault(self, error: Exception) -> AnchorError:
        return AnchorError(f"{self} does not answer as it should: {s3.code(error)}.")

    def _key(self, origin: str, number: int) -> str:
        return f"{self._prefix}{blocks.dashed(origin)}/{number // _GROUP:06d}/{number:012d}"
