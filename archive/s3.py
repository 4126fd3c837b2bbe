"""Packs in a bucket of any service that speaks S3. A flush is one immutable object, acknowledged before it counts.

No name is ever written twice: it carries its writer's random id, and a PUT says `If-None-Match: *` besides. Waiting is
bounded everywhere.
"""

import errno
import hashlib
import io
import logging
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, Final

from archive import space, stores
from archive.addresses import location
from archive.disk import Part
from archive.errors import Damaged, PackMissing, Unavailable
from archive.stores import Lying
from audit.s3 import ATTEMPTS, FAULTS, TAKEN, code, connect

logger = logging.getLogger(__name__)

SENDING_SECONDS = 20.0  # beside a second for each MiB
AHEAD: Final = 256 * 1024  # a record is read in several small pieces; one request brings them all
SMALL: Final = 256 * 1024  # sent without asking first whether it is wanted, which costs a turn on the line

_MIB: Final = 1 << 20
_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)", re.ASCII)
_SUFFIX: Final = ".pack"


class Bucket:
    """A store whose packs are objects `PREFIX/<name>.pack`. `near` is the disk that log and journals need."""

    def __init__(self, url: str, endpoint: str, region: str, near: Path) -> None:
        self.name, self._prefix = location(url)
        self._endpoint, self._region, self._near = endpoint, region, near
        self._client: Any = None
        self._lock = Lock()

    def create(self, name: str) -> "BucketSink":
        return BucketSink(self, self._key(name))

    def copied(self, name: str) -> "BucketSink":
        return self.create(name)

    def open(self, name: str) -> "BucketSource":
        return BucketSource(self, self._key(name))

    def has_room(self, wanted: int) -> bool:
        # A bucket is as large as is paid for; rows and journals still need the disk.
        return space.disk_has_room(self._near, 0)

    def lying(self) -> Iterator[Lying]:
        pages = self.asked(lambda client: client.get_paginator("list_objects_v2"))
        try:
            for page in pages.paginate(Bucket=self.name, Prefix=self._prefix):
                for one in page.get("Contents", ()):
                    name = one["Key"].removeprefix(self._prefix).removesuffix(_SUFFIX)
                    if stores.NAME.fullmatch(name) and one["Key"] == self._key(name):
                        yield Lying(name, one["Size"], one["LastModified"])
        except FAULTS as error:
            raise _unavailable(error) from None

    def empty(self) -> bool:
        told = self.asked(lambda client: client.list_objects_v2(Bucket=self.name, Prefix=self._prefix, MaxKeys=1))
        return not told.get("Contents")

    def remove(self, name: str) -> None:
        key = self._key(name)
        self.asked(lambda client: client.delete_object(Bucket=self.name, Key=key))

    def close(self) -> None:
        """Give up its connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def trouble(self) -> str | None:
        """Why nothing can be asked of this bucket, in a word; None where it answers."""
        try:
            self.client().list_objects_v2(Bucket=self.name, Prefix=self._prefix, MaxKeys=1)
        except FAULTS as error:
            return code(error)
        return None

    def client(self) -> Any:
        """The client, made at first need: looking for credentials may take its time."""
        with self._lock:
            if self._client is None:
                self._client = connect(self._endpoint, self._region)
            return self._client

    def asked(self, ask: Callable[[Any], Any]) -> Any:
        """The answer to a question. Raises Unavailable."""
        try:
            return ask(self.client())
        except FAULTS as error:
            raise _unavailable(error) from None

    def put(self, key: str, body: "Body") -> None:
        """Return once the bucket has said that it keeps these bytes, and shown that it got them. Raises OSError."""
        size = body.getbuffer().nbytes
        with body.getbuffer() as view:
            digest, md5 = hashlib.sha256(view).digest(), hashlib.md5(view, usedforsecurity=False).digest()
        body.seek(0)
        body.ends = time.monotonic() + SENDING_SECONDS + size / _MIB
        checksum = b64encode(digest).decode()
        try:
            answer = self.client().put_object(
                Bucket=self.name,
                Key=key,
                Body=body.getvalue() if size <= SMALL else body,
                ContentMD5=b64encode(md5).decode(),
                ChecksumSHA256=checksum,
                IfNoneMatch="*",
            )
        except FAULTS as error:
            if code(error) not in TAKEN:
                logger.warning("the bucket did not take a pack: %s", code(error))
                raise OSError(errno.EIO, "the bucket did not take it") from None
            # The answer to an earlier attempt was lost on its way: then what is there is what we sent.
            self._require(key, size, digest, errno.EEXIST)
            return
        if not _shown(answer, md5.hex(), checksum):
            self._require(key, size, digest, errno.EIO)

    def _require(self, key: str, size: int, digest: bytes, fault: int) -> None:
        """Read an object back and compare it with what was sent. Raises OSError."""
        try:
            kept, at = hashlib.sha256(), 0
            while at < size:
                piece, total = self.get(key, at, min(8 * _MIB, size - at))
                kept.update(piece)
                at += len(piece)
                if total != size:
                    break
        except (Damaged, Unavailable):
            raise OSError(errno.EIO, "the bucket does not show what it took") from None
        if at != size or total != size or kept.digest() != digest:
            logger.error("the bucket holds other bytes than were sent")
            raise OSError(fault, "the bucket holds something else")

    def get(self, key: str, offset: int, length: int) -> tuple[bytes, int]:
        """The bytes of a range, fewer only at the object's end, and the object's size. Raises Damaged, Unavailable.

        Beyond the end there are no bytes, and the size is at most `offset`.
        """
        for _ in range(ATTEMPTS):
            # The library has tried each request again already, but it does so with no answer that breaks off.
            data, total = self._get(key, offset, length)
            if data is not None:
                return data, total
        raise _unavailable(OSError(errno.EIO, "answers that break off"))

    def _get(self, key: str, offset: int, length: int) -> tuple[bytes | None, int]:
        """One attempt; no bytes where the answer broke off or is not the range that was asked for."""
        try:
            answer = self.client().get_object(Bucket=self.name, Key=key, Range=f"bytes={offset}-{offset + length - 1}")
        except FAULTS as error:
            if code(error) in ("InvalidRange", "416"):
                return b"", offset
            if code(error) == "NoSuchKey":
                raise PackMissing("A pack is missing.") from None
            raise _unavailable(error) from None
        with closing(answer["Body"]) as body:
            told = _RANGE.fullmatch(answer.get("ContentRange", ""))
            total = int(told[3]) if told else 0
            expected = min(length, total - offset)
            if told is None or int(told[1]) != offset or answer["ContentLength"] != expected:
                return None, 0
            try:
                data: bytes = body.read()
            except FAULTS:
                return None, 0
        return (data, total) if len(data) == expected else (None, 0)

    def _key(self, name: str) -> str:
        if not stores.NAME.fullmatch(name):
            raise Damaged("A pack has a name that no pack has.")
        return f"{self._prefix}{name}{_SUFFIX}"


def _shown(answer: dict[str, Any], md5: str, checksum: str) -> bool:
    """Whether an acknowledgement shows by itself that the bytes arrived as they were sent."""
    if answer.get("ETag", "").strip('"') == md5:
        return True
    # Under a key of the key service the ETag is no digest; there the checksum was held against the bytes.
    by_key_service = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    return by_key_service and answer.get("ChecksumSHA256") == checksum


def _unavailable(error: Exception) -> Unavailable:
    logger.warning("the bucket does not answer as it should: %s", code(error))
    return Unavailable("The place where packs are kept does not answer.")


class Body(io.BytesIO):
    """What a PUT sends. It ends a sending that the other side draws out, which no timeout of a socket does."""

    ends = float("inf")

    def read(self, size: int | None = -1, /) -> bytes:
        if time.monotonic() > self.ends:
            raise TimeoutError(errno.ETIMEDOUT, "the bucket takes it too slowly")
        return super().read(size)


class BucketSink:
    """A pack in memory until its one flush; nothing can follow that."""

    step = 1

    def __init__(self, bucket: Bucket, key: str) -> None:
        self.size = 0
        self.once, self.ended = True, False
        self._bucket, self._key, self._body = bucket, key, Body()

    def removed(self) -> bool:
        return False  # It is there no sooner than it has ended.

    def write(self, *parts: Part) -> None:
        if self.ended:
            raise OSError(errno.EROFS, "the pack has ended")
        for part in parts:
            self.size += self._body.write(bytes(part))

    def flush(self) -> None:
        if not self.ended:
            self._bucket.put(self._key, self._body)
            self.ended = True
            self._body = Body()

    def close(self) -> None:
        self._body = Body()


class BucketSource:
    """A pack in a bucket; several threads may read at once. That it is missing is found out by the first read."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key
        self._held = (0, b"", False)  # where some bytes begin, the bytes, whether they are the last ones

    def read(self, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        begin, data, last = self._held
        if offset < begin or (offset + length > begin + len(data) and not last):
            begin = offset
            data, total = self._bucket.get(self._key, offset, max(length, AHEAD))
            self._held = (begin, data, begin + len(data) >= total)
        return data[offset - begin : offset - begin + length]

    def close(self) -> None:
        self._held = (0, b"", False)
