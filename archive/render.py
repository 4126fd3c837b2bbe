"""Pixels decoded in a process of its own, with bounded memory and time: bytes go in, bytes come out.

One worker stays warm in each serving process; it is started without any of our environment and killed when it takes
too long. What a hostile image does to it, it does to it alone.
"""

import atexit
import fcntl
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from archive.dataset.uids import Encoding
from archive.errors import Damaged, Unavailable, Undecodable

logger = logging.getLogger(__name__)

PROGRAM: Final = "import sys; sys.path.append(sys.argv[1]); from archive.rendering import worker; worker.main()"
PLACE: Final = Path(__file__).resolve().parent.parent
SECONDS: Final = 20.0
WAIT_SECONDS: Final = 30.0
MOST_BYTES: Final = 2 << 30
PIPE: Final = 1 << 20
MOST_PIECES: Final = 512  # written at once; the kernel takes 1,024 (IOV_MAX)

Buffer = bytes | memoryview
_UNDECODABLE: Final = {
    "too big": "The image is too large to be decoded here.",
    "unsupported": "This kind of compression cannot be decoded here.",
}

# What the plug-ins decode; video and what nobody knows stay as they are.
DECODABLE: Final = frozenset(
    {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.8.1",
        *(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)),
    }
)


@dataclass(frozen=True, slots=True)
class Pixels:
    """One frame as stored, with the bytes of the data set before the pixels, and how that is written."""

    frame: Buffer
    header: Buffer
    encoding: Encoding
    transfer_syntax: str
    index: int = 0
    floating: bool = False

    def asked(self, operation: str, **more: Any) -> dict[str, Any]:
        return {
            "operation": operation,
            "syntax": self.transfer_syntax,
            "implicit": not self.encoding.explicit,
            "big": self.encoding.big,
            "frame": self.index,
            "float": self.floating,
            **more,
        }


@dataclass(frozen=True, slots=True)
class View:
    """How a picture is wanted (PS3.18 §8.3.5.1): the size it must fit in, the part of the image, window and quality."""

    media_type: str = "image/jpeg"
    viewport: tuple[int, int] | None = None
    region: tuple[int, int, int, int] | None = None
    window: tuple[float, float, str] | None = None
    quality: int = 90


def decoded(pixels: Pixels) -> bytes:
    """The frame as uncompressed little endian bytes, colour by pixel. Raises Damaged, Undecodable, Unavailable."""
    return _one(pixels.asked("decode"), [pixels.header, pixels.frame])


def picture(pixels: Pixels, view: View) -> bytes:
    """The frame as a JPEG or PNG. Raises Damaged, Undecodable, Unavailable."""
    more = {
        "media_type": view.media_type,
        "viewport": view.viewport,
        "region": view.region,
        "window": view.window,
        "quality": view.quality,
    }
    return _one(pixels.asked("picture", **more), [pixels.header, pixels.frame])


def explicit(part10: bytes) -> bytes:
    """A whole object rewritten in Explicit VR Little Endian, its pixels decoded."""
    return _one({"operation": "explicit"}, [part10])


def extracted(part10: bytes, indexes: list[int]) -> list[bytes]:
    """Frames (from 0) of an uncompressed object whose frames share bytes, each packed by itself."""
    return _worker.ask({"operation": "extract", "frames": indexes}, [part10])


def ready(after: float = 0.0) -> None:
    """Start the worker in so many seconds, beside whatever else goes on: the first image need not wait for it."""
    later = threading.Timer(after, _worker.start)
    later.daemon = True
    later.start()


def stop() -> None:
    """End the worker; the next image starts another."""
    _worker.stop()


def _one(asked: dict[str, Any], pieces: list[Buffer]) -> bytes:
    (only,) = _worker.ask(asked, pieces)
    return only


class _Worker:
    """The warm process, used by one thread at a time."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, asked: dict[str, Any], pieces: list[Buffer]) -> list[bytes]:
        """One message and its answer. Raises Damaged where the image made the worker fail, Unavailable in a crowd."""
        if sum(map(len, pieces)) > MOST_BYTES:
            raise Undecodable("The object is too large to be decoded here.")
        if not self.turn.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("Too many images are being decoded.")
        try:
            process = self._started()
            try:
                told, given = _exchange(process, asked, pieces)
            except (OSError, ValueError, EOFError):
                self._drop()
                raise Damaged("The image could not be decoded.") from None
        finally:
            self.turn.release()
        if told.get("failed") in _UNDECODABLE:
            raise Undecodable(_UNDECODABLE[told["failed"]])
        if "failed" in told:
            raise Damaged("The image could not be decoded.")
        return given

    def _started(self) -> subprocess.Popen[bytes]:
        try:
            return self._running()
        except OSError as error:
            logger.warning("what decodes images cannot be started: %s", error.strerror)
            raise Unavailable("Images cannot be decoded now.") from None

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self._drop()
            self.process = subprocess.Popen(  # Our own program, with nothing of ours in its environment.
                [sys.executable, "-I", "-W", "ignore", "-c", PROGRAM, str(PLACE)],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                cwd="/",
                start_new_session=True,
            )
            for pipe in (self.process.stdin, self.process.stdout):
                _widen(pipe)
            os.set_blocking(_handle(self.process.stdin), False)
        return self.process

    def _drop(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def start(self) -> None:
        """Start it if that can be done; else whoever needs it tries again."""
        with self.turn, suppress(Unavailable):
            self._started()

    def stop(self) -> None:
        with self.turn:
            self._drop()


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a whole image fit into the pipe, so that the two programs need not take turns; where the system allows it."""
    if pipe is not None:
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def _handle(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise EOFError
    return pipe.fileno()


def _exchange(
    process: subprocess.Popen[bytes], asked: dict[str, Any], pieces: list[Buffer]
) -> tuple[dict[str, Any], list[bytes]]:
    """What the worker answers within SECONDS. Raises OSError, ValueError or EOFError where it does not."""
    end, sink, source = time.monotonic() + SECONDS, _handle(process.stdin), _handle(process.stdout)
    head = json.dumps({**asked, "lengths": [len(piece) for piece in pieces]}).encode()
    _write(sink, [len(head).to_bytes(4, "big") + head, *pieces], end)
    told = json.loads(_exactly(source, int.from_bytes(_exactly(source, 4, end), "big"), end))
    lengths: list[int] = told.pop("lengths")
    if sum(lengths) > MOST_BYTES:
        raise EOFError
    return told, [bytes(_exactly(source, length, end)) for length in lengths]


def _write(sink: int, pieces: list[Buffer], end: float) -> None:
    rest = [memoryview(piece) for piece in pieces if len(piece)]
    while rest:
        _await(sink, select.POLLOUT, end)
        written = os.writev(sink, rest[:MOST_PIECES])
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if written:
            rest[0] = rest[0][written:]


def _exactly(source: int, length: int, end: float) -> bytearray:
    if not 0 <= length <= MOST_BYTES:
        raise EOFError
    data = bytearray(length)
    with memoryview(data) as view:
        got = 0
        while got < length:
            _await(source, select.POLLIN, end)
            read = os.readv(source, [view[got:]])
            if not read:
                raise EOFError
            got += read
    return data


def _await(handle: int, event: int, end: float) -> None:
    """Return once the pipe is ready, or its other side gone. Raises EOFError where that takes too long."""
    poll = select.poll()
    poll.register(handle, event)
    if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
        raise EOFError


_worker = _Worker()


def _disown() -> None:
    """A forked child speaks to a worker of its own: two that share one would get each other's images."""
    global _worker
    _worker = _Worker()


os.register_at_fork(after_in_child=_disown)
atexit.register(stop)
